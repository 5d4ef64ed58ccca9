#include "pool/store/chain_loop.h"

#include "common/base/bytes.h"
#include "common/log.h"
#include "pool/core/limits.h"
#include "pool/store/database.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

// Bytes of hex digits as the database gives them. Throws: the rows are not what the schema says.
template <std::size_t size>
std::array<std::uint8_t, size> bytes_of(const pqxx::field& field) {
  const auto decoded = base::from_hex(field.as<std::string>());
  if (!decoded || decoded->size() != size) {
    throw std::runtime_error(std::string("coherence_state: ") + field.name() + " is not " +
                             std::to_string(size) + " bytes in hex");
  }
  std::array<std::uint8_t, size> bytes{};
  std::ranges::copy(*decoded, bytes.begin());
  return bytes;
}

// Times and bits are bigints there; a tip's fields fit 32 bits by the table's checks.
std::uint32_t u32_of(const pqxx::field& field) {
  return static_cast<std::uint32_t>(field.as<std::int64_t>());
}

std::uint64_t u64_of(const pqxx::field& field) {
  return static_cast<std::uint64_t>(field.as<std::int64_t>());
}

coherence::ChainRules rules_of(const pqxx::row& row) {
  return {.block_seconds = u32_of(row["block_seconds"]),
          .retarget_blocks = u32_of(row["retarget_blocks"]),
          .initial_bits = u32_of(row["initial_bits"]),
          .start_time = u32_of(row["start_time"])};
}

std::optional<coherence::ChainTip> tip_of(const pqxx::row& row) {
  if (row["tip_height"].is_null()) return std::nullopt;
  return coherence::ChainTip{.height = u32_of(row["tip_height"]),
                             .hash = bytes_of<32>(row["tip_hash"]),
                             .time = u32_of(row["tip_time"]),
                             .bits = u32_of(row["tip_bits"]),
                             .level = u32_of(row["tip_level"]),
                             .epoch_start_time = u32_of(row["epoch_start_time"])};
}

ChainView view_of(const pqxx::result& rows) {
  if (rows.empty()) throw std::runtime_error("coherence_state: the proof chain has no rules");
  ChainView view;
  view.rules = rules_of(rows[0]);
  view.tip = tip_of(rows[0]);
  for (const auto& row : rows) {
    const auto journal = bytes_of<16>(row["journal"]);
    view.committed[journal] = u64_of(row["committed_sequence"]);
    if (row["head_sequence"].is_null()) continue;
    view.heads.push_back(
        {u32_of(row["pool"]), journal, {u64_of(row["head_sequence"]), bytes_of<32>(row["head"])}});
  }
  std::ranges::stable_sort(view.heads, {}, &ChainView::Head::pool);
  return view;
}

}  // namespace

class ChainLoop::Listener final : public pqxx::notification_receiver {
 public:
  explicit Listener(pqxx::connection_base& connection)
      : notification_receiver(connection, "coherence_chain") {}
  void operator()(const std::string& /*payload*/, int /*backend*/) override { heard_ = true; }
  bool take_heard() { return std::exchange(heard_, false); }

 private:
  bool heard_ = false;
};

ChainLoop::ChainLoop(Options options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      timer_(loop_, [this] { on_timer(); }),
      mailbox_(loop_, limits::coherence_mailbox_messages_max,
               [this](const ChainMessage& message) { on_message(message); }) {}

ChainLoop::~ChainLoop() { disconnect(); }

void ChainLoop::run() {
  timer_.start(0ms, options_.period);
  loop_.run();
  disconnect();
}

void ChainLoop::on_message(const ChainMessage& message) {
  if (const auto* head = std::get_if<JournalHead>(&message)) {
    head_ = *head;
  } else if (const auto* changed = std::get_if<InstanceChanged>(&message)) {
    options_.pool = changed->instance;
    head_published_.reset();
  } else {
    timer_.stop();
    disconnect();
    loop_.stop();
  }
}

void ChainLoop::on_timer() {
  if (!interrupt_.interrupted()) work(true);
}

// A notification, or the connection's end: the next look tells which.
void ChainLoop::on_readable() {
  if (interrupt_.interrupted()) return socket_->stop();
  work(false);
}

void ChainLoop::work(bool publish) {
  ChainRead told;
  const auto done = guarded([&] {
    if (connection_ == nullptr) connect();
    if (publish) publish_head();
    connection_->get().get_notifs();
    if (!connection_->get().is_open()) throw pqxx::broken_connection("the connection has ended");
    if (!publish && !listener_->take_heard()) return;
    // What is heard while the chain is read may be of a block that the answer does not hold.
    do {
      told.view = read_chain();
      connection_->get().get_notifs();
    } while (listener_->take_heard());
  });
  if (done) {
    error_logged_.clear();
    if (told.view) hooks_.read(std::move(told));
    return;
  }
  disconnect();
  hooks_.read(ChainRead{std::nullopt, done.error().message});
  if (error_logged_ == done.error().message) return;
  error_logged_ = done.error().message;
  LOG(warning, "proof_chain_away", {"error", error_logged_},
      {"effect", "coherence work goes on from the tip that is known"});
}

// Throws what pqxx throws.
void ChainLoop::connect() {
  connection_ =
      std::make_unique<DatabaseConnection>(options_.database, "phasepool_chain", &interrupt_);
  {
    pqxx::nontransaction session(connection_->get());
    // Without jit: the planner thinks little tables large, and compiling takes longer than reading.
    session.exec(
        "SET jit = off; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET statement_timeout = '10s';"
        "SET lock_timeout = '5s'; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;"
        "SET tcp_keepalives_count = 3; SET tcp_user_timeout = 15000");
    session.exec_params("SELECT FROM begin_coherence_chain($1, $2, $3, NULL)",
                        options_.rules.block_seconds, options_.rules.retarget_blocks,
                        static_cast<std::int64_t>(options_.rules.initial_bits));
  }
  listener_ = std::make_unique<Listener>(connection_->get());
  head_published_.reset();
  // Closed by libpq when the server, or an interrupt, ended the connection meanwhile.
  const int socket = connection_->get().sock();
  if (socket < 0) throw pqxx::broken_connection("the connection ended as it began");
  socket_ = std::make_unique<uv::Poll>(loop_, socket, [this] { on_readable(); });
  socket_->start();
}

void ChainLoop::publish_head() {
  if (!head_ || head_ == head_published_) return;
  pqxx::work transaction(connection_->get());
  transaction.exec_params("SELECT publish_coherence_head($1, $2::uuid, $3, decode($4, 'hex'))",
                          static_cast<std::int64_t>(options_.pool), base::to_hex(options_.journal),
                          static_cast<std::int64_t>(head_->sequence), base::to_hex(head_->head));
  transaction.commit();
  head_published_ = head_;
}

ChainView ChainLoop::read_chain() {
  pqxx::nontransaction transaction(connection_->get());
  return view_of(transaction.exec_params("SELECT * FROM coherence_state($1::uuid)",
                                         base::to_hex(options_.journal)));
}

void ChainLoop::disconnect() {
  socket_.reset();
  listener_.reset();
  connection_.reset();
}

base::Result<std::optional<coherence::ChainRules>, std::string> stored_chain_rules(
    const std::string& database) {
  std::optional<coherence::ChainRules> rules;
  const auto done = guarded([&] {
    DatabaseConnection connection(database, "phasepool_check");
    pqxx::read_transaction transaction(connection.get());
    const auto rows = transaction.exec(
        "SELECT block_seconds, retarget_blocks, initial_bits,"
        " extract(epoch FROM start_time)::bigint AS start_time FROM coherence_rules");
    if (!rows.empty()) rules = rules_of(rows[0]);
  });
  if (!done) return base::err(done.error().message);
  return rules;
}

}  // namespace pool
