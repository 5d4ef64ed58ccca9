#include "pool/core/job_source.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "common/mining/empty_template.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;

// Two answers to one change of tip (a long-poll's and a request's) come moments apart; the second
// is not worth a notify to every miner. What is worth one early reaches all within this time too.
constexpr auto same_tip_interval = 5s;
// For so long after a new tip, a template of the one before answers a question from before it.
constexpr auto late_answers = 5s;
// Between attempts that fail: doubled each time, up to the second figure.
constexpr std::chrono::milliseconds retry_first = 500ms;
constexpr std::chrono::milliseconds retry_most = 8s;

// A part of an amount, rounded down: amount * ppm / million without overflow, and exactly.
std::int64_t part_of(std::int64_t sats, std::uint32_t ppm) {
  constexpr std::int64_t million = 1'000'000;
  return sats / million * ppm + sats % million * ppm / million;
}

std::uint32_t ntime_of(const mining::BlockTemplate& block_template) {
  return std::max(block_template.curtime, block_template.mintime);
}

}  // namespace

JobSource::JobSource(NodeHost& host, JobSourceOptions options)
    : host_(host), options_(std::move(options)), next_job_id_(options_.first_job_id) {
  ASSERT(next_job_id_ != 0 && next_job_id_ % mining::job_id_step == 0);
}

// ------------------------------------------------------------------------- tips

void JobSource::on_tip(const TipNews& news, base::Instant now) {
  if (is_late(news)) return;
  learn(news.hash, news.height);
  const bool first = known_tip_ != news.hash;
  if (first) {
    known_tip_ = news.hash;
    tip_seen_at_ = now.mono;
    failures_ = 0;
    retry_at_ = now.mono;
    if (waits_for_tip()) request(now);
  }
  if (!wants_empty_work() || publish_empty(news, now)) return;
  const bool complete = news.header && height_of(news.hash);
  if (first && !complete) host_.request_header(news.hash);
}

void JobSource::on_header(const TipNews& news, base::Instant now) {
  if (news.hash != known_tip_) return;
  learn(news.hash, news.height);
  if (wants_empty_work()) publish_empty(news, now);
}

void JobSource::learn(const bitcoin::BlockHash& hash, std::optional<std::uint32_t> height) {
  const auto known = std::find_if(recent_tips_.begin(), recent_tips_.end(),
                                  [&](const KnownTip& tip) { return tip.hash == hash; });
  if (known != recent_tips_.end()) {
    if (height) known->height = height;
    return;
  }
  if (recent_tips_.size() == limits::recent_tips_max) recent_tips_.pop_front();
  recent_tips_.push_back({hash, height});
}

const JobSource::KnownTip* JobSource::find_tip(const bitcoin::BlockHash& hash) const {
  const auto known = std::find_if(recent_tips_.begin(), recent_tips_.end(),
                                  [&](const KnownTip& tip) { return tip.hash == hash; });
  return known == recent_tips_.end() ? nullptr : &*known;
}

std::optional<std::uint32_t> JobSource::height_of(const bitcoin::BlockHash& hash) const {
  const KnownTip* known = find_tip(hash);
  return known == nullptr ? std::nullopt : known->height;
}

// A large block and the mempool's messages may come long after another source told of the next
// tip. That the node has gone back to an earlier one, the other sources say too.
bool JobSource::is_late(const TipNews& news) const {
  const bool slow_source =
      news.source == TipSource::zmq_rawblock || news.source == TipSource::zmq_sequence;
  return slow_source && news.hash != known_tip_ && find_tip(news.hash) != nullptr;
}

bool JobSource::wants_empty_work() const {
  return options_.empty_first && current_ && waits_for_tip();
}

// Only forwards: at or below the height that miners have, only a template is to be believed.
bool JobSource::publish_empty(const TipNews& news, base::Instant now) {
  if (!news.header) return false;
  if (const auto parent = height_of(news.header->prev_hash); parent && !height_of(news.hash)) {
    learn(news.hash, *parent + 1);
  }
  const auto height = height_of(news.hash);
  if (!height || *height < current_->height()) return false;
  auto empty =
      mining::empty_template(*current_->block_template, {*news.header, *height, news.median_time},
                             options_.network, now.unix_seconds());
  if (!empty || empty->prev_hash != news.hash) return false;
  const std::uint32_t ntime = ntime_of(*empty);
  auto shared = std::make_shared<const mining::BlockTemplate>(std::move(*empty));
  if (!publish({std::move(shared), true, ntime, tip_seen_at_, {}}, now)) return false;
  template_at_ = now.mono;
  current_is_empty_ = true;
  ++empty_jobs_published_;
  return true;
}

// ------------------------------------------------------------------------- templates

void JobSource::on_template(mining::BlockTemplate block_template, base::Instant now,
                            TemplateOrigin origin) {
  if (origin == TemplateOrigin::requested && requests_in_flight_ > 0) --requests_in_flight_;
  failures_ = 0;
  const Verdict verdict = judge(block_template, now);
  if (verdict == Verdict::backwards || verdict == Verdict::wrong_height) {
    refuse(block_template, verdict);
  } else if (verdict == Verdict::late) {
    // Neither good nor bad; the one that is waited for is asked for already.
  } else if (verdict == Verdict::nothing_new) {
    last_refusal_.clear();
  } else {
    adopt(std::move(block_template), verdict, now);
  }
  const bool again = std::exchange(request_again_, false);
  if (again && waits_for_template()) request(now);
}

void JobSource::on_template_failed(base::Instant now) {
  if (requests_in_flight_ > 0) --requests_in_flight_;
  const auto wait = std::min(retry_most, retry_first * (1 << std::min(failures_, 8)));
  ++failures_;
  retry_at_ = now.mono + wait;
  request_again_ = false;
}

void JobSource::on_node_changed(base::Instant now) {
  recent_tips_.clear();
  requests_in_flight_ = 0;
  request_again_ = false;
  failures_ = 0;
  retry_at_ = now.mono;
  request(now);
}

void JobSource::on_tick(base::Instant now) {
  if (requests_in_flight_ == 0 && now.mono >= retry_at_) {
    const bool retry_due =
        failures_ > 0 || (waits_for_template() && now.mono - requested_at_ >= 1s);
    if (retry_due || refresh_due(now)) request(now);
  }
  keep_alive(now);
}

// Every check of the fees, and once more when the time for the refresh has come.
bool JobSource::refresh_due(base::Instant now) const {
  const bool checks = options_.fee_check > 0s && options_.fee_check < options_.refresh;
  if (now.mono - requested_at_ >= (checks ? options_.fee_check : options_.refresh)) return true;
  const base::MonoTime refresh_at = published_at_ + options_.refresh;
  return current_ && now.mono >= refresh_at && requested_at_ < refresh_at;
}

JobSource::Verdict JobSource::judge(const mining::BlockTemplate& block_template,
                                    base::Instant now) const {
  const auto tip_height = height_of(block_template.prev_hash);
  if (tip_height && block_template.height != *tip_height + 1) return Verdict::wrong_height;
  if (!current_) return Verdict::new_tip;
  if (block_template.prev_hash == current_->prev_hash()) {
    return judge_same_tip(block_template, now);
  }
  if (block_template.prev_hash == known_tip_) return Verdict::new_tip;
  if (block_template.height > current_->height()) return Verdict::new_tip;
  // As high as what miners have: a change of chain, unless we already wait for yet another tip.
  const bool news = block_template.height == current_->height() && !waits_for_tip();
  if (news) return Verdict::new_tip;
  const bool late =
      now.mono - tip_seen_at_ < late_answers && find_tip(block_template.prev_hash) != nullptr;
  return late ? Verdict::late : Verdict::backwards;
}

JobSource::Verdict JobSource::judge_same_tip(const mining::BlockTemplate& block_template,
                                             base::Instant now) const {
  // Where they differ, the work that miners have is no good.
  const bool same_bits = block_template.nbits == current_->nbits();
  if (block_template.height != current_->height()) return Verdict::new_tip;
  if (current_is_empty_) return same_bits ? Verdict::full : Verdict::new_tip;
  const auto age = now.mono - published_at_;
  // Chains with minimum-difficulty blocks have other bits when a block is long in coming.
  if (age >= options_.refresh || !same_bits) return Verdict::refresh;
  const std::int64_t reward = current_->coinbase_value.value;
  const std::int64_t rise = block_template.coinbase_value.value - reward;
  const bool pays = rise > 0 && rise >= part_of(reward, options_.fee_rise_ppm);
  return pays && age >= same_tip_interval ? Verdict::refresh : Verdict::nothing_new;
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

void JobSource::refuse(const mining::BlockTemplate& block_template, Verdict why) {
  if (why == Verdict::wrong_height) {
    last_refusal_ =
        fmt::format("the node's template is for the wrong height: {} on {}, whose own height is {}",
                    block_template.height, block_template.prev_hash.display_hex(),
                    *height_of(block_template.prev_hash));
    return;
  }
  last_refusal_ = fmt::format(
      "the node's template goes backwards: height {} on {}, while miners have height {} on {}",
      block_template.height, block_template.prev_hash.display_hex(), current_->height(),
      current_->prev_hash().display_hex());
}

void JobSource::adopt(mining::BlockTemplate block_template, Verdict verdict, base::Instant now) {
  const bitcoin::BlockHash tip = block_template.prev_hash;
  if (block_template.height > 0) learn(tip, block_template.height - 1);
  const bool clean_jobs = verdict == Verdict::new_tip;
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
  std::chrono::milliseconds spread{0};
  if (verdict == Verdict::refresh) {
    const bool early = now.mono - published_at_ < options_.refresh;
    spread = early ? same_tip_interval : options_.refresh;
  }
  if (!publish({std::move(shared), clean_jobs, ntime, seen_at, spread}, now)) return;
  template_at_ = now.mono;
  current_is_empty_ = false;
}

// A silent pool looks dead to miners: many reconnect after a minute or two without a notify.
void JobSource::keep_alive(base::Instant now) {
  if (!current_ || now.mono - published_at_ < options_.keepalive) return;
  if (base::fault("keepalive_never")) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now.mono - template_at_);
  const std::uint32_t ntime = ntime_of(*current_->block_template);
  publish({current_->block_template,
           false,
           ntime + static_cast<std::uint32_t>(elapsed.count()),
           current_->tip_seen_at,
           {}},
          now);
}

// The payout address first, with all that the others leave.
std::vector<bitcoin::TxOut> JobSource::outputs(bitcoin::Sats reward) const {
  std::vector<bitcoin::TxOut> outputs{bitcoin::TxOut{reward, options_.payout_script}};
  for (const CoinbaseOutput& output : options_.outputs) {
    const std::int64_t part = part_of(reward.value, output.ppm);
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
  spec.coinbase_extra_push = coinbase_push_;
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
  host_.publish(current_, draft.spread);
  return true;
}

}  // namespace pool
