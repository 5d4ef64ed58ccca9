#include "pool/core/block_courier.h"

#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "common/bitcoin/header.h"
#include "pool/core/limits.h"

#include <algorithm>

namespace pool {

namespace {

using namespace std::chrono_literals;
using Kind = SubmitReport::Kind;

// Between attempts that no node answered: doubled each time.
constexpr std::chrono::milliseconds resend_first = 250ms;
constexpr std::chrono::milliseconds resend_most = 30s;
// So long a refusal for a reason that passes (the parent is missing, the node's clock is behind) is
// taken for one that may pass.
constexpr auto passing_for = 1h;
constexpr auto store_again_after = 5s;
// A node that has not answered this often does not hold up the verdict of the others.
constexpr int failures_heeded = 3;
// A node that comes up gets the block once more if its answer is out for longer: what it was sent
// on may be a connection of before.
constexpr auto answer_overdue = 2s;

bitcoin::BlockHash parent_of(std::string_view hex) {
  bitcoin::HeaderBytes header{};
  if (hex.size() < 2 * header.size()) return {};
  if (!base::decode_hex(hex.substr(0, 2 * header.size()), header)) return {};
  return bitcoin::Header::parse(header).prev_hash;
}

bool is_final(Kind kind) { return kind != Kind::failed && kind != Kind::not_yet; }

}  // namespace

BlockCourier::BlockCourier(CourierHost& host, std::vector<std::string> nodes)
    : host_(host), nodes_(std::move(nodes)), answers_(nodes_.size()) {}

// ------------------------------------------------------------------------- in and out

BlockCourier::Submission& BlockCourier::open(VaultedBlock vaulted, base::Instant now) {
  const bitcoin::BlockHash hash = vaulted.hash;
  Submission& block = open_[hash];
  block.block = std::move(vaulted);
  block.parent = parent_of(*block.block.hex);
  block.since = now.mono;
  block.attempts.resize(nodes_.size());
  const bool first = std::none_of(first_on_.begin(), first_on_.end(),
                                  [&](const auto& entry) { return entry.first == block.parent; });
  if (first) first_on_.emplace_back(block.parent, hash);
  if (first_on_.size() > limits::preferred_parents_max) first_on_.pop_front();
  return block;
}

void BlockCourier::on_found(VaultedBlock vaulted, ShardIndex shard, base::Instant now) {
  const auto at = open_.find(vaulted.hash);
  if (at != open_.end()) {
    at->second.waiting_shards.push_back(shard);
    return answer_shards(at->second);
  }
  Submission& block = open(std::move(vaulted), now);
  block.waiting_shards.push_back(shard);
  // The vault's thread starts while this one sends: to hand the block over takes no time.
  host_.store(block.block);
  send_due(block, now);
  if (block.block.candidate) host_.journal(*block.block.candidate);
  host_.tell({.what = BlockNews::What::found,
              .hash = block.block.hash,
              .height = block.block.candidate ? block.block.candidate->height : 0});
}

void BlockCourier::resume(std::vector<VaultedBlock> blocks, base::Instant now) {
  // In the order in which they were found: the first on a parent is the one to prefer.
  std::stable_sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) {
    const auto time_of = [](const VaultedBlock& block) {
      return block.candidate ? block.candidate->time_us : 0;
    };
    return time_of(a) < time_of(b);
  });
  for (VaultedBlock& vaulted : blocks) {
    if (open_.contains(vaulted.hash)) continue;
    Submission& block = open(std::move(vaulted), now);
    block.in_vault = InVault::yes;
    host_.tell({.what = BlockNews::What::resubmitted, .hash = block.block.hash});
    send_due(block, now);
    if (block.block.candidate) host_.journal(*block.block.candidate);
  }
}

void BlockCourier::on_tick(base::Instant now) {
  for (auto& [hash, block] : open_) {
    send_due(block, now);
    if (!block.outcome && block.in_vault == InVault::failed && now.mono >= block.store_again_at) {
      block.in_vault = InVault::writing;
      host_.store(block.block);
    }
  }
  drop_settled(now.mono);
}

// Settled blocks cost memory only for nodes that are away; not for ever, and not many.
void BlockCourier::drop_settled(base::MonoTime now) {
  std::size_t settled = 0;
  std::erase_if(open_, [&](const auto& item) {
    const Submission& block = item.second;
    if (!block.is_settled()) return false;
    const bool all_spoke =
        std::none_of(block.attempts.begin(), block.attempts.end(), [](const Attempt& attempt) {
          return attempt.state == Attempt::State::due || attempt.state == Attempt::State::asking;
        });
    const bool drop = all_spoke || now - block.since >= limits::block_offered_for;
    if (!drop) ++settled;
    return drop;
  });
  for (; settled > limits::blocks_offered_max; --settled) {
    const auto older = [](const auto& a, const auto& b) {
      const bool both = a.second.is_settled() && b.second.is_settled();
      return both ? a.second.since < b.second.since : a.second.is_settled();
    };
    open_.erase(std::min_element(open_.begin(), open_.end(), older));
  }
}

bool BlockCourier::is_quiet() const {
  return std::all_of(open_.begin(), open_.end(), [](const auto& item) {
    const Submission& block = item.second;
    if (block.outcome) return block.is_settled();
    const bool asking =
        std::any_of(block.attempts.begin(), block.attempts.end(),
                    [](const Attempt& attempt) { return attempt.state == Attempt::State::asking; });
    return !asking && block.in_vault == InVault::yes;
  });
}

// ------------------------------------------------------------------------- the vault

void BlockCourier::on_stored(const bitcoin::BlockHash& hash, std::string_view why_not,
                             base::Instant now) {
  const auto at = open_.find(hash);
  if (at == open_.end()) return;
  Submission& block = at->second;
  block.in_vault = why_not.empty() ? InVault::yes : InVault::failed;
  block.store_again_at = now.mono + store_again_after;
  if (!why_not.empty()) {
    host_.tell({.what = BlockNews::What::not_stored, .hash = hash, .text = why_not});
  }
  answer_shards(block);
  retire_if_safe(block);
}

// Miners wait until the block is in the vault, or else, where that failed, until a node has it.
void BlockCourier::answer_shards(Submission& block) {
  const bool stored = block.in_vault == InVault::yes || block.in_vault == InVault::left;
  const bool safe_elsewhere =
      block.in_vault == InVault::failed && (block.known || block.outcome.has_value());
  if (!stored && !safe_elsewhere) return;
  for (const ShardIndex shard : std::exchange(block.waiting_shards, {})) {
    host_.block_vaulted(shard, block.block.hash, stored);
  }
}

void BlockCourier::on_outcome_durable(const bitcoin::BlockHash& hash, base::Instant now) {
  const auto at = open_.find(hash);
  if (at == open_.end()) return;
  at->second.outcome_durable = true;
  retire_if_safe(at->second);
  drop_settled(now.mono);
}

void BlockCourier::retire_if_safe(Submission& block) {
  if (!block.outcome_durable || block.in_vault != InVault::yes) return;
  block.in_vault = InVault::left;
  host_.retire(block.block.hash, block.outcome->status == BlockStatus::rejected
                                     ? CourierHost::Fate::rejected
                                     : CourierHost::Fate::done);
}

// ------------------------------------------------------------------------- the nodes

void BlockCourier::on_node_up(std::size_t node, base::Instant now) {
  for (auto& [hash, block] : open_) {
    Attempt& attempt = block.attempts[node];
    const bool overdue =
        attempt.state == Attempt::State::asking && now.mono - attempt.asked_at >= answer_overdue;
    if (attempt.state == Attempt::State::due || overdue) send(block, node, now);
  }
}

void BlockCourier::send_due(Submission& block, base::Instant now) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Attempt& attempt = block.attempts[i];
    if (attempt.state == Attempt::State::due && now.mono >= attempt.not_before) send(block, i, now);
  }
}

void BlockCourier::send(Submission& block, std::size_t node, base::Instant now) {
  Attempt& attempt = block.attempts[node];
  attempt.state = Attempt::State::asking;
  attempt.asked_at = now.mono;
  host_.send(node, block.block.hash, *block.block.hex, may_be_preferred(block), ++attempt.round);
}

bool BlockCourier::may_be_preferred(const Submission& block) const {
  const auto first = std::find_if(first_on_.begin(), first_on_.end(),
                                  [&](const auto& entry) { return entry.first == block.parent; });
  return first != first_on_.end() && first->second == block.block.hash;
}

void BlockCourier::on_report(const bitcoin::BlockHash& hash, std::size_t node, std::uint32_t round,
                             SubmitReport report, base::Instant now) {
  const auto at = open_.find(hash);
  if (at == open_.end()) return;
  Submission& block = at->second;
  Attempt& attempt = block.attempts.at(node);
  // It was sent twice, over an old connection and a new one: whatever tells, tells; that one of
  // them failed says nothing of the other.
  const bool expected = attempt.state == Attempt::State::asking && round == attempt.round;
  const bool open = attempt.state == Attempt::State::asking || attempt.state == Attempt::State::due;
  if (!expected && !(open && is_final(report.kind))) return;
  if (report.kind == Kind::not_yet && now.mono - block.since >= passing_for) {
    report.kind = Kind::rejected;
  }
  record(block, node, report, now);
  attempt.detail = report.detail;
  switch (report.kind) {
    case Kind::new_tip:
    case Kind::in_chain:
      attempt.state = Attempt::State::in_chain;
      break;
    case Kind::side_chain:
      attempt.state = Attempt::State::side_chain;
      break;
    case Kind::rejected:
      attempt.state = Attempt::State::rejected;
      break;
    case Kind::not_yet:
    case Kind::failed:
      try_again_later(block, node, now);
      break;
  }
  block.known = block.known || (is_final(report.kind) && report.kind != Kind::rejected);
  if (!block.outcome) decide(block, now);
  answer_shards(block);
  if (report.kind == Kind::new_tip) host_.became_tip(hash, node);
}

void BlockCourier::try_again_later(Submission& block, std::size_t node, base::Instant now) {
  Attempt& attempt = block.attempts[node];
  attempt.state = Attempt::State::due;
  attempt.not_before =
      now.mono + std::min(resend_most, resend_first * (1 << std::min(attempt.failures, 10)));
  if (attempt.failures++ > 0) return;
  host_.tell({.what = BlockNews::What::send_failed,
              .hash = block.block.hash,
              .text = attempt.detail,
              .node = node});
}

// A change of a node's answer; which of its ways not to answer it is does not count as one.
void BlockCourier::record(Submission& block, std::size_t node, const SubmitReport& report,
                          base::Instant now) {
  Attempt& attempt = block.attempts[node];
  const bool same =
      attempt.recorded && attempt.recorded->first == report.answer &&
      (report.answer == SubmissionAnswer::unreachable || attempt.recorded->second == report.detail);
  if (same) return;
  attempt.recorded.emplace(report.answer, report.detail);
  ++answers_[node].of[static_cast<std::size_t>(report.answer)];
  // A node that changes its mind without end does not fill the journal.
  const bool last_word = is_final(report.kind);
  if (!last_word &&
      (attempt.records >= limits::block_answers_kept_max || !host_.journal_has_room())) {
    return;
  }
  ++attempt.records;
  host_.journal(BlockSubmissionRecord{.time_us = now.unix_micros(),
                                      .hash = block.block.hash,
                                      .node = nodes_[node],
                                      .answer = report.answer,
                                      .detail = report.detail});
}

// One node that has it in its chain is enough. A no, or a place on another branch, is the outcome
// when every node has spoken; a branch, also when those that have not spoken seem to be away.
void BlockCourier::decide(Submission& block, base::Instant now) {
  const Attempt* side_chain = nullptr;
  const Attempt* refused = nullptr;
  bool all_spoke = true;
  bool others_away = true;
  for (const Attempt& attempt : block.attempts) {
    switch (attempt.state) {
      case Attempt::State::in_chain:
        return set_outcome(block, BlockStatus::accepted, {}, now);
      case Attempt::State::side_chain:
        side_chain = &attempt;
        break;
      case Attempt::State::rejected:
        refused = &attempt;
        break;
      case Attempt::State::due:
      case Attempt::State::asking:
        all_spoke = false;
        others_away = others_away && attempt.failures >= failures_heeded;
        break;
    }
  }
  if (side_chain != nullptr && (all_spoke || others_away)) {
    return set_outcome(block, BlockStatus::submitted,
                       "not in the best chain: " + side_chain->detail, now);
  }
  if (refused != nullptr && all_spoke) {
    set_outcome(block, BlockStatus::rejected, refused->detail, now);
  }
}

void BlockCourier::set_outcome(Submission& block, BlockStatus status, std::string detail,
                               base::Instant now) {
  ASSERT(!block.outcome);
  block.outcome = BlockOutcomeRecord{.time_us = now.unix_micros(),
                                     .hash = block.block.hash,
                                     .status = status,
                                     .detail = std::move(detail)};
  if (status == BlockStatus::accepted) ++accepted_;
  if (status == BlockStatus::rejected) {
    ++rejected_;
    // The next own block on this parent may be preferred in its place.
    std::erase_if(first_on_, [&](const auto& entry) { return entry.second == block.block.hash; });
  }
  host_.tell({.what = BlockNews::What::outcome,
              .hash = block.block.hash,
              .text = block.outcome->detail,
              .status = status});
  host_.journal_outcome(*block.outcome);
  if (status != BlockStatus::rejected) host_.became_known(block.block.hash);
}

}  // namespace pool
