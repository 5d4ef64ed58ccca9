// CoherenceClient: the coherence half of the client's Stratum conversation, sans IO. MinerClient
// owns one where coherence work is mined, and hands it what concerns it.
//
// The extension is asked for in mining.configure. A pool that refuses it, or does not answer, is
// asked again on the same connection, soon at first and then once a minute: a pool that has just
// started does not know its proof chain yet. Then come
// coherence.set_extranonce, .set_target and .notify; a new extranonce or target applies from the
// next notify on. A job with another prev_hash is a clean job whatever its flag says.
//
// Proofs wait in a bounded queue and go out while few enough are unanswered. No proof is submitted
// twice but for one case: the pool's verifiers were all busy, which is no verdict. Then it is
// submitted again, a little later each time, and a few times at most. Such proofs count as
// unanswered, so a busy pool gets fewer.
// Those that may be blocks of the proof chain go first, wait in a queue of their own, have room
// where the others have none any more, and are submitted again for as long as their job lives.
// Proofs of an earlier connection or from before a clean job are not submitted at all.
//
// Thread: the loop's. Calls no host verb but from inside its own functions.
#pragma once

#include "common/base/time.h"
#include "common/stratum/client_to_server.h"
#include "common/stratum/server_to_client.h"
#include "miner/allowance.h"
#include "miner/client_event.h"
#include "miner/coherence_work.h"
#include "miner/recent_hashes.h"
#include "miner/reject_reasons.h"
#include "miner/work.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace miner {

struct CoherenceOptions {
  std::uint32_t pool = 0;  // its number among several
  std::string username;
  bool only = false;  // nothing else is mined: no mining.notify is wanted
  // A pool verifies at most 64 of a connection at once. Blocks may be as many beyond that.
  std::size_t unanswered_max = 32;
  std::size_t queued_max = 64;                 // of blocks, and of others
  double shares_per_second_max = 0;            // retries too; 0: as many as the pool answers
  std::uint32_t retries_max = 6;               // of one proof that is no block; at least 1
  std::chrono::milliseconds retry_first{200};  // doubles with each, up to retries_max of them
  std::chrono::seconds ask_again_first{2};     // doubles with each refusal
  std::chrono::seconds ask_again_most{60};
  std::chrono::seconds answer_timeout{120};  // to a proof
};

// What it needs of the client around it.
class CoherenceHost {
 public:
  virtual ~CoherenceHost() = default;
  virtual std::uint64_t take_request_id() = 0;
  virtual void send_coherence(std::string_view line) = 0;
  // What to try from here on; null: nothing.
  virtual void set_coherence_work(std::shared_ptr<const CoherenceWork> work) = 0;
  virtual void report_coherence(const ClientEvent& event) = 0;
  // This connection is of no more use.
  virtual void give_up(std::string_view why, std::chrono::seconds pause) = 0;
};

struct CoherenceCounters {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t blocks_found = 0;     // submitted proofs that met the proof chain's target
  std::uint64_t blocks_accepted = 0;  // of these, answered with true
  double work_accepted = 0;           // expected rounds of the accepted proofs
  std::uint64_t retries = 0;          // submitted again since the verifiers were busy
  std::uint64_t dropped_stale = 0;    // found or queued for a job that was over
  std::uint64_t dropped_full = 0;     // more than the queue holds
  std::uint64_t dropped_repeat = 0;   // the same proof again
  std::uint64_t dropped_busy = 0;     // the verifiers stayed busy
  std::uint64_t unanswered_lost = 0;  // submitted, and the connection ended without an answer
  std::uint64_t jobs = 0;
  RejectReasons reject_reasons;
};

class CoherenceClient {
 public:
  CoherenceClient(CoherenceOptions options, CoherenceHost& host);

  // What the first mining.configure of a connection says of coherence work.
  void join(stratum::Configure& configure) const;
  void on_connected(base::MonoTime now);
  void on_disconnected();
  // None: an answer that says nothing, as of pools that know no extensions.
  void on_configured(const std::optional<stratum::ConfigureResult>& result);
  void on_authorized();
  void on_message(const stratum::CoherenceSetExtranonce& message);
  void on_message(const stratum::CoherenceSetTarget& message);
  void on_message(const stratum::CoherenceNotify& message);
  // False: not an answer to a request of ours.
  bool on_answer(std::uint64_t id, const stratum::ServerResponse& answer, base::MonoTime now);
  // Deadlines, retries, and proofs that had to wait.
  void on_tick(base::MonoTime now);
  void on_proof(FoundProof proof, base::MonoTime now);
  void flush(base::MonoTime now);

  const CoherenceCounters& counters() const { return counters_; }
  const std::shared_ptr<const CoherenceWork>& work() const { return work_; }
  bool is_granted() const { return granted_; }
  std::size_t unanswered() const { return unanswered_.size() + retries_.size(); }
  std::size_t queued() const { return queued_.size() + blocks_queued_.size(); }
  // The workers look before they confirm and post a proof.
  Appetite appetite() const;

 private:
  struct Submitted {
    FoundProof proof;
    base::MonoTime at{};        // when it was submitted; of a retry, when it is due
    std::uint32_t retries = 0;  // so far
  };

  void publish();
  std::shared_ptr<CoherenceWork> make_work(const stratum::CoherenceNotify& notify);
  void submit(Submitted&& submission, base::MonoTime now);
  void on_submit_answer(Submitted&& submission, const stratum::ServerResponse& answer,
                        base::MonoTime now);
  void retry_later(Submitted&& submission, base::MonoTime now);
  // Each as far as the allowance goes.
  void send_due_retries(bool blocks, base::MonoTime now);
  void send_queued(bool blocks, base::MonoTime now);
  void drop_waiting();
  void problem(std::string text);

  const CoherenceOptions options_;
  CoherenceHost& host_;
  CoherenceCounters counters_;
  std::uint64_t epoch_ = 0;
  RecentHashes submitted_hashes_;
  Allowance allowance_;

  // Of one connection.
  bool connected_ = false;
  bool authorized_ = false;
  bool granted_ = false;
  bool refusal_told_ = false;
  base::MonoTime asked_at_{};
  std::chrono::seconds ask_again_{0};
  std::uint64_t ask_id_ = 0;                            // of the newest question after the first
  std::optional<std::uint64_t> extranonce_;             // of the next job
  std::optional<base::U256> target_;                    // of the next job
  std::optional<stratum::CoherenceNotify> newest_job_;  // waits for what it needs
  std::shared_ptr<const CoherenceWork> work_;
  std::deque<FoundProof> blocks_queued_;
  std::deque<FoundProof> queued_;  // proofs that are no blocks
  std::vector<Submitted> retries_;
  std::map<std::uint64_t, Submitted> unanswered_;  // by request id, so the oldest is first
};

}  // namespace miner
