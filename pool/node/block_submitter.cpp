#include "pool/node/block_submitter.h"

#include "common/base/test_faults.h"
#include "common/bitcoin/block.h"
#include "common/bitcoin/coinbase.h"
#include "common/log.h"
#include "common/uv/clock.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace pool {

namespace {

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

std::vector<std::string> names_of(const std::vector<NodeLink*>& nodes) {
  std::vector<std::string> names;
  names.reserve(nodes.size());
  for (const NodeLink* node : nodes) names.push_back(node->name());
  return names;
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
    : vault_(vault),
      journal_(journal),
      nodes_(std::move(nodes)),
      hooks_(std::move(hooks)),
      courier_(*this, names_of(nodes_)) {}

void BlockSubmitter::on_found(const FoundBlock& found, base::Instant now) {
  base::kill_point("block_taken");
  VaultedBlock block{found.hash, {}, found.candidate};
  if (!courier_.knows(found.hash)) {
    block.hex = std::make_shared<const std::string>(found_block_hex(found));
  }
  courier_.on_found(std::move(block), found.shard, now);
}

void BlockSubmitter::resume(std::vector<VaultedBlock> blocks, base::Instant now) {
  courier_.resume(std::move(blocks), now);
}

void BlockSubmitter::on_node_up(const NodeLink& node, base::Instant now) {
  const auto at = std::find(nodes_.begin(), nodes_.end(), &node);
  if (at == nodes_.end()) return;
  courier_.on_node_up(static_cast<std::size_t>(at - nodes_.begin()), now);
}

// ------------------------------------------------------------------------- CourierHost

void BlockSubmitter::send(std::size_t node, const bitcoin::BlockHash& hash, const std::string& hex,
                          bool prefer, std::uint32_t round) {
  base::kill_point("submit_before_send");
  nodes_[node]->submit(
      hash, hex, prefer,
      [this, hash, node, round, alive = std::weak_ptr<bool>(alive_)](SubmitReport report) {
        if (alive.expired()) return;
        base::kill_point("submit_answered");
        courier_.on_report(hash, node, round, std::move(report), uv::read_clock());
      });
  base::kill_point("submit_sent");
}

void BlockSubmitter::store(const VaultedBlock& block) {
  vault_.store(block, [this, hash = block.hash,
                       alive = std::weak_ptr<bool>(alive_)](const BlockVault::Outcome& outcome) {
    if (alive.expired()) return;
    courier_.on_stored(hash, outcome ? std::string_view{} : outcome.error(), uv::read_clock());
  });
}

void BlockSubmitter::retire(const bitcoin::BlockHash& hash, Fate fate) {
  vault_.retire(hash, fate, [](const BlockVault::Outcome& outcome) {
    // It stays where it is and is submitted once more at the next start, which harms nobody.
    if (!outcome) LOG(warning, "block_not_moved", {"error", outcome.error()});
  });
}

void BlockSubmitter::journal(const JournalRecord& record) {
  const bool candidate = std::holds_alternative<BlockCandidateRecord>(record);
  journal_.add({record}, [candidate] {
    base::kill_point(candidate ? "candidate_durable" : "answer_durable");
  });
  base::kill_point(candidate ? "candidate_journalled" : "answer_journalled");
}

void BlockSubmitter::journal_outcome(const BlockOutcomeRecord& outcome) {
  journal_.add({outcome}, [this, hash = outcome.hash, alive = std::weak_ptr<bool>(alive_)] {
    base::kill_point("outcome_durable");
    if (!alive.expired()) courier_.on_outcome_durable(hash, uv::read_clock());
  });
  base::kill_point("outcome_journalled");
}

void BlockSubmitter::block_vaulted(ShardIndex shard, const bitcoin::BlockHash& hash, bool stored) {
  base::kill_point("before_block_vaulted");
  hooks_.block_vaulted(shard, {hash, stored});
  base::kill_point("block_vaulted_posted");
}

void BlockSubmitter::became_tip(const bitcoin::BlockHash& hash, std::size_t node) {
  if (hooks_.on_new_tip) hooks_.on_new_tip(hash, *nodes_[node]);
}

void BlockSubmitter::became_known(const bitcoin::BlockHash& hash) {
  if (hooks_.on_known) hooks_.on_known(hash);
}

void BlockSubmitter::tell(const BlockNews& news) {
  const std::string hash = news.hash.display_hex();
  switch (news.what) {
    case BlockNews::What::found:
      LOG(info, "block_found", {"height", news.height}, {"hash", hash});
      break;
    case BlockNews::What::resubmitted:
      LOG(info, "block_resubmitted", {"hash", hash});
      break;
    case BlockNews::What::not_stored:
      LOG(error, "block_not_stored", {"hash", hash}, {"error", news.text});
      break;
    case BlockNews::What::send_failed:
      LOG(error, "block_submit_failed", {"node", nodes_[*news.node]->name()}, {"hash", hash},
          {"error", news.text});
      break;
    case BlockNews::What::outcome:
      if (news.status == BlockStatus::rejected) {
        LOG(error, "block_rejected", {"hash", hash}, {"reason", news.text});
      } else {
        LOG(info, "block_outcome", {"hash", hash}, {"status", status_text(news.status)},
            {"detail", news.text});
      }
      break;
  }
}

}  // namespace pool
