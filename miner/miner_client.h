// MinerClient: the client's Stratum conversation, sans IO. The mirror of the pool's Session.
//
// Bytes, time and found shares come in; verbs go out through MinerHost. On a new connection it
// sends configure and subscribe together, and authorize once subscribe is answered. Pools that do
// not know configure may refuse or ignore it. Work starts when subscribe and authorize are answered
// and a job has come.
//
// A new difficulty or extranonce applies from the next job on. A job on another tip is a clean job
// whatever its flag says.
//
// Shares wait in a bounded queue and go out while few enough are unanswered, so a pool that answers
// slowly, or a target that nearly every hash meets, costs neither memory nor traffic. Shares that
// meet the network target go first. Shares from before a clean job are not submitted at all.
//
// A connection that comes back asks the pool for its old session. Only if that is granted (the same
// extranonce1 again) and the tip is still the same, shares of the old connection go out: those that
// waited, and once more those that were not answered. Otherwise no hash is ever submitted twice,
// and no share outlives its connection.
//
// Of coherence work this class knows only when to hand what to its CoherenceClient.
//
// Thread: the loop's. Calls no host verb but from inside its own functions.
// Errors: what the pool does wrong ends the connection, with a reason that the host is told.
#pragma once

#include "common/base/time.h"
#include "common/stratum/line_buffer.h"
#include "common/stratum/server_to_client.h"
#include "miner/allowance.h"
#include "miner/client_event.h"
#include "miner/coherence_client.h"
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

namespace miner {

struct ClientOptions {
  std::uint32_t pool =
      0;             // its number among several: in each Work, so that shares find the way back
  std::string host;  // the pool's, as configured: client.reconnect may name it, and no other
  std::string username;
  std::string password = "x";
  std::string user_agent;
  std::uint32_t version_mask = 0x1fffe000;  // asked for with mining.configure
  std::size_t unanswered_max = 256;
  std::size_t queued_max = 256;
  double shares_per_second_max = 0;  // of each kind of work; 0: as many as the pool answers
  bool sha256d = true;
  bool coherence = false;
  bool version_rolling = true;          // ask for it
  bool redirect = true;                 // follow client.reconnect to another port of the same host
  double suggest_difficulty = 0;        // 0: the pool decides
  std::chrono::seconds ping_after{45};  // of silence: ask whether the pool is there
  std::chrono::seconds silence_timeout{90};
  std::chrono::seconds job_timeout{600};  // without a new job of any kind
  std::chrono::seconds handshake_timeout{30};
  std::chrono::seconds answer_timeout{120};  // to a share
  // How long shares of a connection that ended wait for its session to be resumed; 0: never.
  std::chrono::seconds resume_window{120};
};

class MinerHost {
 public:
  virtual ~MinerHost() = default;
  virtual void send(std::string_view line) = 0;
  // What to hash from here on; null: nothing.
  virtual void set_work(std::shared_ptr<const Work> work) = 0;
  virtual void set_coherence_work(std::shared_ptr<const CoherenceWork> work) = 0;
  // This connection is of no more use. Nothing further is sent on it; a new one may be opened after
  // `pause` at the earliest.
  virtual void disconnect(std::chrono::seconds pause) = 0;
  // The pool wants to be reached at another port of its host. disconnect() follows.
  virtual void redirect(std::uint16_t port) = 0;
  virtual void report(const ClientEvent& event) = 0;
};

struct ClientCounters {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t blocks_found = 0;     // submitted shares that met the network target
  std::uint64_t blocks_accepted = 0;  // of these, answered with true
  double difficulty_accepted = 0;
  double best_share = 0;  // the difficulty that the best submitted hash meets
  RejectReasons reject_reasons;
  std::uint64_t dropped_stale = 0;      // found or queued for a job that was over
  std::uint64_t dropped_full = 0;       // more than the queue holds
  std::uint64_t dropped_repeat = 0;     // the same hash again
  std::uint64_t unanswered_lost = 0;    // submitted, and the connection ended without an answer
  std::uint64_t resubmitted = 0;        // once more, over a session that was resumed
  std::uint64_t resubmitted_known = 0;  // of these, those that the pool had received before
  std::uint64_t jobs = 0;
  std::uint64_t lines_not_understood = 0;
};

class MinerClient final : private CoherenceHost {
 public:
  MinerClient(ClientOptions options, MinerHost& host);
  ~MinerClient() override = default;
  MinerClient(const MinerClient&) = delete;
  MinerClient& operator=(const MinerClient&) = delete;

  void on_connected(base::MonoTime now);
  void on_disconnected();
  // There will be no further connection: what waits for one is lost.
  void end();
  void on_bytes(base::ByteSpan bytes, base::MonoTime now);
  // Call it a few times a second: deadlines, and shares that had to wait.
  void on_tick(base::MonoTime now);
  void on_share(FoundShare share, base::MonoTime now);
  void on_proof(FoundProof proof, base::MonoTime now);

  const ClientCounters& counters() const { return counters_; }
  // Null where no coherence work is mined.
  const CoherenceClient* coherence() const { return coherence_ ? &*coherence_ : nullptr; }
  bool is_authorized() const { return authorized_; }
  // There is work of one kind at least.
  bool is_mining() const { return work_ || (coherence_ && coherence_->work()); }
  const std::shared_ptr<const Work>& work() const { return work_; }
  // The current job's; empty and 0 without one.
  std::string job_id() const { return work_ ? work_->notify.job_id : std::string(); }
  double difficulty() const { return work_ ? work_->difficulty.value() : 0; }
  // Those of a connection that may be resumed as well.
  std::size_t unanswered() const;
  bool awaits_answers() const {
    return !unanswered_.empty() || (coherence_ && coherence_->unanswered() > 0);
  }
  std::size_t queued() const { return blocks_queued_.size() + queued_.size(); }
  // What is worth sending here; the workers look before they verify and post.
  Appetite appetite() const;

 private:
  struct Submitted {
    std::shared_ptr<const FoundShare> share;
    base::MonoTime at;
    bool again = false;  // over a resumed session
  };
  struct Queued {
    FoundShare share;
    bool again = false;  // has been submitted before
  };

  // CoherenceHost
  std::uint64_t take_request_id() override { return next_id_++; }
  void send_coherence(std::string_view line) override { host_.send(line); }
  void set_coherence_work(std::shared_ptr<const CoherenceWork> work) override;
  void report_coherence(const ClientEvent& event) override { host_.report(event); }
  void give_up(std::string_view why, std::chrono::seconds pause) override { fail(why, pause); }

  // False once the connection is given up: the rest of the bytes is not looked at.
  bool on_line(std::string_view line);
  void on_message(const stratum::Notify& notify);
  void on_message(const stratum::SetDifficulty& message);
  void on_message(const stratum::SetVersionMask& message);
  void on_message(const stratum::SetExtranonce& message);
  void on_message(const stratum::CoherenceSetExtranonce& message);
  void on_message(const stratum::CoherenceSetTarget& message);
  void on_message(const stratum::CoherenceNotify& message);
  void on_message(const stratum::Reconnect& message);
  void on_message(const stratum::ShowMessage& message);
  void on_message(const stratum::GetVersion& message);
  void on_message(const stratum::ServerPing& message);
  void on_message(const stratum::ServerResponse& message);
  void on_message(const stratum::UnknownServerMethod& message);

  void on_configure_answer(const stratum::ServerResponse& answer);
  void on_subscribe_answer(const stratum::ServerResponse& answer);
  void on_authorize_answer(const stratum::ServerResponse& answer);
  void on_suggest_answer(const stratum::ServerResponse& answer);
  void on_submit_answer(const Submitted& submitted, const stratum::ServerResponse& answer);

  void log_in();
  void begin_session(stratum::SubscribeResult&& result);
  void ask_for_more();
  bool set_extranonce(base::Bytes extranonce1, std::uint32_t extranonce2_size);
  std::shared_ptr<const Work> make_work(const stratum::Notify& notify);
  void publish_work();
  bool fits_mask(const FoundShare& share) const;
  void flush(base::MonoTime now);
  void submit(Queued&& queued, base::MonoTime now);
  void drop_queued();
  void count_dropped(const Queued& queued);
  bool is_of_this_tip(const FoundShare& share) const;
  void keep_shares();
  void drop_kept();
  void resubmit_kept();
  void check_deadlines(base::MonoTime now);
  void warn_of_difficulty();
  void choose_words();
  void forget_connection();
  void fail(std::string_view why, std::chrono::seconds pause = std::chrono::seconds{0});

  const ClientOptions options_;
  MinerHost& host_;
  ClientCounters counters_;
  std::uint64_t next_id_ = 1;
  std::uint64_t epoch_ = 0;
  std::uint64_t last_search_id_;
  RecentHashes submitted_hashes_;
  Allowance allowance_;
  std::optional<CoherenceClient> coherence_;
  base::MonoTime now_{};  // of the last call that told

  // Of the session, which may outlive its connection.
  std::string session_id_;
  base::Bytes session_extranonce1_;
  std::uint32_t session_extranonce2_size_ = 0;
  std::deque<Queued> kept_;  // shares of the connection that ended
  base::MonoTime kept_since_{};
  bool bare_ = false;            // say no more than every pool must understand
  bool understood_all_ = false;  // has answered when it was asked for everything

  // Of one connection.
  bool connected_ = false;
  std::optional<stratum::LineBuffer> lines_;
  base::MonoTime connected_at_{};
  base::MonoTime heard_at_{};
  base::MonoTime job_at_{};
  base::MonoTime pinged_at_{};
  bool heard_anything_ = false;
  std::uint64_t configure_id_ = 0;
  std::uint64_t subscribe_id_ = 0;
  std::uint64_t authorize_id_ = 0;
  std::uint64_t suggest_id_ = 0;
  bool resumes_ = false;  // asked for its old session, and got it
  bool authorized_ = false;
  bool subscribed_ = false;
  std::optional<std::uint32_t> version_mask_;
  base::Bytes extranonce1_;
  std::uint32_t extranonce2_size_ = 0;
  bitcoin::Difficulty difficulty_;               // of the next job
  bool difficulty_told_ = false;                 // that it is absurd
  std::optional<stratum::Notify> early_notify_;  // came before the answers it needs
  std::shared_ptr<const Work> work_;
  std::deque<Queued> blocks_queued_;
  std::deque<Queued> queued_;
  std::map<std::uint64_t, Submitted> unanswered_;  // by request id, so the oldest is first
  std::uint32_t bad_lines_ = 0;
};

}  // namespace miner
