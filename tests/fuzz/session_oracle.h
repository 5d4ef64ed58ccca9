// What must hold of every line that a shard sends to one miner, whatever the miner sent.
//
// ConnectionOracle hears both sides of one connection: the lines the miner sent, cut by a
// LineBuffer of its own, and the lines the pool sent, read by RapidJSON's tree. It knows no state
// of the session; only what was said.
#pragma once

#include "common/base/bytes.h"
#include "common/stratum/codec.h"
#include "common/stratum/line_buffer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fuzz {

// Why the shard is running: what may be said depends on it.
enum class Phase {
  other,    // bytes, ticks, jobs, connects
  settled,  // the journal or the vault has told of shares
};

using Hash = std::array<std::uint8_t, 32>;

// Every form in which anybody was told of a job, by its id.
using ToldJobs = std::map<std::string, std::vector<stratum::Notify>>;

// A job as the miner heard of it, and the extranonce1 that was its own then.
struct HeardJob {
  stratum::Notify notify;
  std::string extranonce1;
};

class ConnectionOracle {
 public:
  ConnectionOracle();

  // The shard is about to be given these bytes.
  void on_received(base::ByteSpan bytes);
  // A verifier has spoken: a proof may be told to be false.
  void on_verdict() { on_occasion(); }
  // Something happened for which the pool may speak unasked: a job, a tick, the connect.
  void on_occasion() { bytes_allowed_ += bytes_per_occasion; }
  void on_sent(std::string_view line, Phase phase);
  void on_close();
  // The shard has been given everything and has had its say: all requests are answered.
  void check_all_answered() const;

  bool closed() const { return closed_; }
  const std::deque<HeardJob>& jobs() const { return jobs_; }
  const std::string& extranonce1() const { return extranonce1_; }  // hex; empty before subscribe
  const std::set<double>& difficulties() const { return difficulties_; }
  // The submits that were answered "true" or as duplicates since the last call, in order.
  struct Verdict {
    stratum::Submit submit;
    bool accepted = false;
  };
  // The newest of coherence work; empty: none.
  const std::string& coherence_job() const { return coherence_job_; }
  std::optional<std::uint64_t> coherence_extranonce() const { return coherence_extranonce_; }
  const std::set<base::U256>& coherence_targets() const { return coherence_targets_; }
  std::vector<Verdict> take_verdicts() { return std::exchange(verdicts_, {}); }
  // What the header of a submit may hash to. Empty: nobody can say, see add_meant().
  std::vector<Hash> hashes_of(const stratum::Submit& submit, const ToldJobs& told) const;
  // The hashes of the headers that its submits come to. A job that it has not heard of it may know
  // from an earlier connection. False: nobody can say. It subscribed by a notification and so was
  // never told its extranonce1, or has had a third, of which the pool remembers two.
  bool add_meant(std::set<Hash>& hashes, const ToldJobs& told);

 private:
  static constexpr std::size_t bytes_per_occasion = 8 * 1024;

  struct Asked {
    std::string id;
    bool is_authorize = false;
    bool is_submit = false;
    bool is_proof = false;                  // answered when it is, and not in turn
    std::optional<stratum::Submit> submit;  // one that could be read
  };

  bool on_line(std::string_view line);
  void on_request(const stratum::ClientRequest& request);
  void on_answer(std::string_view line, const stratum::ServerResponse& answer, Phase phase);
  void on_submit_verdict(const stratum::Submit& submit, const stratum::ServerResponse& answer);
  void on_subscribe_result(const stratum::ServerResponse& answer, Phase phase);
  bool knows_extranonce1() const;
  void on_notification(std::string_view line, const stratum::ServerMessage& message);
  void on_set_difficulty(const stratum::SetDifficulty& set);
  void on_set_extranonce(const stratum::SetExtranonce& set);
  void on_notify(std::string_view line, const stratum::Notify& notify);
  bool on_coherence(const stratum::ServerMessage& message);
  Asked take_asked(const std::string& id);

  stratum::LineBuffer lines_;
  bool deaf_ = false;  // the miner sent a line that is too long: nothing after it counts
  bool closed_ = false;
  std::size_t bytes_allowed_ = bytes_per_occasion;
  std::size_t bytes_sent_ = 0;
  std::deque<Asked> asked_;  // and not answered yet, in order

  bool subscribe_unanswered_allowed_ = false;  // it came as a notification
  bool authorize_unanswered_allowed_ = false;
  bool subscribed_ = false;
  bool authorize_accepted_ = false;
  bool asked_for_version_rolling_ = false;
  bool asked_for_set_extranonce_ = false;
  bool asked_for_coherence_ = false;
  bool only_coherence_ = false;
  bool ids_collide_ = false;  // of a proof and something else: nobody can say what an answer is to

  bool difficulty_waits_for_notify_ = false;
  bool early_difficulty_ = false;
  std::string extranonce1_;
  std::size_t extranonce1_changes_ = 0;
  std::set<double> difficulties_;
  std::map<std::string, HeardJob> heard_;  // by job id, all of them
  std::set<std::string> works_;            // everything of a notify that enters the header
  std::deque<HeardJob> jobs_;              // the latest few
  std::vector<stratum::Submit> submits_;   // since the last add_meant(), or for unknown jobs
  std::vector<Verdict> verdicts_;
  std::optional<std::uint64_t> coherence_extranonce_;
  std::set<base::U256> coherence_targets_;
  bool target_waits_for_notify_ = false;
  std::string coherence_job_;
};

}  // namespace fuzz
