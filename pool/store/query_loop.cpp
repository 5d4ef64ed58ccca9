#include "pool/store/query_loop.h"

#include "common/base/assert.h"
#include "common/uv/clock.h"
#include "pool/store/database.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace pool {
namespace {

constexpr std::size_t queries_waiting_max = 64;

struct Statement {
  StatsQuery::What what;
  const char* text;
  std::size_t arguments;
};

using What = StatsQuery::What;
constexpr std::array<Statement, StatsQuery::what_count> statements{{
    {What::blocks, "SELECT page_blocks(50)", 0},
    {What::totals, "SELECT page_totals()", 0},
    {What::coherence, "SELECT page_coherence(50)", 0},
    {What::round, "SELECT api_round()", 0},
    {What::luck, "SELECT api_luck()", 0},
    {What::history, "SELECT api_history($1)", 1},
    {What::miners, "SELECT api_miners($1, $2)", 2},
    {What::miner, "SELECT api_miner($1)", 1},
    {What::miner_history, "SELECT api_miner_history($1, $2, $3)", 3},
    {What::workers, "SELECT api_workers($1, $2, $3)", 3},
    {What::ckpool_user, "SELECT api_ckpool_user($1)", 1},
    {What::block_list, "SELECT api_blocks($1, $2)", 2},
    {What::block, "SELECT api_block_detail(decode($1, 'hex'))", 1},
    {What::block_proof, "SELECT api_block_proof(decode($1, 'hex'))", 1},
    {What::payouts, "SELECT api_payouts($1, $2)", 2},
    {What::payout, "SELECT api_payout($1, $2, $3)", 3},
    {What::preview, "SELECT api_preview()", 0},
    {What::expected_parts, "SELECT api_expected_parts(decode($1, 'hex'))", 1},
    {What::chain, "SELECT api_chain($1, $2)", 2},
    {What::epochs, "SELECT api_epochs($1)", 1},
    {What::chain_block, "SELECT api_chain_block_detail($1)", 1},
    {What::events, "SELECT api_events($1, $2, $3)", 3},
}};

const Statement& statement_for(const StatsQuery& query) {
  const auto found =
      std::find_if(statements.begin(), statements.end(),
                   [&](const Statement& statement) { return statement.what == query.what; });
  ASSERT(found != statements.end() && found->arguments == query.arguments.size());
  return *found;
}

// Empty: the answer is null.
std::string ask(pqxx::connection& connection, const StatsQuery& query) {
  std::vector<const char*> values;  // null pointers are SQL's null
  for (const auto& argument : query.arguments) {
    values.push_back(argument ? argument->c_str() : nullptr);
  }
  pqxx::read_transaction transaction(connection);
  const pqxx::result rows = transaction.exec_params(
      statement_for(query).text, pqxx::prepare::make_dynamic_params(values.begin(), values.end()));
  const pqxx::field answer = rows.at(0)[0];
  return answer.is_null() ? std::string{} : answer.as<std::string>();
}

constexpr std::string_view query_canceled = "57014";

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
    return ask(connection_->get(), query);
  });
  if (json) {
    result.ok = true;
    result.json = *json;
    return result;
  }
  result.json = json.error().message;
  // The connection is as good as before where it was only this question.
  result.timed_out = json.error().sqlstate == query_canceled && !interrupt_.interrupted();
  if (result.timed_out || json.error().kind == DatabaseFailure::refused_data) return result;
  connection_.reset();
  error_ = result.json;
  retry_at_ = uv::read_clock().mono + options_.retry;
  return result;
}

// Throws what pqxx throws.
void QueryLoop::connect() {
  connection_ =
      std::make_unique<DatabaseConnection>(options_.database, options_.application, &interrupt_);
  pqxx::nontransaction session(connection_->get());
  session.exec("SET statement_timeout = " + std::to_string(options_.statement_timeout.count()) +
               "; SET default_transaction_read_only = on; SET jit = off");
  // Fewer rights where the cluster has the role and lets us take it.
  const auto may = session.exec(
      "SELECT FROM pg_roles WHERE rolname = 'phasepool_web'"
      " AND pg_has_role(current_user, oid, 'MEMBER')");
  if (!may.empty()) session.exec("SET ROLE phasepool_web");
}

}  // namespace pool
