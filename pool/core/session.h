// Session: one miner's Stratum V1 conversation, sans IO. Bytes and time come in; lines, blocks and
// journal records go out through the shard's context.
//
// Order of sending (docs/stratum.md): each request is answered in arrival order; after the result
// of mining.authorize come set_version_mask (if negotiated), exactly one set_difficulty, and the
// first notify with clean_jobs true. A later set_difficulty goes out immediately before a notify.
//
// A submit is judged in this order: can it be hashed at all; is it a block (then it is on its way
// to the node before anything else happens); only then the reasons to refuse it. An accepted
// share's "true" waits in PendingReplies until the share is on disk.
//
// Thread: the shard's.
#pragma once

#include "common/base/time.h"
#include "common/mining/share_check.h"
#include "common/stratum/client_to_server.h"
#include "common/stratum/line_buffer.h"
#include "common/stratum/reject.h"
#include "pool/core/difficulty_history.h"
#include "pool/core/extranonce.h"
#include "pool/core/shard_context.h"
#include "pool/core/vardiff.h"

#include <optional>
#include <string>
#include <vector>

namespace pool {

class Session {
 public:
  Session(ConnectionId id, Peer peer, Extranonce1 extranonce1, ShardContext& shard,
          base::Instant now);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void on_bytes(base::ByteSpan bytes, base::Instant now);
  void on_new_job(const mining::Job& job, bool clean, base::Instant now);
  // About once a second: deadlines of the handshake and of idleness.
  void on_tick(base::Instant now);
  void close(CloseReason why);

  const Extranonce1& extranonce1() const { return extranonce1_; }
  const Peer& peer() const { return peer_; }
  bool is_mining() const { return mining_; }

 private:
  struct Worker {
    std::string username;  // as authorized, as submits name it
    std::string address;   // canonical
    std::string name;      // after the first '.'
  };

  bool on_line(std::string_view line, base::Instant now);  // false: closing
  void on_message(const stratum::RequestId& id, const stratum::Subscribe& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::Authorize& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::Configure& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::SuggestDifficulty& m,
                  base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::SuggestTarget& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::ExtranonceSubscribe& m,
                  base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::Submit& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::Ping& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::GetTransactions& m,
                  base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::Capabilities& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::Response& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::UnknownMethod& m, base::Instant now);
  void on_message(const stratum::RequestId& id, const stratum::Malformed& m, base::Instant now);

  // What a submit brought, once it can be hashed.
  struct Judged {
    const std::shared_ptr<const mining::Job>& job;
    const Worker* worker;  // null: not authorized here
    base::ByteSpan extranonce2;
    const mining::ShareVerdict& verdict;
    const DifficultyHistory::Entry& difficulty;
    bool new_candidate = false;  // a block that is now on its way to the node
  };

  void begin_mining(base::Instant now);
  void send_job(const mining::Job& job, bool clean, base::Instant now);
  void suggest(double suggested);
  void raise_floor(bitcoin::Difficulty difficulty);
  bitcoin::Difficulty bounded(bitcoin::Difficulty difficulty, const mining::Job* job) const;
  VardiffOptions vardiff_options(const mining::Job* job) const;
  // False when this block was submitted before.
  bool submit_candidate(const Judged& share, base::Instant now);
  void accept(const stratum::RequestId& id, const Judged& share, base::Instant now);
  void reject(const stratum::RequestId& id, stratum::RejectReason reason,
              std::string_view detail = {});
  void reply(const stratum::RequestId& id, std::string_view line);
  const Worker* find_worker(const std::string& username) const;

  const ConnectionId id_;
  const Peer peer_;
  const Extranonce1 extranonce1_;
  ShardContext& shard_;
  const base::MonoTime connected_at_;
  stratum::LineBuffer lines_;
  std::vector<Worker> workers_;
  DifficultyHistory difficulties_;
  bitcoin::Difficulty next_difficulty_;   // announced with the next notify if it differs
  bitcoin::Difficulty difficulty_floor_;  // the pool's, or higher at the miner's wish
  std::optional<double> last_suggestion_;
  Vardiff vardiff_;
  base::MonoTime last_accepted_at_{};
  std::uint32_t version_mask_ = 0;  // every mask granted so far, united
  bool version_rolling_ = false;
  bool subscribed_ = false;
  bool mining_ = false;  // subscribed and authorized
  bool closing_ = false;
  std::uint32_t bad_lines_ = 0;
  std::uint32_t unauthorized_submits_ = 0;
};

}  // namespace pool
