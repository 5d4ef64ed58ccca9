#include "pool/node/block_submitter.h"

#include "common/bitcoin/block.h"
#include "common/bitcoin/coinbase.h"
#include "common/log.h"
#include "common/uv/clock.h"
#include "pool/core/journal_format.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace pool {

namespace {

using namespace std::chrono_literals;

// Between attempts that no node answered: doubled each time.
constexpr std::chrono::milliseconds resend_first = 250ms;
constexpr std::chrono::milliseconds resend_most = 30s;
// So long a refusal for a reason that passes (the parent is missing, the node's clock is behind) is
// taken for one that may pass.
constexpr auto passing_for = 1h;
constexpr auto store_again_after = 5s;
// A node that has not answered this often does not hold up the verdict of the others.
constexpr int failures_heeded = 3;

std::string_view status_text(BlockStatus status) {
  switch (status) {
    case BlockStatus::submitted:
      return "submitted";
    case BlockStatus::accepted:
      return "accepted";
    case BlockStatus::rejected:
      return "rejected";
  }
  return "";
}

}  // namespace

std::string found_block_hex(const FoundBlock& found) {
  const mining::BlockTemplate& from = *found.job->block_template;
  const base::Bytes coinbase = from.default_witness_commitment
                                   ? bitcoin::coinbase_with_witness(found.coinbase)
                                   : found.coinbase;
  return base::to_hex(
      bitcoin::serialize_block(found.header, coinbase, from.txids.size(), from.transactions));
}

BlockSubmitter::BlockSubmitter(BlockVault& vault, NodeJournal& journal,
                               std::vector<NodeLink*> nodes, Hooks hooks)
    : vault_(vault), journal_(journal), nodes_(std::move(nodes)), hooks_(std::move(hooks)) {}

void BlockSubmitter::on_found(const FoundBlock& found, base::Instant now) {
  const auto [at, is_new] = open_.try_emplace(found.hash);
  Submission& block = at->second;
  if (is_new) {
    block.hex = std::make_shared<const std::string>(found_block_hex(found));
    block.candidate = found.candidate;
    block.since = now.mono;
    block.attempts.resize(nodes_.size());
    send(found.hash, block, now.mono);
    store(found.hash, block);
    journal_.add({*block.candidate});
    LOG(info, "block_found", {"height", found.job->height()}, {"hash", found.hash.display_hex()});
  }
  if (block.in_vault == InVault::writing) {
    block.waiting_shards.push_back(found.shard);
  } else {
    hooks_.block_vaulted(found.shard, {found.hash, block.in_vault != InVault::failed});
  }
}

void BlockSubmitter::resume(VaultedBlock vaulted, base::Instant now) {
  const auto [at, is_new] = open_.try_emplace(vaulted.hash);
  if (!is_new) return;
  Submission& block = at->second;
  block.hex = std::move(vaulted.hex);
  block.candidate = std::move(vaulted.candidate);
  block.since = now.mono;
  block.attempts.resize(nodes_.size());
  block.in_vault = InVault::yes;
  LOG(info, "block_resubmitted", {"hash", vaulted.hash.display_hex()});
  send(vaulted.hash, block, now.mono);
  if (block.candidate) journal_.add({*block.candidate});
}

void BlockSubmitter::on_node_up(const NodeLink& node, base::Instant now) {
  const auto at = std::find(nodes_.begin(), nodes_.end(), &node);
  if (at == nodes_.end()) return;
  const auto index = static_cast<std::size_t>(at - nodes_.begin());
  for (auto& [hash, block] : open_) {
    block.attempts[index].not_before = now.mono;
    if (!block.outcome) send(hash, block, now.mono);
  }
}

void BlockSubmitter::on_tick(base::Instant now) {
  for (auto& [hash, block] : open_) {
    if (block.outcome) continue;
    send(hash, block, now.mono);
    if (block.in_vault == InVault::failed && now.mono >= block.store_again_at) store(hash, block);
  }
}

bool BlockSubmitter::is_quiet() const {
  return std::all_of(open_.begin(), open_.end(), [](const auto& item) {
    const Submission& block = item.second;
    const bool asking =
        std::any_of(block.attempts.begin(), block.attempts.end(),
                    [](const Attempt& attempt) { return attempt.state == Attempt::State::asking; });
    return !asking && block.in_vault == InVault::yes && !block.outcome;
  });
}

void BlockSubmitter::send(const bitcoin::BlockHash& hash, Submission& block, base::MonoTime now) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Attempt& attempt = block.attempts[i];
    if (attempt.state != Attempt::State::due || now < attempt.not_before) continue;
    attempt.state = Attempt::State::asking;
    nodes_[i]->submit(hash, *block.hex,
                      [this, hash, i, alive = std::weak_ptr<bool>(alive_)](SubmitReport report) {
                        if (!alive.expired()) on_report(hash, i, std::move(report));
                      });
  }
}

void BlockSubmitter::store(const bitcoin::BlockHash& hash, Submission& block) {
  block.in_vault = InVault::writing;
  vault_.store(
      {hash, block.hex, block.candidate},
      [this, hash, alive = std::weak_ptr<bool>(alive_)](const BlockVault::Outcome& outcome) {
        if (!alive.expired()) on_stored(hash, outcome);
      });
}

void BlockSubmitter::on_stored(const bitcoin::BlockHash& hash, const BlockVault::Outcome& outcome) {
  const auto at = open_.find(hash);
  if (at == open_.end()) return;
  Submission& block = at->second;
  block.in_vault = outcome ? InVault::yes : InVault::failed;
  block.store_again_at = uv::read_clock().mono + store_again_after;
  if (!outcome) {
    LOG(error, "block_not_stored", {"hash", hash.display_hex()}, {"error", outcome.error()});
  }
  for (const ShardIndex shard : std::exchange(block.waiting_shards, {})) {
    hooks_.block_vaulted(shard, {hash, outcome.has_value()});
  }
  if (block.outcome) journal_outcome(hash, block);
}

void BlockSubmitter::on_report(const bitcoin::BlockHash& hash, std::size_t node,
                               SubmitReport report) {
  const auto at = open_.find(hash);
  if (at == open_.end()) return;
  Attempt& attempt = at->second.attempts[node];
  switch (report.kind) {
    case SubmitReport::Kind::new_tip:
    case SubmitReport::Kind::in_chain:
      attempt.state = Attempt::State::accepted;
      break;
    case SubmitReport::Kind::side_chain:
      attempt.state = Attempt::State::side_chain;
      break;
    case SubmitReport::Kind::rejected:
      attempt.state = Attempt::State::rejected;
      break;
    case SubmitReport::Kind::not_yet:
      if (uv::read_clock().mono - at->second.since >= passing_for) {
        attempt.state = Attempt::State::rejected;
      } else {
        try_again_later(hash, attempt, node, report.detail);
      }
      break;
    case SubmitReport::Kind::failed:
      try_again_later(hash, attempt, node, report.detail);
      break;
  }
  attempt.detail = std::move(report.detail);
  const bool new_tip = report.kind == SubmitReport::Kind::new_tip;
  if (!at->second.outcome) decide(hash, at->second);
  if (new_tip) hooks_.on_new_tip(hash, *nodes_[node]);
}

void BlockSubmitter::try_again_later(const bitcoin::BlockHash& hash, Attempt& attempt,
                                     std::size_t node, const std::string& why) {
  attempt.state = Attempt::State::due;
  attempt.not_before = uv::read_clock().mono +
                       std::min(resend_most, resend_first * (1 << std::min(attempt.failures, 10)));
  if (attempt.failures++ > 0) return;
  LOG(error, "block_submit_failed", {"node", nodes_[node]->name()}, {"hash", hash.display_hex()},
      {"error", why});
}

// One node that has it in its chain is enough. A no, or a place on another branch, is the outcome
// when every node has spoken; a branch, also when those that have not spoken seem to be away.
void BlockSubmitter::decide(const bitcoin::BlockHash& hash, Submission& block) {
  const Attempt* side_chain = nullptr;
  const Attempt* refused = nullptr;
  bool all_spoke = true;
  bool others_away = true;
  for (const Attempt& attempt : block.attempts) {
    switch (attempt.state) {
      case Attempt::State::accepted:
        return set_outcome(hash, block, BlockStatus::accepted, {});
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
    return set_outcome(hash, block, BlockStatus::submitted,
                       "not in the best chain: " + side_chain->detail);
  }
  if (refused != nullptr && all_spoke) {
    set_outcome(hash, block, BlockStatus::rejected, refused->detail);
  }
}

void BlockSubmitter::set_outcome(const bitcoin::BlockHash& hash, Submission& block,
                                 BlockStatus status, std::string detail) {
  if (status == BlockStatus::rejected) {
    LOG(error, "block_rejected", {"hash", hash.display_hex()}, {"reason", detail});
    ++rejected_;
  } else {
    LOG(info, "block_outcome", {"hash", hash.display_hex()}, {"status", status_text(status)},
        {"detail", detail});
    if (status == BlockStatus::accepted) ++accepted_;
  }
  block.outcome = BlockOutcomeRecord{.time_us = uv::read_clock().unix_micros(),
                                     .hash = hash,
                                     .status = status,
                                     .detail = std::move(detail)};
  journal_outcome(hash, block);
  if (status != BlockStatus::rejected && hooks_.on_known) hooks_.on_known(hash);
}

// The outcome waits for the vault's write, so that what leaves the vault has been in it.
void BlockSubmitter::journal_outcome(const bitcoin::BlockHash& hash, Submission& block) {
  if (block.outcome_journalled || block.in_vault == InVault::writing) return;
  block.outcome_journalled = true;
  journal_.add({*block.outcome}, [this, hash, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) retire(hash);
  });
}

void BlockSubmitter::retire(const bitcoin::BlockHash& hash) {
  const auto at = open_.find(hash);
  if (at == open_.end()) return;
  const bool stored = at->second.in_vault == InVault::yes;
  const auto fate = at->second.outcome->status == BlockStatus::rejected ? BlockVault::Fate::rejected
                                                                        : BlockVault::Fate::done;
  open_.erase(at);
  if (!stored) return;
  vault_.retire(hash, fate, [](const BlockVault::Outcome& outcome) {
    // It stays where it is and is submitted once more at the next start, which harms nobody.
    if (!outcome) LOG(warning, "block_not_moved", {"error", outcome.error()});
  });
}

}  // namespace pool
