// Faults: what goes wrong in a run, and how often; drawn from its seed.
//
// Each kind of fault is left out of half the runs: a fault that is always there hides what happens
// without it. After stop() nothing goes wrong any more, and the world must recover.
//
// Units:  probabilities from 0 to 1; rates in times an hour of virtual time.
// Thread: the one there is.
#pragma once

#include "common/base/random.h"
#include "tests/sim/breakage.h"
#include "tests/sim/schedule.h"

#include <cstdint>
#include <string>

namespace sim {

struct Faults {
  // The network between miners and pool.
  double split = 0;            // a piece of bytes arrives in several
  double cuts_per_hour = 0;    // a connection ends, also in the middle of a line
  double half_open = 0;        // of the cuts: one side does not hear of it
  double stalls_per_hour = 0;  // a miner stops reading for a while
  double duplicates = 0;       // a submit that its miner sends twice
  double late_shares = 0;      // a miner that submits for the job before after a clean one
  double garbage = 0;          // a line that is no request

  // The pool's process and its machine.
  double crashes_per_hour = 0;
  double power_cuts = 0;          // of the crashes: what was not synced is lost or torn
  double crashes_at_blocks = 0;   // of the blocks found: a crash within a moment
  double crashes_in_a_write = 0;  // of the crashes: in the middle of the journal's next call
  double stops_per_hour = 0;      // orderly ones
  double clock_jumps_per_hour = 0;
  Micros mailbox_delay_most = 0;
  double write_fails = 0;  // of the journal's writes
  double sync_fails = 0;
  double disk_full_per_hour = 0;
  Micros sync_most = 3 * millisecond;
  double vault_fails = 0;

  // The node.
  double node_outages_per_hour = 0;
  double rpc_fails = 0;
  double news_lost = 0;  // of ZMQ and long-poll, each
  double twin_tips = 0;  // two blocks within a millisecond
  double reorgs = 0;     // a longer branch takes over

  // The store.
  double store_outages_per_hour = 0;
  double answers_lost = 0;  // commits that go through, though nobody hears of it
  double commits_lost = 0;  // transactions that do not

  bool stopped = false;

  static Faults draw(base::Random& random);
  static Faults none() { return {}; }
  // Just the faults without which this breakage would not show.
  static Faults for_breakage(Break how);
  // No faults from here on; the network keeps its delays.
  void stop();
  std::string text() const;
};

// Chance, as the world needs it. `random` is the run's one source of it.
bool chance(base::Random& random, double probability);
double uniform01(base::Random& random);  // in (0, 1]
Micros exponential(base::Random& random, Micros mean);
Micros between(base::Random& random, Micros least, Micros most);

}  // namespace sim
