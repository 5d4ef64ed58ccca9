// SoloSource: work from one's own node. Carries out what SoloClient asks for, on JSON-RPC.
//
// Three ways to hear of a new tip, whichever is first: a long-poll, a question for the best block
// every second, and the template that is asked for every half minute. Each has a connection of its
// own, and so have found blocks, which wait behind nothing, and those of earlier runs. A long-poll
// is never given up: bitcoind would not notice, and keep a thread for it.
//
// While the node is away mining goes on for two minutes, since a block that is found waits for it;
// a block is also kept in a file until the node has judged it, and handed over by the next run
// where this one could not: each of them, the newest first and few at once; what the node can't
// judge yet gives way to the others and is tried again after a growing pause.
//
// Thread: the loop's.
// Errors: told once when they begin, and at each further attempt to reach the node.
#pragma once

#include "common/base/random.h"
#include "common/bitcoin/address.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/loop.h"
#include "miner/backoff.h"
#include "miner/kept_blocks.h"
#include "miner/options.h"
#include "miner/solo_client.h"
#include "miner/work_source.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace miner {

struct SoloSourceSettings {
  SoloSettings solo;
  bool version_rolling = true;
  std::chrono::milliseconds retry_first{1000};
  std::chrono::milliseconds retry_most{30'000};
  std::int64_t retries = -1;  // failures in a row that may be; -1: any number
  std::uint64_t seed = 0;     // for the jitter and the coinbase
  std::string kept_blocks_folder = ".";
};

class SoloSource final : public WorkSource, private SoloHost {
 public:
  // `loop` and `host` outlive it.
  SoloSource(uv::Loop& loop, SoloSourceSettings settings, WorkSourceHost& host);
  ~SoloSource() override;
  SoloSource(const SoloSource&) = delete;
  SoloSource& operator=(const SoloSource&) = delete;

  void start() override { ask_chain(); }
  void on_share(FoundShare share, base::MonoTime now) override;
  void on_proof(FoundProof, base::MonoTime) override {}
  void on_tick(base::MonoTime now) override;
  Appetite appetite() const override;
  Appetite coherence_appetite() const override { return Appetite::nothing; }
  bool awaits_answers() const override { return client_ && client_->awaits_answers(); }
  void stop() override { stopping_ = true; }
  void end() override;
  void describe(Status& status) const override;
  bool is_resolving() const override { return !client_ && asking_; }

 private:
  // SoloHost
  void set_solo_work(std::shared_ptr<const Work> work) override;
  void report_solo(const ClientEvent& event) override { host_.report(event); }
  void submit_block(const SoloBlock& block) override;
  void request_template() override;

  struct KeptFile {
    std::string path;
    base::MonoTime not_before{};
    std::chrono::seconds pause{2};  // after the next answer that is none
    bool is_told = false;
  };

  void ask_chain();
  void on_chain(const rpc::RpcClient::Answer& answer);
  // False: said why, and gave up.
  bool make_client(bitcoin::Network network);
  void on_template(rpc::RpcClient::Answer answer);
  void long_poll();
  void on_long_poll(rpc::RpcClient::Answer answer, base::MonoTime asked_at);
  void ask_tip();
  void use_template(mining::BlockTemplate block_template);
  void on_submitted(const SoloBlock& block, const SoloAnswer& answer);
  void find_kept_blocks();
  void resume_kept_blocks(base::MonoTime now);
  void on_resumed(const SoloBlock& block, bool unanswered, base::MonoTime now);
  void keep_block(const SoloBlock& block);
  void retry_later(std::string_view why);
  std::string node_name() const;

  const SoloSourceSettings settings_;
  WorkSourceHost& host_;
  base::Random random_;
  Backoff backoff_;
  bitcoin::Network network_ = bitcoin::Network::mainnet;
  std::optional<SoloClient> client_;  // from when the node's chain is known
  std::int64_t failures_in_a_row_ = 0;
  bool stopping_ = false;
  bool ended_ = false;
  bool asking_ = false;     // the chain, or a template
  bool ask_again_ = false;  // a template was wanted meanwhile
  bool asking_tip_ = false;
  bool long_polling_ = false;
  std::string long_poll_id_;
  std::uint32_t quick_answers_ = 0;
  base::MonoTime long_poll_not_before_{};
  base::MonoTime template_at_{};  // of the last one
  base::MonoTime ask_tip_at_{};
  KeptBlocks kept_;
  std::deque<KeptFile> kept_files_;  // of earlier runs, to be handed over
  std::vector<KeptFile> resumed_;    // those that the node has not answered
  std::uint64_t kept_up_to_ = 0;     // ids of this run's blocks that are in a file, or can't be
  std::uint64_t told_up_to_ = 0;     // ids of this run's blocks of whose file was told

  uv::Timer retry_;
  rpc::RpcClient templates_;
  rpc::RpcClient long_polls_;
  rpc::RpcClient tips_;
  rpc::RpcClient blocks_;
  rpc::RpcClient resumed_blocks_;
};

}  // namespace miner
