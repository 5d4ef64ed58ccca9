#include "tests/sim/oracle.h"

#include "common/bitcoin/target.h"
#include "common/mining/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sim {
namespace {

std::string worker_of(const pool::ShareRecord& share) {
  return share.address + "." + share.worker_name;
}

}  // namespace

void Oracle::fail(std::string_view oracle, std::string text) {
  if (failed_) return;
  failed_ = fmt::format("{}: {}", oracle, text);
  transcript_.note("oracle", "failed", 0, *failed_);
}

std::string Oracle::failure() const { return failed_.value_or(""); }

Oracle::Share* Oracle::find(const bitcoin::BlockHash& hash) {
  const auto known = shares_.find(hash);
  return known == shares_.end() ? nullptr : &known->second;
}

// ---------------------------------------------------------------- miners

void Oracle::on_found(const bitcoin::BlockHash& hash, Found found) {
  const auto [share, is_new] = shares_.try_emplace(hash);
  if (is_new) share->second.found = std::move(found);
}

void Oracle::on_submit(const bitcoin::BlockHash& hash, bool stale) {
  Share* share = find(hash);
  if (share == nullptr) return;
  ++share->submits;
  ++share->unanswered;
  share->stale = share->stale || stale;
  share->sent_at_tip = share->found.prev_hash == prev_hash_ ? tips_ : 0;
}

void Oracle::on_answer(const bitcoin::BlockHash& hash, bool accepted, int code,
                       std::string_view text) {
  Share* share = find(hash);
  if (share == nullptr) return;
  --share->unanswered;
  if (!accepted) {
    ++refused_;
    transcript_.note("oracle",
                     code == 21   ? "hears 21"
                     : code == 22 ? "hears 22"
                                  : "hears a no",
                     static_cast<std::uint64_t>(code), text);
    if (!may_refuse(*share, code, text)) {
      fail("fair", fmt::format("share {} of miner {} was refused: {}", hash.display_hex(),
                               share->found.miner, text));
    }
    if (code == 20 && text.starts_with("Share could not be stored")) share->not_stored = true;
    return;
  }
  if (share->stale) {
    fail("stale", fmt::format("share {} was accepted for a job that its miner had long been told "
                              "to leave",
                              hash.display_hex()));
  }
  if (share->answered_true) {
    fail("once", fmt::format("share {} was answered true twice", hash.display_hex()));
  }
  share->answered_true = true;
  ++answered_true_;
}

bool Oracle::may_refuse(const Share& share, int code, std::string_view text) const {
  if (text.starts_with("Share could not be stored")) return disk_may_fail_;
  if (text.starts_with("Time too")) return clock_may_be_wrong_;
  if (code == 22) return share.submits > 1;
  if (code != 21) return false;
  const bool job_known = std::find(last_jobs_.begin(), last_jobs_.end(),
                                   share.found.job / mining::job_id_step) != last_jobs_.end();
  return share.stale || !job_known || share.sent_at_tip != tips_;
}

void Oracle::on_no_answer(const bitcoin::BlockHash& hash) {
  Share* share = find(hash);
  if (share == nullptr) return;
  --share->unanswered;
  ++share->lost;
  ++lost_;
}

// ---------------------------------------------------------------- the pool

void Oracle::on_extranonce1(std::uint64_t connection, const std::string& extranonce1) {
  on_session_end(connection);  // it has another one from now on
  const auto [holder, is_free] = extranonces_.try_emplace(extranonce1, connection);
  if (!is_free) {
    return fail("extranonce1", fmt::format("{} was given to connection {} while {} has it",
                                           extranonce1, connection, holder->second));
  }
  sessions_[connection] = extranonce1;
}

void Oracle::on_session_end(std::uint64_t connection) {
  const auto session = sessions_.find(connection);
  if (session == sessions_.end()) return;
  extranonces_.erase(session->second);
  sessions_.erase(session);
}

void Oracle::on_difficulty(std::uint32_t miner, double difficulty) {
  difficulties_[miner].insert(difficulty);
}

void Oracle::on_publish(const bitcoin::BlockHash& prev_hash, std::uint64_t job) {
  constexpr std::size_t surely_kept = 16;
  if (prev_hash_ != prev_hash) ++tips_;
  prev_hash_ = prev_hash;
  if (last_jobs_.size() == surely_kept) last_jobs_.pop_front();
  last_jobs_.push_back(job / mining::job_id_step);
}

void Oracle::on_candidate(const bitcoin::BlockHash& hash, std::uint64_t life, std::uint32_t shard) {
  if (!candidates_.insert({hash, life, shard}).second) {
    fail("blocks", fmt::format("shard {} has found block {} twice", shard, hash.display_hex()));
  }
  ++blocks_;
  Share* share = find(hash);
  if (share == nullptr) {
    return fail("blocks",
                fmt::format("the pool found block {}, which no miner has", hash.display_hex()));
  }
  share->found_by_pool = true;
  if (!share->at_node) candidates_fresh_.insert(hash);
}

void Oracle::on_pool_end(bool orderly) {
  crashed_ = crashed_ || !orderly;
  prev_hash_ = {};
  ++tips_;
  extranonces_.clear();
  sessions_.clear();
  for (const auto& hash : std::exchange(candidates_fresh_, {})) find(hash)->may_be_lost = true;
}

void Oracle::check_queue(std::string_view what, std::size_t size, std::size_t most) {
  std::size_t& seen = most_[what];
  seen = std::max(seen, size);
  if (size > most) fail("queues", fmt::format("{}: {}, and {} is the most", what, size, most));
}

void Oracle::on_pool_totals(std::uint64_t shares, const base::U256& work) {
  pool_.shares += shares;
  pool_.work = pool_.work + work;
}

// ---------------------------------------------------------------- node, journal, store

void Oracle::on_block_at_node(const bitcoin::BlockHash& hash, std::string_view flaw) {
  if (!flaw.empty()) {
    fail("blocks", fmt::format("the node was sent {}: {}", hash.display_hex(), flaw));
  }
  candidates_fresh_.erase(hash);
  if (Share* share = find(hash)) share->at_node = true;
}

void Oracle::Totals::add(const pool::ShareRecord& share) {
  ++shares;
  work = work + share.work;
  Sum& sum = by_worker[worker_of(share)];
  ++sum.shares;
  sum.work = sum.work + share.work;
}

void Oracle::on_journalled(const pool::ShareRecord& share) {
  journal_.add(share);
  Share* known = find(share.hash);
  if (known == nullptr || known->submits == 0) {
    return fail("once", fmt::format("the journal has share {}, which nobody sent",
                                    share.hash.display_hex()));
  }
  if (++known->journalled > 1) {
    fail("once", fmt::format("share {} is in the journal twice", share.hash.display_hex()));
  }
}

void Oracle::on_stored(const pool::ShareRecord& share) {
  store_.add(share);
  Share* known = find(share.hash);
  if (known == nullptr || known->submits == 0) {
    return fail("once",
                fmt::format("share {} was stored, which nobody sent", share.hash.display_hex()));
  }
  if (++known->stored > 1) {
    fail("once", fmt::format("share {} was stored twice", share.hash.display_hex()));
  }
  check_credit(share, *known);
}

void Oracle::on_stored(const pool::BlockCandidateRecord& candidate) {
  if (Share* share = find(candidate.hash)) share->candidate_stored = true;
}

// Before its block it changes nothing. It may come so, when the append with the block was lost; it
// is then said again (pool/node/node_journal.h).
void Oracle::on_stored(const pool::BlockOutcomeRecord& outcome) {
  Share* share = find(outcome.hash);
  if (share != nullptr && share->candidate_stored) share->outcome_stored = true;
}

void Oracle::on_stored(const pool::RejectSumRecord& rejects) { rejects_stored_ += rejects.count; }

// Around a change of difficulty the lower one may count (pool/core/difficulty_history.h).
void Oracle::check_credit(const pool::ShareRecord& share, const Share& known) {
  const auto difficulty = bitcoin::Difficulty::from_double(share.difficulty);
  const bool exact =
      difficulty && share.work == bitcoin::Target256::from_difficulty(*difficulty).work();
  const bool told = difficulties_[known.found.miner].contains(share.difficulty);
  const bool fair = share.difficulty <= known.found.difficulty;
  if (exact && told && fair && worker_of(share) == known.found.worker) return;
  fail("credit", fmt::format("share {} of {}, mined at difficulty {}, is stored for {} with "
                             "difficulty {} and work {}",
                             share.hash.display_hex(), known.found.worker, known.found.difficulty,
                             worker_of(share), share.difficulty, share.work.decimal()));
}

void Oracle::on_gap(std::string_view where, std::uint64_t from, std::uint64_t to) {
  fail("gap", fmt::format("{}: after record {} comes what follows record {}", where, from, to));
}

// ---------------------------------------------------------------- the end

void Oracle::finish() {
  for (const auto& [hash, share] : shares_) finish_share(hash, share);
  finish_totals();
  finish_rejects();
}

void Oracle::finish_share(const bitcoin::BlockHash& hash, const Share& share) {
  const std::string name = hash.display_hex();
  if (share.answered_true && share.stored != 1) {
    fail("durable",
         fmt::format("share {} was answered true and is stored {} times", name, share.stored));
  }
  if (share.journalled != share.stored) {
    fail("totals", fmt::format("share {} is in the journal {} times and {} times in the store",
                               name, share.journalled, share.stored));
  }
  if (share.unanswered != 0) {
    fail("answers",
         fmt::format("{} submits of share {} were not answered", share.unanswered, name));
  }
  if (share.stored == 1 && !share.answered_true) {
    const bool excused = share.lost > 0 || (share.not_stored && crashed_);
    if (!excused) {
      fail("totals",
           fmt::format("share {} of miner {}, submitted {} times, was never answered true "
                       "and is stored",
                       name, share.found.miner, share.submits));
    }
    ++(share.lost > 0 ? unheard_ : resurrected_);
  }
  if (share.found.is_block) finish_block(hash, share);
}

void Oracle::finish_block(const bitcoin::BlockHash& hash, const Share& share) {
  const bool answered = share.submits > share.lost;
  if (answered && !share.found_by_pool) {
    fail("blocks",
         fmt::format("the pool answered block {} without finding it", hash.display_hex()));
  }
  // The pool promises nothing for what it had not yet put into its vault when it crashed, and had
  // not answered.
  const bool excused = share.may_be_lost && !share.answered_true;
  if (share.found_by_pool && !share.at_node && !excused) {
    fail("blocks", fmt::format("block {} never reached the node", hash.display_hex()));
  }
  // What is in the vault comes back after a crash, to be journalled once more.
  const bool promised =
      share.found_by_pool && (!crashed_ || (share.answered_true && !vault_may_fail_));
  if (promised && !(share.candidate_stored && share.outcome_stored)) {
    fail("blocks",
         fmt::format("the store does not know {} of block {}",
                     share.candidate_stored ? "the outcome" : "anything", hash.display_hex()));
  }
}

void Oracle::finish_totals() {
  if (!(journal_.work == store_.work) || journal_.shares != store_.shares ||
      journal_.by_worker != store_.by_worker) {
    fail("totals", fmt::format("the journal has {} shares with work {}, the store {} with {}",
                               journal_.shares, journal_.work.decimal(), store_.shares,
                               store_.work.decimal()));
  }
  if (answered_true_ + unheard_ + resurrected_ != store_.shares) {
    fail("totals", fmt::format("{} shares answered true, {} whose answer was lost and {} that were "
                               "refused are stored: {} rows",
                               answered_true_, unheard_, resurrected_, store_.shares));
  }
  const bool same = pool_.shares == store_.shares && pool_.work == store_.work;
  const bool fewer = pool_.shares <= store_.shares && pool_.work <= store_.work;
  if (crashed_ ? !fewer : !same) {
    fail("totals",
         fmt::format("the shards counted {} shares with work {}, the store {} with {}",
                     pool_.shares, pool_.work.decimal(), store_.shares, store_.work.decimal()));
  }
}

// Sums of rejects are told once a minute; a crash or a failing disk may lose some.
void Oracle::finish_rejects() {
  const bool all = crashed_ || disk_may_fail_ || rejects_stored_ >= refused_;
  if (all && rejects_stored_ <= refused_ + lost_ + odd_) return;
  fail("totals", fmt::format("the store has {} rejects; miners heard of {}, and of {} submits no "
                             "answer",
                             rejects_stored_, refused_, lost_ + odd_));
}

std::string Oracle::summary() const {
  std::string text = fmt::format(
      "shares: {} answered true, {} refused, {} stored (work {}), {} of them unheard, {} after a "
      "refusal; blocks found: {}\n",
      answered_true_, refused_, store_.shares, store_.work.decimal(), unheard_, resurrected_,
      blocks_);
  text += "longest queues:";
  for (const auto& [what, most] : most_) text += fmt::format(" {} {};", what, most);
  return text + "\n";
}

}  // namespace sim
