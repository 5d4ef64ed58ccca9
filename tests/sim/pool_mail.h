// PoolMail: the mailboxes between the pool's threads. A message takes its time, and those of one
// pair of threads keep their order.
//
// Thread: the one there is.
#pragma once

#include "pool/core/limits.h"
#include "tests/sim/environment.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sim {

// A thread of the pool: a shard's number, or one of these.
using ThreadName = std::uint32_t;
inline constexpr ThreadName node_thread = 1000;
inline constexpr ThreadName journal_thread = 1001;
inline constexpr ThreadName store_thread = 1002;

class PoolMail {
 public:
  PoolMail(Environment& env, Owner owner) : env_(env), owner_(owner) {}

  template <class Action>
  void post(ThreadName from, ThreadName to, Action action) {
    Micros delay = 10 + static_cast<Micros>(env_.random.below(40));
    if (env_.faults.mailbox_delay_most > 0 && env_.random.below(8) == 0) {
      delay = between(env_.random, 0, env_.faults.mailbox_delay_most);
    }
    Micros& last = last_[{from, to}];
    last = std::max(last, env_.now() + delay);
    ++waiting_;
    check(to, ++waiting_for_[to]);
    env_.schedule.at(last, owner_, [this, to, action = std::move(action)]() mutable {
      --waiting_;
      --waiting_for_[to];
      action();
    });
  }
  std::size_t waiting() const { return waiting_; }

 private:
  void check(ThreadName to, std::size_t waiting) {
    namespace limits = pool::limits;
    if (to == node_thread) {
      env_.oracle.check_queue("node_mailbox", waiting, limits::node_mailbox_messages_max);
    } else if (to == journal_thread) {
      env_.oracle.check_queue("journal_mail", waiting, limits::journal_mailbox_messages_max);
    } else if (to == store_thread) {
      env_.oracle.check_queue("store_mailbox", waiting, limits::store_mailbox_messages_max);
    } else {
      env_.oracle.check_queue("shard_mailbox", waiting, limits::shard_mailbox_messages_max);
    }
  }

  Environment& env_;
  const Owner owner_;
  std::map<std::pair<ThreadName, ThreadName>, Micros> last_;
  std::size_t waiting_ = 0;
  std::map<ThreadName, std::size_t> waiting_for_;
};

}  // namespace sim
