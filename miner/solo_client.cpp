#include "miner/solo_client.h"

#include "common/base/assert.h"
#include "common/base/random.h"
#include "common/bitcoin/block.h"
#include "common/bitcoin/coinbase.h"
#include "common/mining/job_builder.h"
#include "common/mining/share_check.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::size_t jobs_kept_max = 16;
constexpr std::size_t extranonce1_size = 4;
constexpr std::size_t extranonce2_size = 8;
constexpr std::chrono::seconds ask_again_after{2};
constexpr std::chrono::seconds rest_first{1};
constexpr std::chrono::seconds rest_most{60};
constexpr std::chrono::seconds dry_run_rest{10};
constexpr std::size_t reason_bytes_max = 200;

std::string btc_text(bitcoin::Sats amount) {
  constexpr std::int64_t per_btc = 100'000'000;
  return fmt::format("{}.{:08} BTC", amount.value / per_btc, amount.value % per_btc);
}

std::string name_of(const SoloBlock& block) {
  return fmt::format("block {} at height {}", block.hash.display_hex(), block.height);
}

}  // namespace

base::Bytes solo_block_bytes(const mining::Job& job, const FoundShare& share) {
  const Work& work = *share.work;
  bitcoin::HeaderBytes header = build_header(work, share.extranonce2, share.ntime);
  if (share.version_bits) {
    const std::uint32_t kept = job.version & ~work.version_mask.value_or(0);
    base::write_le32(header, kept | *share.version_bits);
  }
  base::write_le32(std::span(header).subspan(76), share.nonce);
  ASSERT(bitcoin::hash_header(header) == share.hash);
  const mining::BlockTemplate& block_template = *job.block_template;
  base::Bytes coinbase =
      bitcoin::assemble_coinbase(job.work().coinbase, work.extranonce1, share.extranonce2);
  if (block_template.default_witness_commitment) {
    coinbase = bitcoin::coinbase_with_witness(coinbase);
  }
  return bitcoin::serialize_block(header, coinbase, block_template.txids.size(),
                                  block_template.transactions);
}

SoloClient::SoloClient(SoloClientOptions options, SoloHost& host)
    : options_(std::move(options)), host_(host) {}

// --- work ---

base::Result<void, std::string> SoloClient::on_template(mining::BlockTemplate block_template) {
  mining::JobSpec spec;
  spec.id = mining::JobId{next_job_};
  spec.outputs = {{block_template.coinbase_value, options_.payout_script}};
  spec.coinbase_unique = base::Random(options_.seed).next() + next_job_;
  spec.coinbase_tag = options_.coinbase_tag;
  spec.extranonce1_size = extranonce1_size;
  spec.extranonce2_size = extranonce2_size;
  spec.ntime = block_template.curtime;
  spec.clean_jobs = block_template.prev_hash != tip_;
  spec.block_template = std::make_shared<const mining::BlockTemplate>(std::move(block_template));
  auto job = mining::build_job(spec);
  if (!job) {
    return base::err(
        fmt::format("the node's template can't be mined: {}", mining::describe(job.error())));
  }
  ++next_job_;
  ++counters_.jobs;
  if (spec.clean_jobs) {
    tip_ = (*job)->prev_hash();
    resting_ = false;
    rest_next_ = rest_first;
  }
  jobs_.push_back(*job);
  if (jobs_.size() > jobs_kept_max) jobs_.pop_front();
  work_ = make_work(**job);
  host_.set_solo_work(work_);
  host_.report_solo(
      {ClientEventKind::job,
       fmt::format("height {}, {} transactions, {}, difficulty {}", (*job)->height(),
                   (*job)->block_template->txids.size(), btc_text((*job)->coinbase_value),
                   difficulty_text((*job)->network_target().difficulty()))});
  return {};
}

std::shared_ptr<const Work> SoloClient::make_work(const mining::Job& job) {
  auto work = std::make_shared<Work>();
  work->notify.job_id = mining::job_id_text(job.id);
  work->notify.prev_hash = job.prev_hash();
  work->notify.coinb1 = job.work().coinbase.coinb1;
  work->notify.coinb2 = job.work().coinbase.coinb2;
  work->notify.merkle_branch = job.merkle_branch;
  work->notify.version = job.version;
  work->notify.nbits = job.nbits();
  work->notify.ntime = job.ntime;
  work->notify.clean_jobs = job.clean_jobs;
  work->extranonce1.resize(extranonce1_size);
  base::write_le32(work->extranonce1,
                   static_cast<std::uint32_t>(base::Random(~options_.seed).next()));
  work->extranonce2_size = extranonce2_size;
  // For people; a target easier than difficulty 2^-32 has none.
  const auto difficulty = bitcoin::Difficulty::from_double(job.network_target().difficulty());
  if (difficulty) work->difficulty = *difficulty;
  work->share_target = work->network_target = job.network_target();
  if (options_.version_mask != 0) work->version_mask = options_.version_mask;
  work->search_id = job.id.value;
  return work;
}

void SoloClient::suspend() {
  if (!work_) return;
  work_.reset();
  host_.set_solo_work(nullptr);
}

Appetite SoloClient::appetite() const {
  const bool wanted = work_ && !resting_ && settled_ != tip_ && !is_open_on(tip_);
  return wanted ? Appetite::shares : Appetite::nothing;
}

// --- blocks ---

const mining::Job* SoloClient::find_job(std::string_view job_id) const {
  const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& one) {
    return mining::job_id_text(one->id) == job_id;
  });
  return job == jobs_.end() ? nullptr : job->get();
}

bool SoloClient::is_open_on(const bitcoin::BlockHash& tip) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&](const Open& open) { return open.block.prev_hash == tip; });
}

void SoloClient::on_share(FoundShare share) {
  const mining::Job* job = find_job(share.work->notify.job_id);
  if (job == nullptr || job->prev_hash() == settled_ || is_open_on(job->prev_hash())) {
    ++counters_.dropped_stale;
    return;
  }
  if (open_.size() == blocks_open_max || resting_) {
    ++counters_.dropped_full;
    return;
  }
  ++counters_.blocks_found;
  counters_.best_share = std::max(counters_.best_share, bitcoin::hash_difficulty(share.hash.bytes));
  Open& open = open_.emplace_back();
  open.block = {next_block_++, share.hash, job->prev_hash(), job->height(),
                base::to_hex(solo_block_bytes(*job, share))};
  open.share = std::make_shared<const FoundShare>(std::move(share));
  hand_over(open);
}

void SoloClient::resume(SoloBlock block, bool is_told) {
  ASSERT(may_resume());
  Open& open = open_.emplace_back();
  open.block = std::move(block);
  open.block.id = next_block_++;
  open.block.of_earlier_run = true;
  open.is_told = is_told;
  hand_over(open);
}

void SoloClient::hand_over(Open& open) {
  open.is_asked = true;
  host_.submit_block(open.block);
}

void SoloClient::on_answer(std::uint64_t id, const SoloAnswer& answer, base::MonoTime now) {
  const auto open =
      std::find_if(open_.begin(), open_.end(), [&](const Open& one) { return one.block.id == id; });
  ASSERT(open != open_.end() && open->is_asked);
  open->is_asked = false;
  if (answer.kind == SoloAnswer::Kind::unanswered) {
    open->ask_again_at = now + ask_again_after;
    if (!std::exchange(open->is_told, true)) {
      host_.report_solo({ClientEventKind::problem,
                         fmt::format("{} waits to be handed over: {}", name_of(open->block),
                                     printable(answer.reason, reason_bytes_max))});
    }
    // Its place is for others: it waits in its file.
    if (open->block.of_earlier_run) open_.erase(open);
    return;
  }
  const Open done = std::move(*open);
  open_.erase(open);
  if (answer.kind == SoloAnswer::Kind::accepted) {
    on_accepted(done, now);
  } else {
    on_refused(done, printable(answer.reason, reason_bytes_max), now);
  }
}

void SoloClient::on_accepted(const Open& open, base::MonoTime now) {
  ++counters_.accepted;
  if (open.share) counters_.difficulty_accepted += open.share->work->difficulty.value();
  rest_next_ = rest_first;
  if (options_.dry_run) {
    // The tip stays, so there may be another: not at once, or an easy network would see no end.
    rest(now + dry_run_rest);
    host_.report_solo({ClientEventKind::message,
                       fmt::format("{}: the node would take it (dry run)", name_of(open.block))});
    return;
  }
  ++counters_.blocks_accepted;
  settled_ = open.block.prev_hash;
  host_.report_solo({ClientEventKind::message, name_of(open.block) + " accepted"});
  if (open.share) host_.report_solo({ClientEventKind::accepted, "block accepted", open.share});
  host_.request_template();
}

// What was wrong with it is likely to be wrong with the next one too.
void SoloClient::on_refused(const Open& open, std::string_view reason, base::MonoTime now) {
  if (!open.share) {
    return host_.report_solo(
        {ClientEventKind::problem,
         fmt::format("{}, of an earlier run, refused: {}", name_of(open.block), reason)});
  }
  ++counters_.rejected;
  counters_.reject_reasons.count(std::string(reason));
  host_.report_solo({ClientEventKind::rejected,
                     fmt::format("{} refused: {}", name_of(open.block), reason), open.share});
  rest(now + rest_next_);
  rest_next_ = std::min(rest_next_ * 2, rest_most);
  host_.request_template();
}

void SoloClient::rest(base::MonoTime until) {
  resting_ = true;
  resting_until_ = until;
}

void SoloClient::on_tick(base::MonoTime now) {
  if (resting_ && now >= resting_until_) resting_ = false;
  for (Open& open : open_) {
    if (!open.is_asked && now >= open.ask_again_at) hand_over(open);
  }
}

bool SoloClient::awaits_answers() const {
  return std::any_of(open_.begin(), open_.end(), [](const Open& open) { return open.is_asked; });
}

void SoloClient::end() {
  for (const Open& open : open_) {
    host_.report_solo({ClientEventKind::problem,
                       name_of(open.block) + " was not handed over: the node gave no answer"});
  }
  counters_.unanswered_lost += open_.size();
  open_.clear();
}

}  // namespace miner
