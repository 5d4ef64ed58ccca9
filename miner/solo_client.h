// SoloClient: mining without a pool. A node's templates become work, what is found becomes blocks.
// Pure: templates, answers and time come in, verbs go out through SoloHost.
//
// The share target is the network's, so that a share is a block. Once one is on its way nothing
// more is wanted on the same tip; when the node has it, nothing more is to be found there. Blocks
// that could not be handed over, since the node is away, wait and are handed over when it is back,
// also when the chain has gone on: it is for the node to say what they are worth.
//
// Money: the whole of the template's coinbase value goes to one script.
// Thread: the loop's. Calls no host verb but from inside its own functions.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/mining/job.h"
#include "miner/client_event.h"
#include "miner/miner_client.h"
#include "miner/work.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace miner {

struct SoloBlock {
  std::uint64_t id = 0;  // of this client's blocks
  bitcoin::BlockHash hash;
  bitcoin::BlockHash prev_hash;
  std::uint32_t height = 0;
  std::string hex;
  bool of_earlier_run = false;
};

struct SoloAnswer {
  enum class Kind {
    accepted,  // also: the node has it already
    refused,
    unanswered,  // the node is away: the block is handed over again
  };
  Kind kind = Kind::unanswered;
  std::string reason;  // of all but accepted
};

class SoloHost {
 public:
  virtual void set_solo_work(std::shared_ptr<const Work> work) = 0;
  virtual void report_solo(const ClientEvent& event) = 0;
  // Hand this block to the node; the answer comes as on_answer().
  virtual void submit_block(const SoloBlock& block) = 0;
  // A new template is wanted now; it comes as on_template().
  virtual void request_template() = 0;

 protected:
  ~SoloHost() = default;
};

struct SoloClientOptions {
  base::Bytes payout_script;
  std::string coinbase_tag;
  std::uint32_t version_mask = 0x1fffe000;  // BIP320's; 0: versions are not rolled
  bool dry_run = false;                     // the node judges blocks, and does not get them
  // Makes this miner's coinbases unlike those of another with the same address.
  std::uint64_t seed = 0;
};

class SoloClient {
 public:
  static constexpr std::size_t blocks_open_max = 8;
  static constexpr std::size_t blocks_resumed_max = 4;

  SoloClient(SoloClientOptions options, SoloHost& host);

  // The error says why the template can't be mined, and what was mined before goes on.
  [[nodiscard]] base::Result<void, std::string> on_template(mining::BlockTemplate block_template);
  void on_share(FoundShare share);
  // A block that an earlier run could not hand over. It is handed over once: whatever the answer,
  // it is no longer this client's then. `is_told`: that it has to wait, after another attempt.
  // REQUIRES: may_resume().
  void resume(SoloBlock block, bool is_told);
  // There has to be room for new ones.
  bool may_resume() const { return open_.size() < blocks_resumed_max; }
  // `id`: of a block that was handed over and not answered since.
  void on_answer(std::uint64_t id, const SoloAnswer& answer, base::MonoTime now);
  // Call it a few times a second: blocks that are to be handed over again.
  void on_tick(base::MonoTime now);
  // The node has been silent for too long: what would be found is no longer worth it.
  void suspend();
  // At the end: what is still open counts as lost.
  void end();

  // Of the last template; zero before.
  const bitcoin::BlockHash& tip() const { return tip_; }
  const std::shared_ptr<const Work>& work() const { return work_; }
  const ClientCounters& counters() const { return counters_; }
  Appetite appetite() const;
  std::size_t open_blocks() const { return open_.size(); }
  bool awaits_answers() const;

 private:
  struct Open {
    SoloBlock block;
    std::shared_ptr<const FoundShare> share;  // null: of an earlier run
    bool is_asked = false;
    bool is_told = false;  // that it has to wait
    base::MonoTime ask_again_at{};
  };

  const mining::Job* find_job(std::string_view job_id) const;
  std::shared_ptr<const Work> make_work(const mining::Job& job);
  bool is_open_on(const bitcoin::BlockHash& tip) const;
  void hand_over(Open& open);
  void on_accepted(const Open& open, base::MonoTime now);
  void on_refused(const Open& open, std::string_view reason, base::MonoTime now);
  void rest(base::MonoTime until);

  const SoloClientOptions options_;
  SoloHost& host_;
  ClientCounters counters_;
  std::uint64_t next_job_ = 1;
  std::uint64_t next_block_ = 1;
  bitcoin::BlockHash tip_;
  std::deque<std::shared_ptr<const mining::Job>> jobs_;  // the latest last
  std::shared_ptr<const Work> work_;
  std::deque<Open> open_;
  bitcoin::BlockHash settled_;  // the tip on which the node has a block of ours
  // After a refusal, or a dry run's success: nothing is wanted until then.
  base::MonoTime resting_until_{};
  bool resting_ = false;
  std::chrono::seconds rest_next_{1};
};

// The bytes of the block that a share of this job is. REQUIRES: the share was found for the job.
base::Bytes solo_block_bytes(const mining::Job& job, const FoundShare& share);

}  // namespace miner
