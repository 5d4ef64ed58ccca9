// What a miner is told to do: jobs, at which difficulty, with which extranonce1.
#include "common/stratum/codec.h"
#include "pool/core/coherence_side.h"
#include "pool/core/limits.h"
#include "pool/core/session.h"

#include <utility>

namespace pool {

void Session::on_new_job(const mining::Job& job, bool clean, base::Instant now) {
  if (!mining_ || closing_ || handed_over_ || !wants_sha256()) return;
  const bool first = !difficulty_.announced();
  if (!first) static_cast<void>(difficulty_.retarget(network_difficulty(), now.mono));
  send_job(job, clean || first, now);
}

// REQUIRES: job.id > last_job_: firmwares pass over an id that they have seen.
void Session::send_job(const mining::Job& job, bool clean, base::Instant now) {
  const auto network = bitcoin::hardest_share(job.network_target());
  if (const auto announced = difficulty_.announce(job.id, network, now.mono)) {
    shard_.host.send(id_, stratum::write_set_difficulty(*announced));
  }
  const mining::TierWork& work = job.work(tier_);
  shard_.host.send(id_, clean || job.clean_jobs ? work.notify_line_clean : work.notify_line);
  last_job_ = job.id;
  renotify_due_ = false;
}

void Session::renotify(base::Instant now) {
  renotify_due_ = wants_sha256();
  if (!renotify_due_) return;
  if (now.mono < renotify_at_) return;
  const auto job = shard_.jobs.job_after(last_job_, now.mono);
  if (job == nullptr) return;  // at a later tick
  renotify_at_ = now.mono + limits::renotify_interval;
  send_job(*job, std::exchange(renotify_clean_, false), now);
}

// ---------------------------------------------------------------- difficulty

// The hardest share that no block could hide behind.
bitcoin::Difficulty Session::network_difficulty() const {
  const auto& job = shard_.jobs.current();
  return job ? bitcoin::hardest_share(job->network_target())
             : *bitcoin::Difficulty::from_double(bitcoin::Difficulty::most);
}

void Session::suggest(double difficulty, base::Instant now) {
  suggested_difficulty_ = difficulty;
  const bool changed = difficulty_.on_suggestion(difficulty, network_difficulty(), now.mono);
  if (changed && difficulty_.announced()) renotify(now);
}

void Session::on_message(const Id& id, const stratum::SuggestDifficulty& m, base::Instant now) {
  reply(id, stratum::write_result_true(id));
  suggest(m.difficulty, now);
}

void Session::on_message(const Id& id, const stratum::SuggestTarget& m, base::Instant now) {
  reply(id, stratum::write_result_true(id));
  suggest(bitcoin::Target256(m.target).difficulty(), now);
}

void Session::describe(LiveWorker& worker) const {
  worker.user_agent = user_agent_;
  if (wants_sha256()) {
    worker.difficulty = (difficulty_.announced() ? difficulty_.history().latest().difficulty
                                                 : difficulty_.wanted(network_difficulty()))
                            .value();
  }
  worker.takes_coherence = coherence_ != nullptr && coherence_->granted;
}

// ---------------------------------------------------------------- extranonce1

// set_extranonce counts from the next notify on.
const Extranonce1& Session::extranonce1_for(mining::JobId job) const {
  return extranonce1_since_ < job ? extranonce1_ : extranonce1_before_;
}

// Before its login is over, a miner could take set_extranonce for a refusal (cgminer's family
// does): begin_mining() makes up for it.
void Session::change_instance(std::uint8_t instance, base::Instant now) {
  if (mining_ && !closing_ && take_instance(instance)) renotify(now);
}

bool Session::take_instance(std::uint8_t instance) {
  if (extranonce1_[0] == instance) return false;
  if (!takes_set_extranonce_) {
    ask_to_reconnect();
    return false;
  }
  // A change that no job has followed yet is taken back: the miner never worked with it.
  if (extranonce1_since_ != last_job_ || last_job_ == mining::JobId{0}) {
    extranonce1_before_ = extranonce1_;
  }
  extranonce1_since_ = last_job_;
  extranonce1_[0] = instance;
  shard_.host.send(id_, stratum::write_set_extranonce(extranonce1_, limits::extranonce2_size));
  return true;
}

}  // namespace pool
