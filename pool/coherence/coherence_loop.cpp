#include "pool/coherence/coherence_loop.h"

#include "common/base/bytes.h"
#include "common/log.h"
#include "common/uv/clock.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = 1s;
// Between two events about them: neither whoever sends false proofs nor a chain whose blocks cost
// next to nothing may fill the record with them.
constexpr auto false_proofs_interval = 60s;
constexpr auto growth_interval = 60s;

std::int64_t micros(base::MonoTime::duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

}  // namespace

CoherenceLoop::CoherenceLoop(Options options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      source_(options_.source),
      lag_(loop_, [this](auto lag) { health_.lag.add(lag); }),
      tick_(loop_, [this] { on_tick(); }),
      turn_end_(loop_, [this] { update(uv::read_clock()); }),
      mailbox_(loop_, limits::coherence_mailbox_messages_max, [this](CoherenceMessage&& message) {
        std::visit([this](auto&& concrete) { on(std::forward<decltype(concrete)>(concrete)); },
                   std::move(message));
      }) {
  mailbox_.on_batch(
      [this](std::size_t messages) { health_.queue.add(static_cast<std::int64_t>(messages)); });
}

void CoherenceLoop::run() {
  tick_.start(0ms, tick);
  loop_.run();
}

void CoherenceLoop::on(ChainRead&& read) {
  const base::Instant now = uv::read_clock();
  chain_error_ = std::move(read.error);
  if (!read.view) return;
  chain_read_at_ = now.mono;
  source_.on_chain(std::move(*read.view), now);
  tell_conflict(now);
  tell_tip();
  tell_growth(now);
}

void CoherenceLoop::on(const Shutdown& /*message*/) {
  tick_.stop();
  loop_.stop();
}

void CoherenceLoop::on_tick() {
  const base::Instant now = uv::read_clock();
  tell_growth(now);
  tell_false_proofs(now);
  hooks_.status(status(now));
}

// Once for all that a turn brought. That there is no work is told where there was some, and where
// there will be none; what is only not known yet may still come.
void CoherenceLoop::update(base::Instant now) {
  const auto job = source_.update(now);
  if (job) {
    if (job->clean) {
      LOG(info, "coherence_work", {"height", job->height}, {"level", job->level},
          {"bits", base::u32_hex(coherence::decode_header(job->header).bits)},
          {"bitcoin_tip", job->bitcoin_tip.display_hex()});
    }
    ++jobs_;
    told_ = Told::job;
    return hooks_.job(NewCoherenceJob{job, false});
  }
  const bool ends = told_ == Told::job && !source_.current();
  const bool never = told_ == Told::nothing && !source_.conflict().empty();
  if (!ends && !never) return;
  if (ends) LOG(warning, "coherence_work_ends", {"why", source_.obstacle()});
  told_ = Told::none;
  hooks_.job(NewCoherenceJob{nullptr, false});
}

void CoherenceLoop::tell_tip() {
  const auto& tip = source_.chain()->tip;
  if (!tip || tip == tip_told_) return;
  tip_told_ = tip;
  LOG(info, "coherence_tip", {"height", tip->height}, {"hash", base::to_hex(tip->hash)},
      {"time", tip->time}, {"level", tip->level}, {"bits", base::u32_hex(tip->bits)});
  CoherenceTip message;
  std::copy_n(tip->hash.begin(), message.start.size(), message.start.begin());
  hooks_.tip(message);
}

void CoherenceLoop::tell_conflict(base::Instant now) {
  if (source_.conflict() == conflict_told_) return;
  conflict_told_ = source_.conflict();
  if (conflict_told_.empty()) return;
  LOG(error, "coherence_rules_differ", {"error", conflict_told_},
      {"effect", "no coherence work; all else goes on"});
  tell_event("high", "no coherence work is offered: " + conflict_told_, now);
}

// Of what comes while the pool runs; the height that it finds is no news.
void CoherenceLoop::tell_growth(base::Instant now) {
  if (!source_.chain()) return;
  const auto& tip = source_.chain()->tip;
  const std::uint32_t blocks = tip ? tip->height + 1 : 0;
  if (!growth_told_ || blocks < *growth_told_) growth_told_ = blocks;
  if (blocks == *growth_told_) return;
  if (growth_told_at_ && now.mono - *growth_told_at_ < growth_interval) return;
  tell_event("info",
             std::to_string(blocks - *growth_told_) + " new in the proof chain: block " +
                 std::to_string(tip->height) + " is " + base::to_hex(tip->hash),
             now);
  growth_told_ = blocks;
  growth_told_at_ = now.mono;
}

void CoherenceLoop::tell_false_proofs(base::Instant now) {
  const std::uint64_t all = counts_of_all().false_proofs;
  if (all == false_proofs_told_) return;
  if (false_proofs_told_at_ && now.mono - *false_proofs_told_at_ < false_proofs_interval) return;
  const std::uint64_t fresh = all - false_proofs_told_;
  false_proofs_told_ = all;
  false_proofs_told_at_ = now.mono;
  LOG(warning, "false_proofs", {"count", fresh}, {"in_all", all});
  tell_event("medium",
             std::to_string(fresh) + " coherence proofs were false, and their connections closed",
             now);
}

void CoherenceLoop::tell_event(std::string_view severity, const std::string& message,
                               base::Instant now) {
  EventRecord event;
  event.time_us = now.unix_micros();
  event.severity = severity;
  event.component = "coherence";
  event.message = message;
  JournalAppend append;
  append.source = journal_source_coherence;
  append_payload(append.payloads, event);
  events_told_ = AppendId{events_told_.value + 1};
  append.id = events_told_;
  hooks_.journal(std::move(append));
}

VerifierCounts CoherenceLoop::counts_of_all() const {
  VerifierCounts all;
  for (const auto& [verifier, counts] : counts_) {
    all.waiting += counts.waiting;
    all.verified += counts.verified;
    all.false_proofs += counts.false_proofs;
    all.busy_us += counts.busy_us;
  }
  return all;
}

CoherenceStatus CoherenceLoop::status(base::Instant now) const {
  CoherenceStatus status;
  status.error = source_.obstacle();
  status.conflict = source_.conflict();
  status.database = chain_read_at_ && chain_error_.empty();
  if (chain_read_at_) status.chain_age_us = micros(now.mono - *chain_read_at_);
  if (source_.chain()) {
    status.rules = source_.chain()->rules;
    status.tip = source_.chain()->tip;
  }
  if (const auto& job = source_.current()) {
    status.height = job->height;
    status.bits = coherence::decode_header(job->header).bits;
    status.level = job->level;
    status.bitcoin_tip = job->bitcoin_tip;
    status.job_age_us = micros(now.mono - job->made_at);
    status.stretches = job->stretches.size();
  }
  status.jobs = jobs_;
  status.kernel = options_.kernel;
  status.verifiers = options_.verifiers;
  status.counts = counts_of_all();
  status.loop = health_;
  return status;
}

}  // namespace pool
