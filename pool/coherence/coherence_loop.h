// CoherenceLoop: the thread 'coherence'. Hears of Bitcoin's tip, of our journal and of the proof
// chain, and gives every shard the coherence work that follows from them (CoherenceJobSource
// decides). The node loop hears of the chain's tip, for its coinbases.
//
// A chain whose rules are not the configured ones is told in the log and on record; there is no
// such work then, and the pool's other work goes on.
//
// Thread: run() is the thread; mailbox().post*() any. Hooks are called on it.
#pragma once

#include "common/uv/lag_probe.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/core/coherence_job_source.h"
#include "pool/messages.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

class CoherenceLoop {
 public:
  struct Hooks {
    std::function<void(const NewCoherenceJob&)> job;     // to every shard
    std::function<void(const CoherenceTip&)> tip;        // to the node loop, when it is another
    std::function<void(const CoherenceStatus&)> status;  // about once a second
    std::function<void(JournalAppend)> journal;          // events; may be lost
  };
  struct Options {
    CoherenceJobSourceOptions source;
    std::string kernel;  // that verifies
    std::uint32_t verifiers = 1;
  };

  CoherenceLoop(Options options, Hooks hooks);
  CoherenceLoop(const CoherenceLoop&) = delete;
  CoherenceLoop& operator=(const CoherenceLoop&) = delete;

  void run();  // until Shutdown
  uv::Mailbox<CoherenceMessage>& mailbox() { return mailbox_; }

 private:
  void on(const BitcoinTip& tip) { source_.on_bitcoin_tip(tip.hash, tip.seen_at); }
  void on(const JournalHead& head) { source_.on_journal_head(head); }
  void on(ChainRead&& read);
  void on(const VerifierCounts& counts) { counts_[counts.verifier] = counts; }
  void on(const InstanceChanged& changed) { source_.set_pool(changed.instance); }
  void on(const Shutdown& message);

  void on_tick();
  void update(base::Instant now);
  void tell_tip();
  void tell_conflict(base::Instant now);
  void tell_growth(base::Instant now);
  void tell_false_proofs(base::Instant now);
  void tell_event(std::string_view severity, const std::string& message, base::Instant now);
  VerifierCounts counts_of_all() const;
  CoherenceStatus status(base::Instant now) const;

  const Options options_;
  const Hooks hooks_;
  CoherenceJobSource source_;
  std::map<std::uint32_t, VerifierCounts> counts_;  // by verifier
  // What the shards heard last; nothing yet: they promise work to whoever asks.
  enum class Told { nothing, job, none } told_ = Told::nothing;
  std::uint64_t jobs_ = 0;  // told to them
  std::optional<coherence::ChainTip> tip_told_;
  std::string conflict_told_;
  std::string chain_error_;
  std::optional<base::MonoTime> chain_read_at_;
  std::optional<std::uint32_t> growth_told_;  // blocks; none: the chain was not seen yet
  std::optional<base::MonoTime> growth_told_at_;
  std::uint64_t false_proofs_told_ = 0;
  std::optional<base::MonoTime> false_proofs_told_at_;
  AppendId events_told_{0};
  LoopHealth health_;
  uv::Loop loop_;
  uv::LagProbe lag_;
  uv::Timer tick_;
  uv::TurnEnd turn_end_;
  uv::Mailbox<CoherenceMessage> mailbox_;
};

}  // namespace pool
