// DifficultyMemory: the difficulty that suited a worker when it was last here, so that it need not
// be found anew after a reconnect.
//
// A bounded map; the worker heard of least recently makes room. Shards tell each other what they
// remember: take_changes() gives what is new since the last call, learn() takes another shard's.
// What was learnt is not told on, so nothing goes round.
//
// Memory: about 250 bytes an entry. Only what a worker's shares have proven should be remembered
// (DifficultyControl::proven), or anybody could push out the rest by logging in with new names.
// Thread: pure; time is an argument.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/target.h"

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pool {

class DifficultyMemory {
 public:
  struct Entry {
    std::string worker;  // "address.worker", and what else tells one machine from another
    bitcoin::Difficulty difficulty;
    base::MonoTime at;
  };
  struct Limits {
    std::size_t entries_max;
    std::size_t changes_max;  // kept for take_changes(); the oldest are not told
    std::chrono::seconds expiry;
  };

  explicit DifficultyMemory(const Limits& limits) : limits_(limits) {}
  DifficultyMemory(const DifficultyMemory&) = delete;
  DifficultyMemory& operator=(const DifficultyMemory&) = delete;

  void remember(std::string_view worker, bitcoin::Difficulty difficulty, base::MonoTime now);
  // Nothing when it is unknown or expired.
  std::optional<bitcoin::Difficulty> recall(std::string_view worker, base::MonoTime now);

  // What was remembered since the last call, a worker once, oldest first.
  std::vector<Entry> take_changes();
  // Another shard's change: the later one of a worker counts.
  void learn(const Entry& entry);

  std::size_t size() const { return by_worker_.size(); }

 private:
  struct Kept {
    Entry entry;
    bool is_change = false;  // not told yet
  };
  using Order = std::list<Kept>;  // by rising time; a key views its entry's string

  Kept& put(std::string_view worker, bitcoin::Difficulty difficulty, base::MonoTime at);
  void drop(Order::iterator which);

  const Limits limits_;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> by_worker_;
  std::size_t changes_ = 0;
};

}  // namespace pool
