// Session: one miner's Stratum V1 conversation, sans IO. Bytes and time come in; lines, blocks and
// journal records go out through the shard's context.
//
//   session.cpp        bytes, time, the end, the small methods
//   session_login.cpp  subscribe, configure, authorize; coming back, also to another shard
//   session_work.cpp   jobs, difficulty, extranonce1: what the miner is told to do
//   session_share.cpp  submits and their verdicts
//   session_coherence.cpp  the second kind of work, for those that asked for it
//
// Order of sending (docs/stratum.md): each request is answered in arrival order; after the result
// of mining.authorize come set_version_mask (if negotiated), exactly one set_difficulty, and the
// first notify with clean_jobs true. A later set_difficulty goes out immediately before a notify.
// A miner sees no job id twice.
//
// A submit is judged in this order: can it be hashed at all; is it a block (then it is on its way
// to the node before anything else happens); only then the reasons to refuse it. An accepted
// share's "true" waits in PendingReplies until the share is on disk.
//
// Memory: bounded by limits.h; about 1 KiB for a miner with one worker.
// Thread: the shard's.
#pragma once

#include "common/base/time.h"
#include "common/mining/share_check.h"
#include "common/stratum/client_to_server.h"
#include "common/stratum/line_buffer.h"
#include "common/stratum/reject.h"
#include "pool/core/coherence_book.h"
#include "pool/core/difficulty_control.h"
#include "pool/core/extranonce.h"
#include "pool/core/live_worker.h"
#include "pool/core/shard_context.h"
#include "pool/core/token_bucket.h"
#include "pool/core/version_masks.h"
#include "pool/core/worker_book.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

struct CoherenceSide;

class Session {
 public:
  Session(ConnectionId id, Peer peer, ShardContext& shard, base::Instant now);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void on_bytes(base::ByteSpan bytes, base::Instant now);
  void on_new_job(const mining::Job& job, bool clean, base::Instant now);
  void on_coherence_job(const CoherenceBook::Entry& entry, bool clean, base::Instant now);
  // The replay of a proof of this connection's was the same; or it was not, and that is the end.
  void on_true_proof(const PendingProof& proof, base::Instant now);
  void on_false_proof(const PendingProof& proof, coherence::Flaw flaw, base::Instant now);
  // A proof of this connection's has its answer, or its connection none to give.
  void on_proof_answered();
  // About once a second: deadlines, tokens, vardiff's idle miners, notifies that had to wait.
  void on_tick(base::Instant now);
  // The connection is over: what is worth keeping for the next one goes to the shard.
  void on_disconnect(base::Instant now);
  // What arrived from another shard: the conversation goes on from there.
  void take_over(HandOver state, base::Instant now);
  // The pool's instance number changed: the miner gets an extranonce1 that begins with it, or, if
  // its firmware can't change it, is asked to reconnect.
  void change_instance(std::uint8_t instance, base::Instant now);
  // The pool goes away: asks the miner to come back.
  void ask_to_reconnect();
  void close(CloseReason why);
  // One of the answers that waited in PendingReplies is on its way.
  void on_answered() { --answers_waiting_; }

  ConnectionId id() const { return id_; }
  const Peer& peer() const { return peer_; }
  bool is_mining() const { return mining_; }
  bool mines_as(const WorkerName& worker) const;        // no name: any of the address
  mining::JobId last_job() const { return last_job_; }  // that the miner was told; 0: none yet
  std::int64_t connected_us() const { return connected_us_; }  // since 1970
  // What it calls itself, its difficulty and kinds of work.
  void describe(LiveWorker& worker) const;

 private:
  using Id = stratum::RequestId;

  bool on_line(std::string_view line, base::Instant now);  // false: no more lines
  void on_message(const Id& id, const stratum::Subscribe& m, base::Instant now);
  void on_message(const Id& id, const stratum::Authorize& m, base::Instant now);
  void on_message(const Id& id, const stratum::Configure& m, base::Instant now);
  void on_message(const Id& id, const stratum::SuggestDifficulty& m, base::Instant now);
  void on_message(const Id& id, const stratum::SuggestTarget& m, base::Instant now);
  void on_message(const Id& id, const stratum::ExtranonceSubscribe& m, base::Instant now);
  void on_message(const Id& id, const stratum::Submit& m, base::Instant now);
  void on_message(const Id& id, const stratum::CoherenceSubmit& m, base::Instant now);
  void on_message(const Id& id, const stratum::Ping& m, base::Instant now);
  void on_message(const Id& id, const stratum::GetTransactions& m, base::Instant now);
  void on_message(const Id& id, const stratum::Capabilities& m, base::Instant now);
  void on_message(const Id& id, const stratum::Response& m, base::Instant now);
  void on_message(const Id& id, const stratum::UnknownMethod& m, base::Instant now);
  void on_message(const Id& id, const stratum::Malformed& m, base::Instant now);

  // A submit, and what has become known of it so far.
  struct Judged {
    const stratum::Submit& submit;
    const WorkerName* worker = nullptr;  // null: not authorized here
    const JobBook::Entry* entry = nullptr;
    const DifficultyHistory::Entry* difficulty = nullptr;
    std::uint32_t version_mask = 0;
    base::ByteSpan extranonce1{};
    base::ByteSpan extranonce2{};
    mining::ShareVerdict verdict{};
  };

  // Likewise of coherence work.
  struct ProofJudged {
    const stratum::CoherenceSubmit& submit;
    const WorkerName* worker = nullptr;  // null: not authorized here
    CoherenceBook::Entry* entry = nullptr;
    const DifficultyHistory::Entry* difficulty = nullptr;
    base::U256 target{};
    std::optional<crypto::Digest> work_hash{};
    std::string detail{};  // for the miner, beside the reason
  };

  // --- login
  bool get_extranonce1(std::string_view session_id, base::Instant now);
  bool belongs_elsewhere(const stratum::Subscribe& m) const;
  void prepare_hand_over(const Id& id, const stratum::Subscribe& m);
  void know_user_agent(std::string_view user_agent);
  bool add_worker(const Id& id, const stratum::Authorize& m);
  bool grant_version_rolling(const stratum::Configure& m);
  void set_minimum(double difficulty);
  std::shared_ptr<const mining::Job> first_job(base::Instant now);
  void begin_mining(base::Instant now);
  void remember_difficulty(const DifficultyControl& control, const std::string& key,
                           base::Instant now);

  // --- work
  void send_job(const mining::Job& job, bool clean, base::Instant now);
  // A notify for this miner alone, if it may have one now; else as soon as it may.
  void renotify(base::Instant now);
  void suggest(double difficulty, base::Instant now);
  bitcoin::Difficulty network_difficulty() const;
  const Extranonce1& extranonce1_for(mining::JobId job) const;
  bool take_instance(std::uint8_t instance);  // true: the miner was told another extranonce1

  // --- shares
  std::optional<stratum::RejectReason> examine(Judged& share, base::Instant now);
  void submit_candidate(Judged& share, base::Instant now);
  void accept(const Id& id, const Judged& share, base::Instant now);
  void refuse(const Id& id, const Judged& share, stratum::RejectReason reason,
              std::string_view detail, base::Instant now);
  void keep_reject(const Judged& share, stratum::RejectReason reason, std::string_view detail,
                   base::Instant now);
  void keep_reject(RejectedSubmit kept, const WorkerName& worker, base::Instant now);
  void note_accepted(const WorkerName& worker, base::Instant now);
  void after_refusal(stratum::RejectReason reason, base::Instant now);

  // --- coherence work
  bool grant_coherence(std::optional<std::uint32_t> version, bool only, base::Instant now);
  void regrant_coherence(bool only, base::Instant now);
  void give_coherence(bool only, base::Instant now);
  void drop_coherence();
  void begin_coherence(base::Instant now);
  bool wants_sha256() const;
  std::string coherence_key() const;  // in the memory of difficulties
  void send_coherence_job(const CoherenceBook::Entry& entry, bool clean, base::Instant now);
  void tick_coherence(base::Instant now);
  std::optional<stratum::RejectReason> examine(ProofJudged& proof, base::Instant now);
  std::optional<stratum::RejectReason> judge_hash(ProofJudged& proof);
  bool send_to_verifier(const Id& id, const ProofJudged& proof, base::Instant now);
  void refuse(const Id& id, const ProofJudged& proof, stratum::RejectReason reason,
              std::string_view detail, base::Instant now);

  void reject(const Id& id, stratum::RejectReason reason, std::string_view detail = {});
  void reply(const Id& id, std::string_view line);
  void spend_token(base::Instant now);
  void check_deadlines(base::Instant now);
  void help_stuck_miner(base::Instant now);
  void ask_who_it_is(base::Instant now);

  const ConnectionId id_;
  const Peer peer_;
  ShardContext& shard_;
  const base::MonoTime connected_at_;
  const std::int64_t connected_us_;
  stratum::LineBuffer lines_;
  WorkerBook workers_;
  std::string user_agent_;
  std::string_view kind_;  // of miner: the prefix of its user agent's rule
  std::string miner_key_;  // in the memory of difficulties: the first worker, and its kind
  DifficultyControl difficulty_;
  VersionMasks masks_;
  TokenBucket line_tokens_;
  base::MonoTime last_accepted_at_{};
  base::MonoTime renotify_at_{};              // not before
  std::unique_ptr<CoherenceSide> coherence_;  // for who asked for it
  std::unique_ptr<HandOver> moving_;  // to another shard, when this turn's bytes are looked at
  std::optional<double> minimum_difficulty_;       // as configured
  std::optional<double> suggested_difficulty_;     // likewise
  std::optional<base::MonoTime> only_rejects_at_;  // the first since the last accepted share
  mining::JobId last_job_{0};                      // the newest that was sent
  mining::JobId worked_until_{0};       // with this extranonce1, on an earlier connection
  mining::JobId extranonce1_since_{0};  // jobs after this one are hashed with extranonce1_
  Extranonce1 extranonce1_{};
  Extranonce1 extranonce1_before_{};
  std::uint32_t answers_waiting_ = 0;    // in PendingReplies
  std::uint8_t tier_ = 0;                // of the coinbase
  std::uint8_t only_rejects_steps_ = 0;  // taken against it
  std::uint8_t bad_lines_ = 0;
  std::uint8_t bad_authorizes_ = 0;
  std::uint8_t unauthorized_submits_ = 0;
  bool version_rolling_ = false;
  bool subscribed_ = false;
  bool mining_ = false;  // subscribed and authorized
  bool takes_set_extranonce_ = false;
  bool early_difficulty_ = false;  // wanted right after subscribe
  bool renotify_due_ = false;
  bool renotify_clean_ = false;  // with clean_jobs true
  bool asked_version_ = false;
  bool paused_ = false;
  bool closing_ = false;
  bool handed_over_ = false;
};

}  // namespace pool
