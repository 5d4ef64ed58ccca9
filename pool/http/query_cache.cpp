#include "pool/http/query_cache.h"

#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t slow_in_flight_max = limits::http_queries_in_flight_max / 4;
constexpr auto failure_kept = 2s;        // a question that failed is not asked again before
constexpr auto old_answer_kept = 10min;  // that is told where there is no room for the question

std::string key_of(StatsQuery::What what, const QueryCache::Arguments& arguments) {
  std::string key(1, static_cast<char>(what));
  for (const auto& argument : arguments) {
    key += argument ? 's' + std::to_string(argument->size()) + ':' + *argument : "n";
  }
  return key;
}

DatabaseAnswer answer_of(const QueryResult& result) {
  if (!result.ok) {
    return {result.timed_out ? DatabaseAnswer::Kind::busy : DatabaseAnswer::Kind::away, nullptr};
  }
  if (result.json.empty()) return {DatabaseAnswer::Kind::nothing, nullptr};
  return {DatabaseAnswer::Kind::found, std::make_shared<const std::string>(result.json)};
}

std::size_t bytes_of(const std::optional<DatabaseAnswer>& answer) {
  return answer && answer->json ? answer->json->size() : 0;
}

}  // namespace

std::chrono::milliseconds kept_for(StatsQuery::What what) {
  using What = StatsQuery::What;
  switch (what) {
    case What::blocks:
    case What::totals:
    case What::coherence:
    case What::round:
    case What::block_list:
    case What::chain:
    case What::events:
      return 2s;
    case What::block:
    case What::payouts:
    case What::miner:
    case What::workers:
      return 5s;
    case What::history:
      return 10s;
    case What::luck:
    case What::miners:
    case What::miner_history:
    case What::ckpool_user:
    case What::payout:
    case What::preview:
    case What::epochs:
      return 30s;
    case What::expected_parts:
      return 5min;
    case What::block_proof:
    case What::chain_block:
      return 10min;  // never changes
  }
  return 2s;
}

QueryCache::Place QueryCache::entry_of(What what, const Arguments& arguments) {
  std::string key = key_of(what, arguments);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.begin();
  }
  Entry entry;
  entry.key = std::move(key);
  entry.what = what;
  entries_.push_front(std::move(entry));
  by_key_.emplace(entries_.front().key, entries_.begin());
  make_room();
  return entries_.begin();
}

// The oldest that nobody waits for; the newest stays whatever it weighs.
void QueryCache::make_room() {
  const auto is_too_much = [&] {
    return entries_.size() > limits::http_query_answers_max ||
           bytes_ > limits::http_query_bytes_max;
  };
  for (Place at = entries_.end(); is_too_much() && at != std::next(entries_.begin());) {
    --at;
    if (at == entries_.begin()) break;
    if (at->request != 0) continue;
    bytes_ -= bytes_of(at->answer);
    by_key_.erase(at->key);
    at = entries_.erase(at);
  }
}

bool QueryCache::has_room(What what) const {
  const std::size_t fast = in_flight_.size() - slow_in_flight_;
  return is_slow(what) ? slow_in_flight_ < slow_in_flight_max
                       : fast < limits::http_queries_in_flight_max - slow_in_flight_max;
}

DatabaseAnswer QueryCache::instead_of_busy(const Entry& entry, base::MonoTime now) const {
  if (entry.answer && now - entry.answered_at < old_answer_kept) return *entry.answer;
  return {DatabaseAnswer::Kind::busy, nullptr};
}

bool QueryCache::send(Place entry, Arguments arguments, base::MonoTime now) {
  if (!has_room(entry->what) || now < entry->failed_until) return false;
  const std::uint64_t request = next_request_;
  if (!send_(StatsQuery{request, entry->what, std::move(arguments)})) return false;
  ++next_request_;
  entry->request = request;
  entry->asked_at = now;
  slow_in_flight_ += is_slow(entry->what) ? 1 : 0;
  in_flight_.emplace(request, entry);
  return true;
}

void QueryCache::ask(What what, Arguments arguments, base::MonoTime now, Done done) {
  const Place entry = entry_of(what, arguments);
  if (entry->answer && now < entry->fresh_until) {
    const DatabaseAnswer known = *entry->answer;  // `done` may change the table
    return done(known);
  }
  if (now < entry->failed_until) {
    const DatabaseAnswer failure = entry->failure;
    return done(failure);
  }
  const bool is_on_its_way = entry->request != 0 || send(entry, std::move(arguments), now);
  if (!is_on_its_way || askers_ >= limits::http_answers_waited_for_max) {
    const DatabaseAnswer known = instead_of_busy(*entry, now);
    return done(known);
  }
  entry->waiting.push_back(std::move(done));
  ++askers_;
}

std::optional<DatabaseAnswer> QueryCache::last(What what, Arguments arguments, base::MonoTime now) {
  const Place entry = entry_of(what, arguments);
  const bool is_fresh = entry->answer && now < entry->fresh_until;
  if (!is_fresh && entry->request == 0) (void)send(entry, std::move(arguments), now);
  return entry->answer;
}

// What failed is told for a moment, so that it is not asked for again at once.
void QueryCache::settle(Place entry, std::optional<DatabaseAnswer> kept, DatabaseAnswer told,
                        base::MonoTime now) {
  in_flight_.erase(entry->request);
  slow_in_flight_ -= is_slow(entry->what) ? 1 : 0;
  entry->request = 0;
  if (!kept) {
    if (told.kind == DatabaseAnswer::Kind::busy) told = instead_of_busy(*entry, now);
    entry->failure = told;
    entry->failed_until = now + failure_kept;
  } else {
    entry->answered_at = now;
    entry->failure = {};
    entry->failed_until = {};
    bytes_ -= bytes_of(entry->answer);
    // The same text stays the same object: whoever made something of it need not do so again.
    const bool is_same =
        entry->answer && entry->answer->json && kept->json && *entry->answer->json == *kept->json;
    if (!is_same) entry->answer = std::move(kept);
    bytes_ += bytes_of(entry->answer);
  }
  std::vector<Done> waiting;
  waiting.swap(entry->waiting);
  askers_ -= waiting.size();
  make_room();
  for (const Done& done : waiting) done(told);
}

bool QueryCache::on_result(const QueryResult& result, base::MonoTime now) {
  const auto found = in_flight_.find(result.request);
  if (found == in_flight_.end()) return false;
  const Place entry = found->second;
  const DatabaseAnswer answer = answer_of(result);
  const bool is_answer = result.ok;
  if (is_answer) entry->fresh_until = now + kept_for(entry->what);
  settle(entry, is_answer ? std::optional(answer) : std::nullopt, answer, now);
  return true;
}

void QueryCache::tick(base::MonoTime now) {
  std::vector<Place> late;
  for (const auto& [request, entry] : in_flight_) {
    if (now - entry->asked_at > limits::http_query_deadline) late.push_back(entry);
  }
  for (const Place entry : late) {
    settle(entry, std::nullopt, {DatabaseAnswer::Kind::busy, nullptr}, now);
  }
}

}  // namespace pool
