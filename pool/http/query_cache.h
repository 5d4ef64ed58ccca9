// QueryCache: what the API asks of the database. The same question is asked once, however many
// wait for it, and its answer is kept for a while.
//
// Memory: answers_max answers of together bytes_max; the one that was not asked for longest goes.
// Bounds: at most in_flight_max questions are on their way at a time, a quarter of them of those
// that
//         take long (is_slow()), so that these never keep the others waiting; and so many askers
//         wait as requests may. One too many is answered at once, and so is one that did not come
//         back within the deadline: with the last answer, if there is one of the last minutes, else
//         `busy`.
// Time:   an argument.
// Thread: the web loop's. Pure.
#pragma once

#include "common/base/time.h"
#include "pool/core/limits.h"
#include "pool/messages.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pool {

struct DatabaseAnswer {
  enum class Kind { found, nothing, away, busy };
  Kind kind = Kind::away;
  std::shared_ptr<const std::string> json;  // of `found`: the same object while it is the same
};

class QueryCache {
 public:
  using What = StatsQuery::What;
  using Arguments = std::vector<std::optional<std::string>>;
  // To the query threads; false: their mailbox is full.
  using Send = std::function<bool(StatsQuery)>;
  using Done = std::function<void(const DatabaseAnswer&)>;

  explicit QueryCache(Send send) : send_(std::move(send)) {}

  // `done` is called once: now, where the answer is known or can't be had, or later. It may ask
  // again.
  void ask(What what, Arguments arguments, base::MonoTime now, Done done);
  // The last answer, however old; asks for another one in the background when it is not fresh.
  // None: there was none yet.
  std::optional<DatabaseAnswer> last(What what, Arguments arguments, base::MonoTime now);
  // False: it is nobody's question here.
  bool on_result(const QueryResult& result, base::MonoTime now);
  // Gives up what has been on its way for too long.
  void tick(base::MonoTime now);

  std::size_t answers() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t in_flight() const { return in_flight_.size(); }
  std::size_t askers() const { return askers_; }

 private:
  struct Entry {
    std::string key;
    What what = What::totals;
    std::uint64_t request = 0;  // on its way; 0: none
    base::MonoTime asked_at{};
    std::vector<Done> waiting;
    std::optional<DatabaseAnswer> answer;
    base::MonoTime answered_at{};
    base::MonoTime fresh_until{};
    DatabaseAnswer failure;  // the last one, told until
    base::MonoTime failed_until{};
  };
  using Place = std::list<Entry>::iterator;

  bool has_room(What what) const;
  DatabaseAnswer instead_of_busy(const Entry& entry, base::MonoTime now) const;
  Place entry_of(What what, const Arguments& arguments);
  bool send(Place entry, Arguments arguments, base::MonoTime now);
  void settle(Place entry, std::optional<DatabaseAnswer> kept, DatabaseAnswer told,
              base::MonoTime now);
  void make_room();

  const Send send_;
  std::list<Entry> entries_;  // the one asked for last first
  std::unordered_map<std::string_view, Place> by_key_;
  std::unordered_map<std::uint64_t, Place> in_flight_;
  std::size_t bytes_ = 0;
  std::size_t slow_in_flight_ = 0;
  std::size_t askers_ = 0;                               // that wait
  std::uint64_t next_request_ = std::uint64_t{1} << 32;  // other askers count from 1
};

// How long an answer is kept.
std::chrono::milliseconds kept_for(StatsQuery::What what);

}  // namespace pool
