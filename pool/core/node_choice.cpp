#include "pool/core/node_choice.h"

#include "common/base/assert.h"

#include <algorithm>

namespace pool {

NodeChoice::NodeChoice(std::size_t nodes, base::MonoTime now, Options options)
    : options_(options), started_at_(now), nodes_(nodes) {
  ASSERT(nodes > 0);
  for (Node& node : nodes_) node.steady = options_.steady_first;
}

void NodeChoice::report(std::size_t node, const NodeHealth& health, base::MonoTime now) {
  Node& at = nodes_.at(node);
  const bool was_good = good(at);
  at.health = health;
  if (good(at) && !was_good) at.well_since = now;
  if (!good(at) && was_good) on_failure(at, now);
}

void NodeChoice::refuse(std::size_t node, base::MonoTime now) {
  Node& at = nodes_.at(node);
  if (now >= at.refused_until) on_failure(at, now);
  at.refused_until = now + options_.refused_for;
  at.well_since = at.refused_until;
}

// The first failure of a while costs nothing beyond the usual wait.
void NodeChoice::on_failure(Node& node, base::MonoTime now) const {
  const bool forgiven =
      !node.failed_before || now - node.failed_at >= options_.forgiven_after + node.steady;
  node.steady = forgiven ? options_.steady_first : std::min(options_.steady_most, 2 * node.steady);
  node.failed_before = true;
  node.failed_at = now;
}

bool NodeChoice::well(std::size_t node, base::MonoTime now) const {
  return good(nodes_[node]) && now >= nodes_[node].refused_until;
}

bool NodeChoice::may_take_over(std::size_t node, base::MonoTime now,
                               std::optional<std::uint32_t> work_height) const {
  if (!well(node, now)) return false;
  if (!in_use_ || in_use_ == node) return true;
  if (well(*in_use_, now) && now - nodes_[node].well_since < nodes_[node].steady) return false;
  return !work_height || nodes_[node].health.height + 1 >= *work_height;
}

void NodeChoice::note_behind(base::MonoTime now) {
  if (!in_use_) return;
  const std::uint32_t height = nodes_[*in_use_].health.height;
  const bool behind = std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return good(node) && node.health.height > height;
  });
  if (!behind) behind_since_.reset();
  if (behind && !behind_since_) behind_since_ = now;
}

std::optional<std::size_t> NodeChoice::best(base::MonoTime now,
                                            std::optional<std::uint32_t> work_height) {
  std::uint32_t best_height = 0;
  for (const Node& node : nodes_) {
    if (good(node)) best_height = std::max(best_height, node.health.height);
  }
  const bool behind_too_long = behind_since_ && now - *behind_since_ >= options_.behind_grace;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const bool may_still_answer =
        !nodes_[i].health.known && now - started_at_ < options_.preferred_grace;
    if (!in_use_ && may_still_answer) return std::nullopt;
    if (!may_take_over(i, now, work_height)) continue;
    // One that is behind is passed over, but the node in use gets some time to catch up.
    const bool behind = nodes_[i].health.height < best_height;
    if (behind && (in_use_ != i || behind_too_long)) continue;
    return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> NodeChoice::choose(base::MonoTime now,
                                              std::optional<std::uint32_t> work_height) {
  note_behind(now);
  const auto chosen = best(now, work_height);
  if (chosen && chosen != in_use_) {
    if (in_use_ && *chosen > *in_use_ && well(*in_use_, now)) {
      // It is well and preferred, so it was left for being behind, which is a failure like others.
      on_failure(nodes_[*in_use_], now);
      nodes_[*in_use_].well_since = now;
    }
    in_use_ = chosen;
    behind_since_.reset();
    return chosen;
  }
  return std::nullopt;
}

}  // namespace pool
