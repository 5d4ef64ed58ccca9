// LiveBook: who is connected now, as the shards tell it, an address at a time.
//
// Shards answer from their own tables within microseconds, but none is waited for long: past the
// deadline those that answered have to do, and the answer says that it is not complete. The same
// question is asked once, however many wait for it, and its answer is kept for a second.
//
// Bounds: limits::live_*; past them the answer is empty and not complete, at once.
// Time:   an argument; on_deadline() is to be called often while in_flight() > 0.
// Thread: the web loop's. Pure.
#pragma once

#include "common/base/time.h"
#include "pool/core/limits.h"
#include "pool/core/live_worker.h"
#include "pool/core/token_bucket.h"
#include "pool/messages.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pool {

// Of one address, over all shards.
struct LiveWorkers {
  bool complete = false;                                  // every shard has answered
  std::map<std::string, LiveWorker, std::less<>> asked;   // those connected, by name
  std::map<std::string, LiveWorker, std::less<>> silent;  // at most silent_workers_told_max
  std::uint64_t connected = 0;                            // workers of the address
};

class LiveBook {
 public:
  using Send = std::function<PostedToShards(const LiveQuestion&)>;
  using Done = std::function<void(const LiveWorkers&)>;

  explicit LiveBook(Send send) : send_(std::move(send)) {}

  // `done` is called once, now or later.
  void ask(LiveWanted wanted, base::MonoTime now, Done done);
  void on(const LiveAnswer& answer, base::MonoTime now);
  // Ends what has waited for long enough.
  void on_deadline(base::MonoTime now);

  std::size_t in_flight() const { return in_flight_.size(); }
  std::size_t kept() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t request = 0;  // on its way; 0: none
    base::MonoTime asked_at{};
    std::size_t due = 0;     // answers
    bool all_asked = false;  // every shard took the question
    std::vector<Done> waiting;
    LiveWorkers answer;  // so far
    std::vector<std::uint64_t> hashes;
    base::MonoTime fresh_until{};
  };
  using Entries = std::map<std::string, Entry>;

  void add(Entry& entry, const LiveAnswer& answer);
  void settle(Entries::iterator entry, base::MonoTime now);
  void make_room(base::MonoTime now);

  const Send send_;
  const TokenRate rate_ =
      TokenRate::of(limits::live_questions_per_second_max, limits::live_questions_per_second_max);
  Entries entries_;  // by question
  std::unordered_map<std::uint64_t, Entries::iterator> in_flight_;
  TokenBucket tokens_;
  std::uint64_t next_request_ = 1;
};

}  // namespace pool
