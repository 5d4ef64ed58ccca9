#include "pool/core/coherence_job_source.h"

#include "common/bitcoin/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pool {
namespace {

// The header's 32 bits last until 2106.
std::uint32_t header_time(const coherence::NextBlock& next, base::Instant now) {
  const std::int64_t clock = std::clamp<std::int64_t>(now.unix_seconds(), 0, 0xffffffff);
  return std::max(static_cast<std::uint32_t>(clock), next.time_least);
}

}  // namespace

CoherenceJobSource::CoherenceJobSource(const CoherenceJobSourceOptions& options)
    : options_(options), next_job_id_(options_.first_job_id) {
  obstacle_ = find_obstacle();
}

void CoherenceJobSource::on_bitcoin_tip(const bitcoin::BlockHash& hash, base::MonoTime seen_at) {
  if (bitcoin_tip_ == hash) return;
  bitcoin_tip_ = hash;
  bitcoin_tip_seen_at_ = seen_at;
}

void CoherenceJobSource::on_chain(ChainView view, base::Instant now) {
  if (!chain_ || chain_->tip != view.tip) chain_tip_seen_at_ = now.mono;
  conflict_ = rules_conflict(options_.rules, view.rules);
  chain_ = std::move(view);
}

std::shared_ptr<const CoherenceJob> CoherenceJobSource::update(base::Instant now) {
  obstacle_ = find_obstacle();
  if (!obstacle_.empty()) {
    current_.reset();
    return nullptr;
  }
  const coherence::ChainTip* tip = chain_->tip ? &*chain_->tip : nullptr;
  const auto next = coherence::next_block(chain_->rules, tip, options_.level);
  const bool clean = is_outdated(next);
  if (!clean && now.mono - current_->made_at < options_.refresh) return nullptr;
  return make_job(next, clean, now);
}

std::string CoherenceJobSource::find_obstacle() const {
  if (!chain_) return "the database has not told of the proof chain yet";
  if (!conflict_.empty()) return conflict_;
  if (!bitcoin_tip_) return "no node has told of Bitcoin's tip yet";
  return {};
}

// Whether miners' work stands on other tips than those there are, or is otherwise no longer what
// the next block must be.
bool CoherenceJobSource::is_outdated(const coherence::NextBlock& next) const {
  if (!current_ || current_->bitcoin_tip != *bitcoin_tip_) return true;
  const auto fields = coherence::decode_header(current_->header);
  return current_->height != next.height || fields.prev_hash != next.prev_hash ||
         fields.bits != next.bits || current_->level != next.level;
}

// Of the tips that are new, the one that was seen first: since then miners have wasted their work.
base::MonoTime CoherenceJobSource::tip_seen_at(const coherence::NextBlock& next) const {
  if (!current_) return std::max(bitcoin_tip_seen_at_, chain_tip_seen_at_);
  const bool bitcoin_moved = current_->bitcoin_tip != *bitcoin_tip_;
  const bool chain_moved = coherence::decode_header(current_->header).prev_hash != next.prev_hash;
  if (bitcoin_moved && chain_moved) return std::min(bitcoin_tip_seen_at_, chain_tip_seen_at_);
  return bitcoin_moved ? bitcoin_tip_seen_at_ : chain_tip_seen_at_;
}

// The other pools': of each journal the furthest, since a pool that has got another number may
// still be known under the one before.
std::vector<ChainView::Head> CoherenceJobSource::other_heads() const {
  std::vector<ChainView::Head> heads;
  for (const ChainView::Head& head : chain_->heads) {
    if (head.pool == options_.pool || head.journal == options_.journal) continue;
    const auto same = std::ranges::find(heads, head.journal, &ChainView::Head::journal);
    if (same == heads.end()) {
      heads.push_back(head);
    } else if (head.at.sequence > same->at.sequence) {
      *same = head;
    }
  }
  return heads;
}

// Ordered by pool, each pool and each journal once; ours in place of what the database has of our
// number.
std::vector<JournalStretch> CoherenceJobSource::stretches() const {
  std::vector<ChainView::Head> heads = other_heads();
  if (own_head_) heads.push_back({options_.pool, options_.journal, *own_head_});
  std::ranges::stable_sort(heads, {}, &ChainView::Head::pool);
  std::vector<JournalStretch> stretches;
  for (const ChainView::Head& head : heads) {
    const auto stretch = stretch_of(head);
    const bool known = !stretches.empty() && stretches.back().stretch.pool == head.pool;
    if (stretch && !known) stretches.push_back(*stretch);
  }
  if (stretches.size() > limits::stretches_per_block_max) {
    stretches.resize(limits::stretches_per_block_max);
  }
  return stretches;
}

// None: it has no records that the chain does not commit to already.
std::optional<JournalStretch> CoherenceJobSource::stretch_of(const ChainView::Head& head) const {
  const auto committed = chain_->committed.find(head.journal);
  const std::uint64_t last = committed != chain_->committed.end() ? committed->second : 0;
  if (head.at.sequence <= last) return std::nullopt;
  JournalStretch stretch;
  stretch.stretch = {head.pool, last + 1, head.at.sequence, head.at.head};
  stretch.journal = head.journal;
  return stretch;
}

std::shared_ptr<const CoherenceJob> CoherenceJobSource::make_job(const coherence::NextBlock& next,
                                                                 bool clean, base::Instant now) {
  const auto target = bitcoin::Target256::from_compact(next.bits);
  if (!target) {
    obstacle_ =
        fmt::format("the proof chain's next block has bits {:08x}, which are no target", next.bits);
    current_.reset();
    return nullptr;
  }
  auto job = std::make_shared<CoherenceJob>();
  job->id = CoherenceJobId{next_job_id_++};
  job->stretches = stretches();
  job->bitcoin_tip = *bitcoin_tip_;
  std::vector<coherence::Stretch> leaves;
  for (const JournalStretch& stretch : job->stretches) leaves.push_back(stretch.stretch);
  coherence::HeaderFields header;
  header.prev_hash = next.prev_hash;
  header.merkle_root = coherence::merkle_root_of(*bitcoin_tip_, leaves);
  header.time = header_time(next, now);
  header.bits = next.bits;
  job->header = new_header(header);
  job->params = coherence::params_of(next.level);
  job->level = next.level;
  job->height = next.height;
  job->block_target = base::U256::from_le_bytes(target->bytes());
  job->clean = clean;
  job->made_at = now.mono;
  job->tip_seen_at = clean ? tip_seen_at(next) : current_->tip_seen_at;
  current_ = std::move(job);
  return current_;
}

// While the clock is behind the chain, or when Bitcoin's tip goes and comes back within a second, a
// job would have an earlier one's header: then it is dated a second later.
coherence::Header76 CoherenceJobSource::new_header(coherence::HeaderFields fields) {
  coherence::Header76 header = coherence::encode_header(fields);
  while (std::ranges::find(headers_, header) != headers_.end()) {
    ++fields.time;
    header = coherence::encode_header(fields);
  }
  if (headers_.size() == limits::coherence_jobs_kept_max) headers_.pop_front();
  headers_.push_back(header);
  return header;
}

std::string rules_conflict(const coherence::ChainRules& configured,
                           const coherence::ChainRules& in_force) {
  const auto differ = [](std::string_view key, const auto& ours, const auto& theirs) {
    return fmt::format("coherence.{} is {}, but the proof chain in the database runs with {}", key,
                       ours, theirs);
  };
  if (configured.block_seconds != in_force.block_seconds) {
    return differ("block_seconds", configured.block_seconds, in_force.block_seconds);
  }
  if (configured.retarget_blocks != in_force.retarget_blocks) {
    return differ("retarget_blocks", configured.retarget_blocks, in_force.retarget_blocks);
  }
  if (configured.initial_bits != in_force.initial_bits) {
    return differ("initial_bits", fmt::format("{:08x}", configured.initial_bits),
                  fmt::format("{:08x}", in_force.initial_bits));
  }
  return {};
}

}  // namespace pool
