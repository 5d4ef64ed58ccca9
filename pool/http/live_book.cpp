#include "pool/http/live_book.h"

#include "pool/core/limits.h"

#include <algorithm>
#include <utility>

namespace pool {
namespace {

std::string key_of(const LiveWanted& wanted) {
  std::string key = wanted.address;
  for (const std::string& name : wanted.names) {
    key += '\n' + std::to_string(name.size()) + ' ';
    key += name;
  }
  return key;
}

// The same worker at two shards: the newest connection says what it is.
void merge(LiveWorker& known, const LiveWorker& other) {
  const LiveWorker& newest = other.newest_us > known.newest_us ? other : known;
  LiveWorker sum = newest;
  sum.connections = known.connections + other.connections;
  sum.connected_us = std::min(known.connected_us, other.connected_us);
  sum.last_share_us = std::max(known.last_share_us, other.last_share_us);
  known = std::move(sum);
}

void merge(std::map<std::string, LiveWorker, std::less<>>& known,
           const std::vector<LiveWorker>& more) {
  for (const LiveWorker& worker : more) {
    const auto [place, is_new] = known.try_emplace(worker.name, worker);
    if (!is_new) merge(place->second, worker);
  }
}

}  // namespace

void LiveBook::ask(LiveWanted wanted, base::MonoTime now, Done done) {
  std::string key = key_of(wanted);
  const auto known = entries_.find(key);
  if (known != entries_.end()) {
    if (known->second.request != 0) {
      known->second.waiting.push_back(std::move(done));
      return;
    }
    if (now < known->second.fresh_until) {
      const LiveWorkers answer = known->second.answer;  // `done` may change the table
      return done(answer);
    }
    entries_.erase(known);
  }
  if (in_flight_.size() >= limits::live_questions_in_flight_max || !tokens_.try_spend(rate_, now)) {
    return done({});
  }
  make_room(now);
  const std::uint64_t request = next_request_++;
  const auto entry = entries_.try_emplace(std::move(key)).first;
  entry->second.request = request;
  entry->second.asked_at = now;
  entry->second.waiting.push_back(std::move(done));
  in_flight_.emplace(request, entry);
  const PostedToShards posted =
      send_({request, std::make_shared<const LiveWanted>(std::move(wanted))});
  entry->second.due = posted.taken;
  entry->second.all_asked = posted.shards > 0 && posted.taken == posted.shards;
  if (posted.taken == 0) settle(entry, now);
}

void LiveBook::on(const LiveAnswer& answer, base::MonoTime now) {
  const auto found = in_flight_.find(answer.request);
  if (found == in_flight_.end()) return;  // too late
  Entry& entry = found->second->second;
  add(entry, answer);
  if (--entry.due == 0) settle(found->second, now);
}

void LiveBook::add(Entry& entry, const LiveAnswer& answer) {
  merge(entry.answer.asked, answer.asked);
  merge(entry.answer.silent, answer.silent);
  entry.hashes.insert(entry.hashes.end(), answer.hashes.begin(), answer.hashes.end());
  entry.answer.connected += answer.workers - answer.hashes.size();
}

void LiveBook::settle(Entries::iterator entry, base::MonoTime now) {
  Entry& of = entry->second;
  in_flight_.erase(of.request);
  of.request = 0;
  of.answer.complete = of.all_asked && of.due == 0;
  std::sort(of.hashes.begin(), of.hashes.end());
  const auto distinct = std::unique(of.hashes.begin(), of.hashes.end()) - of.hashes.begin();
  of.answer.connected += static_cast<std::uint64_t>(distinct);
  of.hashes = {};
  // Silent at one shard and well at another is not silent.
  std::erase_if(of.answer.silent,
                [](const auto& worker) { return worker.second.last_share_us.has_value(); });
  while (of.answer.silent.size() > limits::silent_workers_told_max) {
    of.answer.silent.erase(std::prev(of.answer.silent.end()));
  }
  of.fresh_until = now + limits::live_answer_kept;
  const LiveWorkers answer = of.answer;
  const std::vector<Done> waiting = std::exchange(of.waiting, {});
  for (const Done& done : waiting) done(answer);
}

void LiveBook::on_deadline(base::MonoTime now) {
  std::vector<std::uint64_t> late;
  for (const auto& [request, entry] : in_flight_) {
    if (now - entry->second.asked_at >= limits::live_answer_deadline) late.push_back(request);
  }
  for (const std::uint64_t request : late) {
    const auto found = in_flight_.find(request);
    if (found != in_flight_.end()) settle(found->second, now);
  }
}

// What is no longer fresh goes; and if nothing is, any.
void LiveBook::make_room(base::MonoTime now) {
  if (entries_.size() < limits::live_answers_kept_max) return;
  std::erase_if(entries_, [now](const auto& entry) {
    return entry.second.request == 0 && now >= entry.second.fresh_until;
  });
  for (auto at = entries_.begin();
       entries_.size() >= limits::live_answers_kept_max && at != entries_.end();) {
    at = at->second.request == 0 ? entries_.erase(at) : std::next(at);
  }
}

}  // namespace pool
