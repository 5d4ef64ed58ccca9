// CoherenceJobSource: which coherence work miners get, and when they get other work. The pure half
// of the coherence loop.
//
// A job stands on two tips: Bitcoin's, as the miners' other work does, and the proof chain's, as
// the database tells it. When either is another one (a reorganisation is just that), the job is
// replaced at once and those before it are stale. Otherwise it is made anew from time to time: its
// header's time, and the journals' newest records, are what a block would say of them.
//
// A job commits, for each pool, to what its journal holds beyond what the chain commits to already.
// Our own journal's newest place is told by the journal itself, the others' by the database.
//
// No two jobs have the same header: one attempt would else be a proof of each.
//
// There is no work until both tips and the chain's rules are known, and none on a chain whose rules
// are not the configured ones. What was known stays so while the database is away.
//
// Time:   every call that can depend on it takes an Instant.
// Thread: the coherence loop's. Pure.
// Source: docs/coherence.md, section 14.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "common/coherence/chain.h"
#include "pool/core/coherence_types.h"
#include "pool/core/journal_format.h"
#include "pool/core/limits.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

// Where a journal stands on disk: its chain head after its newest durable record.
struct JournalHead {
  std::uint64_t sequence = 0;  // of that record
  crypto::Digest head{};       // of that record's segment, up to its end
  friend bool operator==(const JournalHead&, const JournalHead&) = default;
};

// What the database says of the proof chain.
struct ChainView {
  struct Head {
    std::uint32_t pool = 0;
    JournalUuid journal{};
    JournalHead at;
    friend bool operator==(const Head&, const Head&) = default;
  };
  coherence::ChainRules rules;                     // that the chain is run with
  std::optional<coherence::ChainTip> tip;          // none: it has no block yet
  std::map<JournalUuid, std::uint64_t> committed;  // the last record that it commits to, of each
  std::vector<Head> heads;                         // one a pool, ordered by it
  friend bool operator==(const ChainView&, const ChainView&) = default;
};

struct CoherenceJobSourceOptions {
  coherence::ChainRules rules;  // as configured; the start_time is the chain's own
  std::uint32_t level = 2;      // from the chain's next epoch on
  std::uint32_t pool = 0;       // our instance number
  JournalUuid journal{};        // ours
  std::uint64_t first_job_id = 1;
  std::chrono::seconds refresh = limits::coherence_job_refresh;
};

class CoherenceJobSource {
 public:
  explicit CoherenceJobSource(const CoherenceJobSourceOptions& options);

  // Miners get other work on this tip from now on.
  void on_bitcoin_tip(const bitcoin::BlockHash& hash, base::MonoTime seen_at);
  // Ours has come so far.
  void on_journal_head(const JournalHead& head) { own_head_ = head; }
  void on_chain(ChainView view, base::Instant now);
  // Another number from now on.
  void set_pool(std::uint32_t pool) { options_.pool = pool; }

  // The job to give out now, where that is another one; after each of the calls above, and at least
  // once a second. Null: nothing new.
  std::shared_ptr<const CoherenceJob> update(base::Instant now);

  const std::shared_ptr<const CoherenceJob>& current() const { return current_; }
  const std::optional<ChainView>& chain() const { return chain_; }
  // Why there is no work; one line, empty when there is.
  const std::string& obstacle() const { return obstacle_; }
  // The chain's rules are not ours; one line that says which, empty when they are.
  const std::string& conflict() const { return conflict_; }

 private:
  std::string find_obstacle() const;
  bool is_outdated(const coherence::NextBlock& next) const;
  base::MonoTime tip_seen_at(const coherence::NextBlock& next) const;
  std::vector<ChainView::Head> other_heads() const;
  std::vector<JournalStretch> stretches() const;
  std::optional<JournalStretch> stretch_of(const ChainView::Head& head) const;
  std::shared_ptr<const CoherenceJob> make_job(const coherence::NextBlock& next, bool clean,
                                               base::Instant now);
  coherence::Header76 new_header(coherence::HeaderFields fields);

  CoherenceJobSourceOptions options_;
  std::uint64_t next_job_id_;
  std::optional<bitcoin::BlockHash> bitcoin_tip_;
  base::MonoTime bitcoin_tip_seen_at_{};
  std::optional<ChainView> chain_;
  base::MonoTime chain_tip_seen_at_{};
  std::optional<JournalHead> own_head_;
  std::shared_ptr<const CoherenceJob> current_;
  std::deque<coherence::Header76> headers_;  // of the last jobs, as many as miners may submit for
  std::string obstacle_;
  std::string conflict_;
};

// Which of the configured rules are not those of a chain: one line, empty when all are.
std::string rules_conflict(const coherence::ChainRules& configured,
                           const coherence::ChainRules& in_force);

}  // namespace pool
