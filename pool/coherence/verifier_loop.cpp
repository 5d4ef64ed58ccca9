#include "pool/coherence/verifier_loop.h"

#include "common/uv/clock.h"
#include "common/uv/thread_priority.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto counts_interval = 1s;
// By so much nicer than the pool's other threads: where these leave nothing, a tenth of a core's
// time remains, so that proofs never wait for ever either.
constexpr int nicer_by = 10;

bloom::Replay replay_of(const ProofToVerify& proof) {
  return {{proof.job->header, proof.extranonce, proof.job->params}, proof.claim};
}

}  // namespace

VerifierLoop::VerifierLoop(std::uint32_t index, const bloom::Kernel& kernel, Hooks hooks)
    : hooks_(std::move(hooks)),
      verifier_(kernel),
      replays_(limits::proofs_per_batch_max),
      outcomes_(limits::proofs_per_batch_max),
      tick_(loop_, [this] { tell_counts(); }),
      turn_end_(loop_, [this] { verify_waiting(); }),
      mailbox_(loop_, limits::proofs_per_verifier_max,
               [this](VerifierMessage&& message) { on_message(std::move(message)); }) {
  counts_.verifier = index;
  told_.verifier = index;
}

bool VerifierLoop::offer(ProofToVerify proof) {
  if (taken_.fetch_add(1) >= limits::proofs_per_verifier_max ||
      !mailbox_.post(VerifierMessage(std::move(proof)))) {
    taken_.fetch_sub(1);
    return false;
  }
  return true;
}

void VerifierLoop::run() {
  uv::lower_thread_priority(nicer_by);
  tick_.start(counts_interval, counts_interval);
  loop_.run();
}

void VerifierLoop::on_message(VerifierMessage&& message) {
  if (auto* proof = std::get_if<ProofToVerify>(&message)) {
    waiting_.push_back(std::move(*proof));
  } else {
    loop_.stop();
  }
}

void VerifierLoop::verify_waiting() {
  for (std::size_t first = 0; first < waiting_.size(); first += limits::proofs_per_batch_max) {
    verify_batch(first, std::min(limits::proofs_per_batch_max, waiting_.size() - first));
  }
  waiting_.clear();
}

void VerifierLoop::verify_batch(std::size_t first, std::size_t count) {
  const auto before = uv::read_clock().mono;
  for (std::size_t i = 0; i < count; ++i) replays_[i] = replay_of(waiting_[first + i]);
  verifier_.verify(std::span(replays_).first(count), std::span(outcomes_).first(count));
  for (std::size_t i = 0; i < count; ++i) {
    const ProofToVerify& proof = waiting_[first + i];
    const bloom::Outcome& outcome = outcomes_[i];
    if (outcome.flaw) ++counts_.false_proofs;
    hooks_.verdict(proof.shard, {{proof.ticket, outcome.flaw, outcome.certificate}});
  }
  taken_.fetch_sub(count);
  counts_.verified += count;
  counts_.busy_us += static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(uv::read_clock().mono - before)
          .count());
}

void VerifierLoop::tell_counts() {
  counts_.waiting = taken_.load();
  if (counts_ == told_) return;
  told_ = counts_;
  hooks_.counts(counts_);
}

}  // namespace pool
