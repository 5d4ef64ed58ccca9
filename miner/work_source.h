// WorkSource: where work comes from and where what was found goes: a pool (PoolSource), or one's
// own node. MinerLoop stands between a source and the crew that mines for it.
//
// A source speaks through its WorkSourceHost, from inside its own functions or from callbacks of
// the loop; never from its constructor.
//
// Thread: the loop's.
#pragma once

#include "common/base/time.h"
#include "miner/client_event.h"
#include "miner/coherence_work.h"
#include "miner/work.h"

#include <functional>
#include <memory>
#include <string_view>

namespace miner {

struct Status;

class WorkSourceHost {
 public:
  virtual ~WorkSourceHost() = default;
  // What to mine from here on; null: nothing.
  virtual void set_work(std::shared_ptr<const Work> work) = 0;
  virtual void set_coherence_work(std::shared_ptr<const CoherenceWork> work) = 0;
  virtual void report(const ClientEvent& event) = 0;
  // appetite() or coherence_appetite() may have changed outside on_share(), on_proof(), on_tick().
  virtual void appetite_changed() = 0;
  // There will be no work again: the program ends with exit code 1.
  virtual void give_up(std::string_view why) = 0;
};

class WorkSource {
 public:
  virtual ~WorkSource() = default;

  virtual void start() = 0;
  virtual void on_share(FoundShare share, base::MonoTime now) = 0;
  virtual void on_proof(FoundProof proof, base::MonoTime now) = 0;
  // Called every 20 ms.
  virtual void on_tick(base::MonoTime now) = 0;

  // What is worth finding now; the workers look before they verify and post.
  virtual Appetite appetite() const = 0;
  virtual Appetite coherence_appetite() const = 0;

  // Answers are due to what was submitted: worth waiting a moment for at the end.
  virtual bool awaits_answers() const = 0;
  // From here on nothing new is begun. Answers still count, until end().
  virtual void stop() = 0;
  // What is unanswered now counts as lost.
  virtual void end() = 0;

  // Fills in what a source knows of Status: the link, the counters, the job, its pools; of
  // coherence work where `status.coherence` is there.
  virtual void describe(Status& status) const = 0;
  // A name is being looked up, which can't be cancelled: the loop's end would wait for it.
  virtual bool is_resolving() const = 0;
};

using MakeWorkSource = std::function<std::unique_ptr<WorkSource>(WorkSourceHost&)>;

}  // namespace miner
