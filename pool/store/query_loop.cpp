#include "pool/store/query_loop.h"

#include "common/uv/clock.h"
#include "pool/store/database.h"

namespace pool {
namespace {

constexpr std::size_t queries_waiting_max = 64;

const char* statement_for(StatsQuery::What what) {
  switch (what) {
    case StatsQuery::What::blocks:
      return "SELECT page_blocks(50)";
    case StatsQuery::What::coherence:
      return "SELECT page_coherence(50)";
    case StatsQuery::What::totals:
      return "SELECT page_totals()";
  }
  return "SELECT page_totals()";
}

}  // namespace

QueryLoop::QueryLoop(Options options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      mailbox_(loop_, queries_waiting_max,
               [this](const QueryMessage& message) { on_message(message); }) {}

QueryLoop::~QueryLoop() = default;

void QueryLoop::run() {
  loop_.run();
  connection_.reset();
}

void QueryLoop::on_message(const QueryMessage& message) {
  if (stopping_) return;
  if (const auto* query = std::get_if<StatsQuery>(&message)) return hooks_.result(answer(*query));
  stopping_ = true;
  loop_.stop();
}

QueryResult QueryLoop::answer(const StatsQuery& query) {
  QueryResult result{query.request, false, error_};
  const bool retry_later = uv::read_clock().mono < retry_at_ || interrupt_.interrupted();
  if (connection_ == nullptr && retry_later) return result;
  const auto json = guarded([&] {
    if (connection_ == nullptr) connect();
    pqxx::read_transaction transaction(connection_->get());
    return transaction.exec1(statement_for(query.what))[0].as<std::string>();
  });
  if (json) {
    result.ok = true;
    result.json = *json;
    return result;
  }
  connection_.reset();
  error_ = json.error().message;
  retry_at_ = uv::read_clock().mono + options_.retry;
  result.json = error_;
  return result;
}

// Throws what pqxx throws.
void QueryLoop::connect() {
  connection_ =
      std::make_unique<DatabaseConnection>(options_.database, "phasepool_query", &interrupt_);
  pqxx::nontransaction session(connection_->get());
  session.exec("SET statement_timeout = " + std::to_string(options_.statement_timeout.count()) +
               "; SET default_transaction_read_only = on");
  // Fewer rights where the cluster has the role and lets us take it.
  const auto may = session.exec(
      "SELECT FROM pg_roles WHERE rolname = 'phasepool_web'"
      " AND pg_has_role(current_user, oid, 'MEMBER')");
  if (!may.empty()) session.exec("SET ROLE phasepool_web");
}

}  // namespace pool
