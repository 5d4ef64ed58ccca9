#include "pool/core/job_source.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;

// Two answers to one change of tip (a long-poll's and a request's) come moments apart; the second
// is not worth a notify to every miner.
constexpr auto same_tip_interval = 5s;
// Between attempts that fail: doubled each time, up to the second figure.
constexpr std::chrono::milliseconds retry_first = 500ms;
constexpr std::chrono::milliseconds retry_most = 8s;
std::uint32_t ntime_of(const mining::BlockTemplate& block_template) {
  return std::max(block_template.curtime, block_template.mintime);
}

}  // namespace

JobSource::JobSource(NodeHost& host, JobSourceOptions options)
    : host_(host), options_(std::move(options)), next_job_id_(options_.first_job_id) {
  ASSERT(next_job_id_ != 0 && next_job_id_ % mining::job_id_step == 0);
}

void JobSource::on_tip(const TipNews& news, base::Instant now) {
  if (known_tip_ == news.hash) return;
  known_tip_ = news.hash;
  tip_seen_at_ = now.mono;
  failures_ = 0;
  retry_at_ = now.mono;
  if (waits_for_tip()) request(now);
}

void JobSource::on_template(mining::BlockTemplate block_template, base::Instant now,
                            TemplateOrigin origin) {
  if (origin == TemplateOrigin::requested && requests_in_flight_ > 0) --requests_in_flight_;
  failures_ = 0;
  const Verdict verdict = judge(block_template, now);
  if (verdict == Verdict::backwards) {
    refuse_backwards(block_template);
  } else if (verdict == Verdict::too_soon) {
    last_refusal_.clear();
  } else {
    adopt(std::move(block_template), verdict == Verdict::new_tip, now);
  }
  const bool again = std::exchange(request_again_, false);
  if (again && waits_for_tip()) request(now);
}

void JobSource::on_template_failed(base::Instant now) {
  if (requests_in_flight_ > 0) --requests_in_flight_;
  const auto wait = std::min(retry_most, retry_first * (1 << std::min(failures_, 8)));
  ++failures_;
  retry_at_ = now.mono + wait;
  request_again_ = false;
}

void JobSource::on_node_changed(base::Instant now) {
  requests_in_flight_ = 0;
  request_again_ = false;
  failures_ = 0;
  retry_at_ = now.mono;
  request(now);
}

void JobSource::on_tick(base::Instant now) {
  if (requests_in_flight_ == 0 && now.mono >= retry_at_) {
    const bool refresh_due = now.mono - requested_at_ >= limits::template_refresh;
    const bool retry_due = failures_ > 0 || (waits_for_tip() && now.mono - requested_at_ >= 1s);
    if (refresh_due || retry_due) request(now);
  }
  keep_alive(now);
}

JobSource::Verdict JobSource::judge(const mining::BlockTemplate& block_template,
                                    base::Instant now) const {
  if (!current_) return Verdict::new_tip;
  if (block_template.prev_hash == current_->prev_hash()) {
    return now.mono - published_at_ < same_tip_interval ? Verdict::too_soon : Verdict::same_tip;
  }
  if (block_template.prev_hash == known_tip_) return Verdict::new_tip;
  if (block_template.height > current_->height()) return Verdict::new_tip;
  // As high as what miners have: a change of chain, unless we already wait for yet another tip.
  const bool news = block_template.height == current_->height() && !waits_for_tip();
  return news ? Verdict::new_tip : Verdict::backwards;
}

// True while miners work on another tip than the one the node told of last.
bool JobSource::waits_for_tip() const {
  return !current_ || (known_tip_ && *known_tip_ != current_->prev_hash());
}

void JobSource::request(base::Instant now) {
  if (requests_in_flight_ >= requests_in_flight_max) {
    request_again_ = true;
    return;
  }
  ++requests_in_flight_;
  requested_at_ = now.mono;
  host_.request_template();
}

void JobSource::refuse_backwards(const mining::BlockTemplate& block_template) {
  last_refusal_ = fmt::format(
      "the node's template goes backwards: height {} on {}, while miners have height {} on {}",
      block_template.height, block_template.prev_hash.display_hex(), current_->height(),
      current_->prev_hash().display_hex());
}

void JobSource::adopt(mining::BlockTemplate block_template, bool clean_jobs, base::Instant now) {
  const bitcoin::BlockHash tip = block_template.prev_hash;
  const bool waits_for_another = known_tip_ && waits_for_tip() && *known_tip_ != tip;
  if (clean_jobs && known_tip_ != tip && !waits_for_another) {
    // The template itself is the news. (While miners wait for a tip that was announced, that one
    // stays what is waited for.)
    known_tip_ = tip;
    tip_seen_at_ = now.mono;
  }
  base::MonoTime seen_at = now.mono;
  if (known_tip_ == tip) seen_at = tip_seen_at_;
  if (!clean_jobs) seen_at = current_->tip_seen_at;
  const std::uint32_t ntime = ntime_of(block_template);
  auto shared = std::make_shared<const mining::BlockTemplate>(std::move(block_template));
  if (publish({std::move(shared), clean_jobs, ntime, seen_at}, now)) template_at_ = now.mono;
}

// A silent pool looks dead to miners: many reconnect after a minute or two without a notify.
void JobSource::keep_alive(base::Instant now) {
  if (!current_ || now.mono - published_at_ < options_.keepalive) return;
  if (base::fault("keepalive_never")) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now.mono - template_at_);
  const std::uint32_t ntime = ntime_of(*current_->block_template);
  publish({current_->block_template, false, ntime + static_cast<std::uint32_t>(elapsed.count()),
           current_->tip_seen_at},
          now);
}

// The payout address first, with all that the others leave.
std::vector<bitcoin::TxOut> JobSource::outputs(bitcoin::Sats reward) const {
  constexpr std::int64_t million = 1'000'000;
  std::vector<bitcoin::TxOut> outputs{bitcoin::TxOut{reward, options_.payout_script}};
  for (const CoinbaseOutput& output : options_.outputs) {
    // reward * ppm / million without overflow, and exactly.
    const std::int64_t part =
        reward.value / million * output.ppm + reward.value % million * output.ppm / million;
    if (part == 0) continue;
    outputs.front().value.value -= part;
    outputs.push_back(bitcoin::TxOut{bitcoin::Sats{part}, output.script});
  }
  return outputs;
}

bool JobSource::publish(Draft draft, base::Instant now) {
  mining::JobSpec spec;
  spec.id = mining::JobId{next_job_id_};
  spec.outputs = outputs(draft.block_template->coinbase_value);
  spec.tier_bytes_max = options_.tier_bytes_max;
  spec.block_template = std::move(draft.block_template);
  spec.coinbase_tag = options_.coinbase_tag;
  spec.coinbase_unique = options_.coinbase_unique + next_job_id_;
  spec.version_mask = options_.version_mask;
  spec.extranonce1_size = limits::extranonce1_size;
  spec.extranonce2_size = limits::extranonce2_size;
  spec.ntime = draft.ntime;
  spec.clean_jobs = draft.clean_jobs;
  spec.tip_seen_at = draft.tip_seen_at;
  auto job = mining::build_job(spec);
  if (!job) {
    last_refusal_ = fmt::format("no job can be built from the node's template at height {}: {}",
                                spec.block_template->height, mining::describe(job.error()));
    return false;
  }
  next_job_id_ += mining::job_id_step;
  ++jobs_published_;
  current_ = std::move(*job);
  published_at_ = now.mono;
  last_refusal_.clear();
  host_.publish(current_);
  return true;
}

}  // namespace pool
