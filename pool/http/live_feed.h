// LiveFeed: which events those who watch the page are told, out of one snapshot and the next.
//
//   pool       the body of /api/v1/pool, at most every two seconds, and only where something in it
//              has changed but the time
//   tip        {"height","hash"}: the chain has another tip
//   block      the newest of the pool's blocks, when anything is known of a block that was not
//              before: {"version","height","hash","status","state"}; hash null: there is none
//   coherence  {"height","hash"}: the proof chain has another tip
//
// What an event says was said before is dropped by the EventHub.
// Time:   an argument. Thread: the web loop's. Pure.
#pragma once

#include "common/base/time.h"
#include "pool/http/event_hub.h"
#include "pool/http/snapshot.h"

#include <optional>
#include <string>

namespace pool {

class LiveFeed {
 public:
  explicit LiveFeed(EventHub& hub) : hub_(hub) {}

  void update(const PoolSnapshot& snapshot, base::MonoTime now);
  // Somebody begins to watch: what the hub holds of the pool may be old.
  void refresh(const PoolSnapshot& snapshot, base::MonoTime now);

 private:
  void publish_pool(const PoolSnapshot& snapshot, base::MonoTime now);

  EventHub& hub_;
  std::optional<base::MonoTime> pool_told_;
  std::string pool_seen_;  // as of one moment of time, always the same
};

}  // namespace pool
