#include "miner/coherence_client.h"

#include "common/bitcoin/target.h"
#include "common/coherence/chain.h"
#include "common/coherence/difficulty.h"
#include "common/stratum/codec.h"
#include "miner/refusal.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::size_t proofs_remembered = 4096;
constexpr std::uint32_t coherence_version = 1;

bool is_busy(const stratum::ServerResponse& answer) {
  using stratum::RejectReason;
  return answer.error_code == stratum::reject_code(RejectReason::verifier_busy) &&
         answer.error_text.starts_with(stratum::reject_text(RejectReason::verifier_busy));
}

crypto::Digest prev_hash_of(const CoherenceWork& work) {
  return coherence::decode_header(work.job.header).prev_hash;
}

}  // namespace

CoherenceClient::CoherenceClient(CoherenceOptions options, CoherenceHost& host)
    : options_(std::move(options)),
      host_(host),
      submitted_hashes_(proofs_remembered),
      allowance_(options_.shares_per_second_max) {}

void CoherenceClient::join(stratum::Configure& configure) const {
  configure.extensions.emplace_back("coherence");
  configure.coherence_version = coherence_version;
  configure.coherence_only = options_.only;
}

void CoherenceClient::on_connected(base::MonoTime now) {
  on_disconnected();
  connected_ = true;
  asked_at_ = now;
  ask_again_ = options_.ask_again_first;
  allowance_.start(now);
}

void CoherenceClient::on_disconnected() {
  counters_.unanswered_lost += unanswered_.size();
  unanswered_.clear();
  drop_waiting();
  ++epoch_;
  if (std::exchange(work_, nullptr)) host_.set_coherence_work(nullptr);
  extranonce_.reset();
  target_.reset();
  newest_job_.reset();
  connected_ = authorized_ = granted_ = refusal_told_ = false;
  ask_id_ = 0;
}

void CoherenceClient::problem(std::string text) {
  host_.report_coherence({ClientEventKind::problem, std::move(text)});
}

// --- what the pool says ---

void CoherenceClient::on_configured(const std::optional<stratum::ConfigureResult>& result) {
  const std::pair<std::string, bool> yes{"coherence", true};
  granted_ = granted_ || (result && result->coherence_version.value_or(1) == coherence_version &&
                          std::find(result->extensions.begin(), result->extensions.end(), yes) !=
                              result->extensions.end());
  if (granted_ || std::exchange(refusal_told_, true)) return;
  problem("the pool has no coherence work for us; it is asked again from time to time");
}

void CoherenceClient::on_authorized() {
  authorized_ = true;
  publish();
}

void CoherenceClient::on_message(const stratum::CoherenceSetExtranonce& message) {
  extranonce_ = message.extranonce;
  publish();
}

void CoherenceClient::on_message(const stratum::CoherenceSetTarget& message) {
  const bool is_new = target_ != message.target;
  target_ = message.target;
  if (is_new) {
    host_.report_coherence({ClientEventKind::difficulty,
                            fmt::format("coherence: {} blooms a share from the next job on",
                                        count_text(hash_difficulty(message.target)))});
  }
  publish();
}

void CoherenceClient::on_message(const stratum::CoherenceNotify& message) {
  newest_job_ = message;
  publish();
}

// A job is taken up once everything it needs is there; what comes later is for the next.
void CoherenceClient::publish() {
  if (!authorized_ || !extranonce_ || !target_ || !newest_job_) return;
  const stratum::CoherenceNotify notify = std::move(*newest_job_);
  newest_job_.reset();
  auto work = make_work(notify);
  const bool clean = !work_ || !work || notify.clean || prev_hash_of(*work) != prev_hash_of(*work_);
  if (clean) {
    ++epoch_;
    drop_waiting();
  }
  if (work) {
    work->epoch = epoch_;
    ++counters_.jobs;
  }
  work_ = std::move(work);
  host_.set_coherence_work(work_);
  if (!work_) return;
  host_.report_coherence({ClientEventKind::job,
                          fmt::format("coherence job {}{}, level {}", printable(notify.job_id, 64),
                                      notify.clean ? " (new tip)" : "", work_->level)});
}

std::shared_ptr<CoherenceWork> CoherenceClient::make_work(const stratum::CoherenceNotify& notify) {
  const std::optional<std::uint32_t> level = coherence::level_of(notify.params);
  if (!level) {
    problem(
        fmt::format("coherence job {} has params {:08x}: expected 0001 and a level from 0 to {}",
                    printable(notify.job_id, 64), notify.params, coherence::levels - 1));
    return nullptr;
  }
  auto work = std::make_shared<CoherenceWork>();
  work->pool = options_.pool;
  work->job_id = notify.job_id;
  work->job = {notify.header, *extranonce_, notify.params};
  work->level = *level;
  work->target = *target_;
  const std::uint32_t bits = coherence::decode_header(notify.header).bits;
  if (const auto target = bitcoin::Target256::from_compact(bits)) {
    work->block_target = base::U256::from_le_bytes(target->bytes());
  }
  work->height = notify.height;
  return work;
}

bool CoherenceClient::on_answer(std::uint64_t id, const stratum::ServerResponse& answer,
                                base::MonoTime now) {
  if (id == ask_id_) {
    const auto result = stratum::parse_configure_result(answer.result_json);
    on_configured(answer.accepted && result ? std::optional(*result) : std::nullopt);
    return true;
  }
  const auto found = unanswered_.find(id);
  if (found == unanswered_.end()) return false;
  Submitted submission = std::move(found->second);
  unanswered_.erase(found);
  on_submit_answer(std::move(submission), answer, now);
  return true;
}

// --- proofs ---

void CoherenceClient::on_proof(FoundProof proof, base::MonoTime now) {
  if (!connected_ || proof.work->epoch != epoch_) {
    ++counters_.dropped_stale;
    return;
  }
  std::deque<FoundProof>& queue = proof.is_block ? blocks_queued_ : queued_;
  if (queue.size() == options_.queued_max) {
    ++counters_.dropped_full;
    return;
  }
  queue.push_back(std::move(proof));
  flush(now);
}

Appetite CoherenceClient::appetite() const {
  if (blocks_queued_.size() >= options_.queued_max / 2) return Appetite::nothing;
  if (queued_.size() >= options_.queued_max / 2) return Appetite::blocks;
  return Appetite::shares;
}

void CoherenceClient::on_tick(base::MonoTime now) {
  if (!connected_) return;
  if (!unanswered_.empty() && now - unanswered_.begin()->second.at > options_.answer_timeout) {
    return host_.give_up(fmt::format("the pool did not answer a coherence proof within {} s",
                                     options_.answer_timeout.count()),
                         std::chrono::seconds{0});
  }
  if (!granted_ && authorized_ && now - asked_at_ > ask_again_) {
    on_configured(std::nullopt);  // also where the first question was never answered
    asked_at_ = now;
    ask_again_ = std::min(2 * ask_again_, options_.ask_again_most);
    ask_id_ = host_.take_request_id();
    stratum::Configure configure;
    join(configure);
    host_.send_coherence(stratum::write_configure(ask_id_, configure));
  }
  flush(now);
}

void CoherenceClient::flush(base::MonoTime now) {
  allowance_.refill(now);
  for (const bool blocks : {true, false}) {
    send_due_retries(blocks, now);
    send_queued(blocks, now);
  }
}

void CoherenceClient::send_queued(bool blocks, base::MonoTime now) {
  std::deque<FoundProof>& queue = blocks ? blocks_queued_ : queued_;
  const std::size_t unanswered_max = (blocks ? 2 : 1) * options_.unanswered_max;
  while (!queue.empty() && unanswered() < unanswered_max && allowance_.has()) {
    FoundProof proof = std::move(queue.front());
    queue.pop_front();
    if (!submitted_hashes_.insert(bitcoin::BlockHash(proof.work_hash))) {
      ++counters_.dropped_repeat;
      continue;
    }
    allowance_.take();
    if (blocks) ++counters_.blocks_found;
    submit({std::move(proof), now, 0}, now);
  }
}

void CoherenceClient::submit(Submitted&& submission, base::MonoTime now) {
  const FoundProof& proof = submission.proof;
  stratum::CoherenceSubmit request;
  request.worker_name = options_.username;
  request.job_id = proof.work->job_id;
  request.attempt = proof.claim.attempt;
  request.bloom_end = proof.claim.bloom_end;
  request.r_q = proof.claim.r_q;
  request.psi_q = proof.claim.psi_q;
  request.cert_hash = proof.claim.cert_hash;
  const std::uint64_t id = host_.take_request_id();
  submission.at = now;
  unanswered_[id] = std::move(submission);
  host_.send_coherence(stratum::write_coherence_submit(id, request));
}

void CoherenceClient::on_submit_answer(Submitted&& submission,
                                       const stratum::ServerResponse& answer, base::MonoTime now) {
  const FoundProof& proof = submission.proof;
  if (answer.accepted) {
    ++counters_.accepted;
    counters_.work_accepted +=
        coherence::work_of(proof.work->level, proof.work->target).to_double();
    if (proof.is_block) ++counters_.blocks_accepted;
    host_.report_coherence({ClientEventKind::accepted, "coherence proof accepted", nullptr,
                            std::make_shared<const FoundProof>(std::move(submission.proof))});
    return;
  }
  if (is_busy(answer)) return retry_later(std::move(submission), now);
  ++counters_.rejected;
  const std::string reason = reason_text(answer);
  counters_.reject_reasons.count(reason);
  host_.report_coherence({ClientEventKind::rejected,
                          fmt::format("coherence proof rejected: {}", reason), nullptr,
                          std::make_shared<const FoundProof>(std::move(submission.proof))});
  if (is_disowned(answer)) host_.give_up("the pool no longer knows this worker", refused_pause);
}

void CoherenceClient::retry_later(Submitted&& submission, base::MonoTime now) {
  if (submission.proof.work->epoch != epoch_) {
    ++counters_.dropped_stale;
    return;
  }
  if (!submission.proof.is_block && submission.retries >= options_.retries_max) {
    ++counters_.dropped_busy;
    return;
  }
  const std::uint32_t doublings = std::min(submission.retries, options_.retries_max - 1);
  submission.at = now + options_.retry_first * (1U << doublings);
  ++submission.retries;
  retries_.push_back(std::move(submission));
}

void CoherenceClient::send_due_retries(bool blocks, base::MonoTime now) {
  for (std::size_t i = 0; i < retries_.size() && allowance_.has();) {
    if (retries_[i].at > now || retries_[i].proof.is_block != blocks) {
      ++i;
      continue;
    }
    Submitted due = std::move(retries_[i]);
    retries_.erase(retries_.begin() + static_cast<std::ptrdiff_t>(i));
    allowance_.take();
    ++counters_.retries;
    submit(std::move(due), now);
  }
}

void CoherenceClient::drop_waiting() {
  counters_.dropped_stale += queued() + retries_.size();
  blocks_queued_.clear();
  queued_.clear();
  retries_.clear();
}

}  // namespace miner
