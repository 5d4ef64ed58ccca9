// Observer: is told what the miner loop does, beside the console: reports, say.
// Thread: the loop's.
#pragma once

#include "common/base/time.h"
#include "miner/client_event.h"
#include "miner/coherence_work.h"
#include "miner/status.h"
#include "miner/work.h"

#include <string_view>

namespace miner {

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_event(const ClientEvent& event, const base::Instant& now) = 0;
  // A job that is worked on from here on.
  virtual void on_work(const Work& work, const base::Instant& now) = 0;
  virtual void on_coherence_work(const CoherenceWork& work, const base::Instant& now) = 0;
  // Before it is submitted.
  virtual void on_block(const FoundShare& block, const base::Instant& now) = 0;
  // At the start, and every second.
  virtual void on_status(const Status& status, const base::Instant& now) = 0;
  virtual void on_give_up(std::string_view why, const base::Instant& now) = 0;
  // The last of all.
  virtual void on_end(const Status& status, const base::Instant& now) = 0;
};

}  // namespace miner
