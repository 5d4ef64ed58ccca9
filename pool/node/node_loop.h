// NodeLoop: the thread that speaks with the nodes. It brings tips and templates to JobSource, takes
// its jobs to every shard, and sees found blocks through to their outcome.
//
// Several nodes may be configured, in order of preference. Templates come from one of them at a
// time: the first that is up and not behind the others. When it fails the next takes over, and
// miners keep the job they have meanwhile; a node that is preferred and back gets its turn again
// after it has been well for a while. Found blocks go to all of them.
//
// Thread: run() is the node thread. mailbox() may be posted to from any thread, before run() too.
//         Hooks are called from the node thread only, and must not block.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/address.h"
#include "common/uv/lag_probe.h"
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/config/config.h"
#include "pool/core/height_notes.h"
#include "pool/core/job_source.h"
#include "pool/core/node_choice.h"
#include "pool/core/stats.h"
#include "pool/core/tip_race.h"
#include "pool/messages.h"
#include "pool/node/node_check.h"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

class BlockSubmitter;
class BlockVault;
class ChainWatch;
class NodeJournal;
class NodeLink;
class ProposalCheck;

class NodeLoop final : private NodeHost {
 public:
  // How the loop reaches other threads.
  struct Hooks {
    std::function<void(NewJob)> publish;  // to every shard
    std::function<void(ShardIndex, BlockVaulted)> block_vaulted;
    std::function<void(NoWork)> no_work;         // to every shard
    std::function<bool(JournalAppend)> journal;  // outcomes, on reserved space; false: not now
    std::function<void(NodeStatus)> status;      // to http; the newest replaces
    // To the coherence loop, as the first work on it is published; empty: there is none.
    std::function<void(BitcoinTip)> bitcoin_tip = {};
  };
  struct Options {
    std::vector<NodeConfig> nodes;  // at least one, in order of preference
    bitcoin::Network network = bitcoin::Network::mainnet;
    JobSourceOptions job_source;
    std::string data_dir;
    std::chrono::seconds expire{120};     // see templates.expire_seconds in the config
    std::chrono::seconds reconnect{600};  // templates.reconnect_seconds; zero: never
    NodeChoiceOptions choice;
    std::optional<PayoutSchemeRecord> scheme;  // noted at the start; its time is set then
  };

  NodeLoop(Options options, Hooks hooks);
  ~NodeLoop();
  NodeLoop(const NodeLoop&) = delete;
  NodeLoop& operator=(const NodeLoop&) = delete;

  // Until a Shutdown message. Submissions that are under way, and the journal's word on their
  // outcomes, are waited for within limits::node_shutdown_deadline.
  void run();
  uv::Mailbox<NodeMessage>& mailbox() { return *mailbox_; }

 private:
  // NodeHost
  void request_template() override;
  void request_header(const bitcoin::BlockHash& hash) override;
  void publish(std::shared_ptr<const mining::Job> job, std::chrono::milliseconds spread) override;

  void make_links();
  void take_up_vault();
  void on_message(NodeMessage&& message);
  void on_tick();
  void on_link_state(std::size_t index);
  void report_health(std::size_t index, base::Instant now);
  bool is_in_use(const NodeLink& link) const;
  NodeSummary summary(std::size_t index) const;
  void on_tip(NodeLink& link, const TipNews& news);
  void on_header(NodeLink& link, const TipNews& news);
  void tell_bitcoin_tip(const mining::Job& job);
  void remember_found(const FoundBlock& found);
  TipNews with_own_header(TipNews news) const;
  void on_template(NodeLink& link, mining::BlockTemplate block_template, TemplateOrigin origin);
  void on_template_failed(NodeLink& link);
  void choose_node(base::Instant now);
  void watch_chain_of(NodeLink& link, base::Instant now);
  void refuse_expired(base::Instant now);
  void look_for_work(base::Instant now);
  void leave_refusing_node(base::Instant now);
  void log_refusal();
  void report_status();
  void begin_stop();
  void end_stop_if_settled(base::Instant now);

  const Options options_;
  const Hooks hooks_;
  uv::Loop loop_;
  LoopHealth health_;
  uv::LagProbe lag_;
  std::unique_ptr<uv::Mailbox<NodeMessage>> mailbox_;
  JobSource source_;
  HeightNotes heights_;
  TipRace tip_race_;
  std::optional<bitcoin::BlockHash> tip_told_;  // by hooks_.bitcoin_tip
  std::deque<TipNews> found_;  // the newest blocks of our own, which may become tips
  std::unique_ptr<NodeJournal> journal_;
  std::unique_ptr<BlockVault> vault_;
  std::unique_ptr<ChainWatch> chain_watch_;
  std::vector<std::unique_ptr<NodeLink>> links_;
  std::vector<std::unique_ptr<ProposalCheck>> proposals_;  // one a link
  std::unique_ptr<BlockSubmitter> submitter_;
  std::unique_ptr<uv::Timer> ticker_;

  NodeChoice choice_;
  std::vector<bool> was_up_;
  base::MonoTime template_at_{};  // when the node in use last gave one, or came into use
  base::MonoTime usable_at_{};    // when any node last gave one
  base::MonoTime work_at_{};      // when there last was a node that is well, and a fresh template
  bool work_expired_ = false;
  bool no_work_told_ = false;
  std::string logged_refusal_;
  NodeStatus reported_;
  base::MonoTime reported_at_{};
  std::int64_t template_time_us_ = 0;
  std::optional<base::MonoTime> stop_by_;  // set: stopping
};

}  // namespace pool
