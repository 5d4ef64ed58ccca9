// NodeChoice: which of several nodes gives miners their work.
//
// The first of the list that is well is used. "Well" is: it answers, in time; it is on the right
// chain and has caught up (the loop says so); it gives usable templates; and it is not behind the
// others for long. A node that fails is left at once if another is well, and kept if none is: its
// old work is better than none. Back to a preferred node goes slowly, so that one which comes and
// goes does not drag miners to and fro: it must have been well for a while, and for twice as long
// after each further failure; being left because it was behind is one.
//
// Time:   passed in.
// Thread: the node loop's.
#pragma once

#include "common/base/time.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pool {

struct NodeHealth {
  bool known = false;      // an answer, good or bad, has come since the start
  bool up = false;         // it answered last time, on the right chain, and has caught up
  bool answering = false;  // no question has been open for longer than it should
  std::uint32_t height = 0;
};

struct NodeChoiceOptions {
  // At the start, a preferred node gets this long to answer before another is used.
  std::chrono::milliseconds preferred_grace{2'000};
  // How long a node must have been well before it takes over from one that is well too; doubled by
  // each failure up to the second figure, and back at the first after the third without any.
  std::chrono::milliseconds steady_first{30'000};
  std::chrono::milliseconds steady_most{600'000};
  std::chrono::milliseconds forgiven_after{3'600'000};
  // A node without a usable template is passed over for this long.
  std::chrono::milliseconds refused_for{30'000};
  // How long the node in use may be behind another; blocks do not reach all at the same moment.
  std::chrono::milliseconds behind_grace{15'000};
};

class NodeChoice {
 public:
  using Options = NodeChoiceOptions;

  // REQUIRES: nodes >= 1.
  NodeChoice(std::size_t nodes, base::MonoTime now, Options options = {});

  void report(std::size_t node, const NodeHealth& health, base::MonoTime now);
  // It is up, but what it gives can't be mined on.
  void refuse(std::size_t node, base::MonoTime now);
  // The node to use from now on. `work_height` is the height miners work at: a node that would take
  // them back below it is no replacement. None: as before, or none yet.
  std::optional<std::size_t> choose(base::MonoTime now, std::optional<std::uint32_t> work_height);

  const std::optional<std::size_t>& in_use() const { return in_use_; }
  // The node in use is well.
  bool is_well(base::MonoTime now) const { return in_use_ && well(*in_use_, now); }

 private:
  struct Node {
    NodeHealth health;
    base::MonoTime well_since{};
    base::MonoTime refused_until{};
    base::MonoTime failed_at{};
    std::chrono::milliseconds steady{};  // required before it takes over
    bool failed_before = false;
  };

  static bool good(const Node& node) { return node.health.up && node.health.answering; }
  bool well(std::size_t node, base::MonoTime now) const;
  bool may_take_over(std::size_t node, base::MonoTime now,
                     std::optional<std::uint32_t> work_height) const;
  std::optional<std::size_t> best(base::MonoTime now, std::optional<std::uint32_t> work_height);
  void on_failure(Node& node, base::MonoTime now) const;
  void note_behind(base::MonoTime now);

  const Options options_;
  const base::MonoTime started_at_;
  std::vector<Node> nodes_;
  std::optional<std::size_t> in_use_;
  std::optional<base::MonoTime> behind_since_;  // the one in use is behind another
};

}  // namespace pool
