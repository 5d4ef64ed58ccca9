// DifficultyControl: one connection's difficulty: what is wanted, what was announced, what a share
// must meet.
//
// Who decides where it starts, the first of these that spoke: the password (d=, fd=, th=),
// mining.suggest_difficulty, the worker's last connection, the user agent's rule, the port. From
// then on vardiff moves it, unless the password fixed it or the port has no vardiff.
// Bounds: the port's floor wins over everything. The ceiling is the port's, the rule's and the
// network's (miners keep to themselves what is easier than announced, so a share harder than a
// block would hide blocks). Floors that the miner or the rule ask for stay below the ceiling; but
// where the network's difficulty is below 1, what a miner asks for goes over it.
//
// A change goes out immediately before a notify, never twice before the same one (some firmware
// moves the second to a later job). So the caller asks announce() before every notify and sends
// what it returns; on_suggestion() and retarget() only say when the next notify should be.
//
// Memory: 240 bytes, and 80 more for each of the last changes (DifficultyHistory), at most 4.
// Thread: pure; time is an argument.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/target.h"
#include "common/mining/job.h"
#include "pool/core/difficulty_history.h"
#include "pool/core/password_options.h"
#include "pool/core/user_agents.h"
#include "pool/core/vardiff_law.h"

#include <cstdint>
#include <optional>

namespace pool {

// A port's, from the configuration.
struct DifficultyPolicy {
  bitcoin::Difficulty start;
  bitcoin::Difficulty min;
  std::optional<bitcoin::Difficulty> max;  // REQUIRES: min <= max
  bool vardiff = true;
  double shares_per_minute = 6;
  bool power_of_two = true;
};

class DifficultyControl {
 public:
  using Difficulty = bitcoin::Difficulty;
  // When the caller should send a notify with the announcement: with the next one that is due, or
  // one made for it.
  enum class Urgency : std::uint8_t { none, next_notify, now };

  // REQUIRES: `policy` outlives this.
  DifficultyControl(const DifficultyPolicy& policy, base::MonoTime now);

  void on_user_agent(const UserAgentRule& rule);
  // This worker's difficulty on an earlier connection (DifficultyMemory).
  void on_remembered(Difficulty last);
  void on_password(const PasswordOptions& options);
  // configure's minimum-difficulty; what is no number above zero takes the wish back.
  void on_minimum(double value);
  // From suggest_difficulty or suggest_target, before or after the first job. True: the difficulty
  // wanted changed, so announce it with a notify soon. False: nothing to do (0, NaN, the same
  // again, the password decides), or so soon after the last change that the next notify will do.
  bool on_suggestion(double value, Difficulty network, base::MonoTime now);

  // An accepted share. `share_difficulty`: what its hash met, bitcoin::hash_difficulty().
  void on_share(double share_difficulty, base::MonoTime now);
  // Whether a notify is needed: ask at a tick of about a second, and after an accepted share. `now`
  // is also returned, once, a few seconds after a steep raise, with nothing to announce: the first
  // job after a change counts at the lower difficulty, and another job ends that.
  Urgency retarget(Difficulty network, base::MonoTime now);
  // What to send immediately before the notify of `job`, if anything. From then on it is in force.
  // Vardiff has its say here, so call it before every notify.
  // `network`: bitcoin::hardest_share(job.network_target()). REQUIRES: job ids rise.
  std::optional<Difficulty> announce(mining::JobId job, Difficulty network, base::MonoTime now);
  // For clients that must hear of it before authorize (UserAgentRule::difficulty_at_subscribe). The
  // first announce() says it again, with the value that is right by then.
  Difficulty announce_early(Difficulty network);

  bool announced() const { return !history_.empty(); }
  // REQUIRES: announced(), and so whoever judges a share.
  const DifficultyHistory& history() const { return history_; }
  // What announce() would put in force.
  Difficulty wanted(Difficulty network) const;
  // What is worth handing to on_remembered() later: only what shares have proven.
  std::optional<Difficulty> proven() const;

 private:
  // By rising precedence.
  enum class Source : std::uint8_t { port, user_agent, remembered, suggestion, password };

  struct Bounds {
    double least;
    double most;
  };

  Bounds bounds(Difficulty network) const;
  void start_at(Difficulty difficulty, Source source);
  void follow(VardiffLaw::Advice advice, Difficulty network);
  VardiffAim aim() const;
  bool adapts() const { return policy_->vardiff && !fixed_; }

  const DifficultyPolicy* policy_;
  DifficultyHistory history_;
  VardiffLaw law_;
  double wanted_;               // before bounds
  double last_suggestion_ = 0;  // as received
  // Floors asked for; 0: none.
  double rule_min_ = 0;
  double start_min_ = 0;  // by the password's d= or the suggestion, whoever decided the start
  double password_min_ = 0;
  double configured_min_ = 0;
  double rule_max_ = Difficulty::most;
  std::optional<Difficulty> early_;
  std::optional<base::MonoTime> changed_at_;
  std::optional<base::MonoTime> steep_until_;
  Source source_ = Source::port;
  bool fixed_ = false;
};

}  // namespace pool
