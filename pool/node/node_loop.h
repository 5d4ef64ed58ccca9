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
#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "pool/config/config.h"
#include "pool/core/job_source.h"
#include "pool/core/stats.h"
#include "pool/messages.h"
#include "pool/node/node_check.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

class BlockSubmitter;
class BlockVault;
class NodeJournal;
class NodeLink;

class NodeLoop final : private NodeHost {
 public:
  // How the loop reaches other threads.
  struct Hooks {
    std::function<void(NewJob)> publish;  // to every shard
    std::function<void(ShardIndex, BlockVaulted)> block_vaulted;
    std::function<bool(JournalAppend)> journal;  // outcomes, on reserved space; false: not now
    std::function<void(NodeStatus)> status;      // to http; the newest replaces
  };
  struct Options {
    std::vector<NodeConfig> nodes;  // at least one, in order of preference
    bitcoin::Network network = bitcoin::Network::mainnet;
    JobSourceOptions job_source;
    std::string data_dir;
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
  void publish(std::shared_ptr<const mining::Job> job) override;

  void make_links();
  void take_up_vault();
  void on_message(NodeMessage&& message);
  void on_tick();
  void on_link_state(NodeLink& link);
  void on_tip(NodeLink& link, const TipNews& news);
  void on_template(NodeLink& link, mining::BlockTemplate block_template, TemplateOrigin origin);
  void on_template_failed(NodeLink& link);
  void choose_node(base::Instant now);
  bool is_usable(const NodeLink& link, std::size_t index, base::Instant now) const;
  std::optional<std::size_t> best_node(base::Instant now) const;
  void use_node(std::size_t index, base::Instant now);
  void log_refusal();
  void report_status();
  void begin_stop();
  void end_stop_if_settled(base::Instant now);

  const Options options_;
  const Hooks hooks_;
  uv::Loop loop_;
  std::unique_ptr<uv::Mailbox<NodeMessage>> mailbox_;
  JobSource source_;
  std::unique_ptr<NodeJournal> journal_;
  std::unique_ptr<BlockVault> vault_;
  std::vector<std::unique_ptr<NodeLink>> links_;
  std::unique_ptr<BlockSubmitter> submitter_;
  std::unique_ptr<uv::Timer> ticker_;

  std::optional<std::size_t> in_use_;
  std::vector<base::MonoTime> refused_until_;  // a node that is up but gives no template
  base::MonoTime started_at_{};
  base::MonoTime behind_since_{};  // the node in use is behind another; zero: it is not
  std::string logged_refusal_;
  NodeStatus reported_;
  base::MonoTime reported_at_{};
  std::int64_t template_time_us_ = 0;
  std::optional<base::MonoTime> stop_by_;  // set: stopping
};

}  // namespace pool
