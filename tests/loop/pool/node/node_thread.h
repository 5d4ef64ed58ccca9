// NodeThread: a NodeLoop on a thread of its own, and what it tells the others, gathered on the
// test's loop through mailboxes, as the pool's other threads would.
#pragma once

#include "common/uv/mailbox.h"
#include "pool/node/node_loop.h"
#include "tests/loop/pool/node/journalled.h"
#include "tests/loop/pool/node/waiting.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

namespace pool::test {

class NodeThread {
 public:
  struct Vaulted {
    ShardIndex shard;
    BlockVaulted what;
  };
  struct Setting {
    std::vector<NodeConfig> nodes;
    std::string data_dir;
    base::Bytes payout_script{0x51};
    std::chrono::seconds expire{120};
    std::chrono::seconds reconnect{600};
    NodeChoiceOptions choice = {};
    bool journal_answers = true;  // each append is called durable at once
    bitcoin::Network network = bitcoin::Network::regtest;
  };

  NodeThread(uv::Loop& loop, Setting setting)
      : test_loop_(loop),
        setting_(std::move(setting)),
        inbox_(loop, 10'000, [this](auto&& told) { on_told(std::move(told)); }) {
    NodeLoop::Options options;
    options.nodes = setting_.nodes;
    options.network = setting_.network;
    options.job_source.payout_script = setting_.payout_script;
    options.job_source.coinbase_tag = "/test/";
    options.data_dir = setting_.data_dir;
    options.expire = setting_.expire;
    options.reconnect = setting_.reconnect;
    options.choice = setting_.choice;
    NodeLoop::Hooks hooks;
    hooks.publish = [this](NewJob job) { CHECK(inbox_.post(std::move(job))); };
    hooks.no_work = [this](NoWork told) { CHECK(inbox_.post(told)); };
    hooks.block_vaulted = [this](ShardIndex shard, BlockVaulted what) {
      CHECK(inbox_.post(Vaulted{shard, what}));
    };
    hooks.journal = [this](JournalAppend append) { return inbox_.post(std::move(append)); };
    hooks.status = [this](NodeStatus now) { CHECK(inbox_.post(std::move(now))); };
    hooks.bitcoin_tip = [this](BitcoinTip tip) { CHECK(inbox_.post(tip)); };
    node_ = std::make_unique<NodeLoop>(std::move(options), std::move(hooks));
    thread_ = std::thread([this] { node_->run(); });
  }
  ~NodeThread() { stop(); }
  NodeThread(const NodeThread&) = delete;
  NodeThread& operator=(const NodeThread&) = delete;

  void stop() {
    if (!thread_.joinable()) return;
    node_->mailbox().post_reserved(Shutdown{});
    thread_.join();
    node_.reset();
  }
  void post(NodeMessage message) { node_->mailbox().post_reserved(std::move(message)); }
  bool wait(const std::function<bool()>& condition,
            std::chrono::milliseconds limit = std::chrono::seconds{30}) {
    return wait_until(test_loop_, condition, limit);
  }
  bool wait_for_jobs(std::size_t count) {
    return wait([&] { return jobs.size() >= count; });
  }
  // A clean job on that tip, "the newest" or not.
  const mining::Job* clean_job_on(const std::string& tip) const {
    for (const auto& job : jobs) {
      if (job->clean_jobs && job->prev_hash().display_hex() == tip) return job.get();
    }
    return nullptr;
  }

  std::vector<std::shared_ptr<const mining::Job>> jobs;
  std::vector<Vaulted> vaulted;
  std::vector<BlockCandidateRecord> candidates;
  std::vector<BlockOutcomeRecord> outcomes;
  std::vector<BlockStateRecord> states;
  std::vector<ChainTipRecord> tips;
  std::vector<BitcoinTip> bitcoin_tips;  // told for coherence work
  std::vector<std::size_t> jobs_at_tip;  // how many had been told by then
  NodeStatus status;
  AppendId last_append{};
  int told_of_no_work = 0;
  bool no_work = false;

 private:
  using Told = std::variant<NewJob, NoWork, Vaulted, JournalAppend, NodeStatus, BitcoinTip>;

  void on_told(Told&& told) {
    if (auto* news = std::get_if<NewJob>(&told)) jobs.push_back(std::move(news->job));
    if (const auto* work = std::get_if<NoWork>(&told)) {
      ++told_of_no_work;
      no_work = !work->over;
    }
    if (auto* stored = std::get_if<Vaulted>(&told)) vaulted.push_back(*stored);
    if (auto* now = std::get_if<NodeStatus>(&told)) status = std::move(*now);
    if (auto* append = std::get_if<JournalAppend>(&told)) on_append(*append);
    if (const auto* tip = std::get_if<BitcoinTip>(&told)) {
      bitcoin_tips.push_back(*tip);
      jobs_at_tip.push_back(jobs.size());
    }
  }
  void on_append(const JournalAppend& append) {
    CHECK_EQ(append.source, journal_source_node);
    last_append = append.id;
    for (JournalRecord& record : records_of(append)) {
      if (auto* candidate = std::get_if<BlockCandidateRecord>(&record)) {
        candidates.push_back(std::move(*candidate));
      } else if (auto* state = std::get_if<BlockStateRecord>(&record)) {
        states.push_back(*state);
      } else if (auto* tip = std::get_if<ChainTipRecord>(&record)) {
        tips.push_back(*tip);
      } else if (auto* outcome = std::get_if<BlockOutcomeRecord>(&record)) {
        outcomes.push_back(std::move(*outcome));
      }
    }
    if (setting_.journal_answers) post(Durable{append.id});
  }

  uv::Loop& test_loop_;
  const Setting setting_;
  uv::Mailbox<Told> inbox_;
  std::unique_ptr<NodeLoop> node_;
  std::thread thread_;
};

}  // namespace pool::test
