#include "pool/store/upkeep_loop.h"

#include "common/log.h"
#include "common/uv/clock.h"
#include "pool/store/database.h"

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t messages_max = 4;

}  // namespace

UpkeepLoop::UpkeepLoop(Options options)
    : options_(std::move(options)),
      timer_(loop_, [this] { on_timer(); }),
      mailbox_(loop_, messages_max, [this](Shutdown) {
        timer_.stop();
        loop_.stop();
      }) {}

UpkeepLoop::~UpkeepLoop() = default;

void UpkeepLoop::run() {
  timer_.start(0ms, options_.ledger_period);
  loop_.run();
  connection_.reset();
}

void UpkeepLoop::on_timer() {
  if (interrupt_.interrupted()) return;
  const auto done = guarded([&] {
    if (connection_ == nullptr) connect();
    update_ledger();
    const auto now = uv::read_clock().mono;
    if (now < retention_at_) return;
    run_retention();
    retention_at_ = now + options_.retention_period;
  });
  if (done) {
    error_logged_.clear();
    return;
  }
  connection_.reset();
  if (error_logged_ == done.error().message) return;
  error_logged_ = done.error().message;
  LOG(warning, "database_upkeep_failed", {"error", error_logged_},
      {"retry_ms", options_.ledger_period.count()});
}

// Throws what pqxx throws.
void UpkeepLoop::connect() {
  connection_ =
      std::make_unique<DatabaseConnection>(options_.database, "phasepool_upkeep", &interrupt_);
  pqxx::nontransaction session(connection_->get());
  // Neither a peer that is gone nor a lock that somebody holds for hours may stop it without a
  // word.
  session.exec(
      "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET synchronous_commit = on;"
      "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
      "SET tcp_user_timeout = 15000; SET lock_timeout = '60s';"
      "SET idle_in_transaction_session_timeout = '60s'");
}

void UpkeepLoop::update_ledger() {
  pqxx::work transaction(connection_->get());
  const auto changes = transaction.exec1("SELECT update_ledger()")[0].as<int>();
  transaction.commit();
  if (changes > 0) LOG(info, "ledger_updated", {"runs", changes});
}

void UpkeepLoop::run_retention() {
  pqxx::work transaction(connection_->get());
  const auto rows = transaction.exec_params(
      "SELECT what, dropped, note FROM run_retention($1, $2, $3)", options_.keep_shares_days,
      options_.keep_minutes_days, options_.keep_events_days);
  transaction.commit();
  for (const auto& row : rows) {
    const auto dropped = row[1].as<std::int64_t>();
    const auto note = row[2].as<std::string>();
    if (dropped == 0 && note.empty()) continue;
    LOG(info, "retention", {"what", row[0].as<std::string>()}, {"dropped", dropped},
        {"note", note});
  }
}

}  // namespace pool
