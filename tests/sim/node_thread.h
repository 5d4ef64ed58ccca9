// NodeThread: the pool's thread 'node' in virtual time: the real JobSource, BlockCourier and
// NodeJournal, with one node that is asked, polled and listened to as NodeLoop does it
// (pool/node/node_loop.cpp).
//
// The vault is a folder in the world: what it holds outlives the pool.
// Thread: the one there is.
#pragma once

#include "pool/core/block_courier.h"
#include "pool/core/job_source.h"
#include "pool/messages.h"
#include "pool/node/node_journal.h"
#include "tests/sim/environment.h"
#include "tests/sim/sim_node.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sim {

using SimVault = std::map<bitcoin::BlockHash, std::string>;  // files, by name

class NodeThread final : private pool::NodeHost, private pool::CourierHost {
 public:
  struct Hooks {
    std::function<void(const pool::NewJob&)> publish;
    std::function<void(bool over)> no_work;
    std::function<void(pool::JournalAppend)> journal;
    std::function<void(pool::ShardIndex, const pool::BlockVaulted&)> vaulted;
  };

  NodeThread(Environment& env, Owner owner, SimNode& node, SimVault& vault,
             const pool::JobSourceOptions& options, Hooks hooks);
  NodeThread(const NodeThread&) = delete;
  NodeThread& operator=(const NodeThread&) = delete;

  void start();
  void on_found(const pool::FoundBlock& found);
  void on_durable(pool::Durable message);
  void on_not_durable(pool::NotDurable message);
  // The node has a new tip: it says so over ZMQ and long-poll, if that gets through.
  void on_node_has_new_tip();

  bool is_at_rest() const { return journal_records_ == 0 && courier_.is_quiet(); }
  const std::shared_ptr<const mining::Job>& job() const { return source_.current(); }
  std::uint64_t empty_jobs() const { return source_.empty_jobs_published(); }
  // Of the job that was published before the newest one.
  std::uint64_t job_before() const { return job_before_; }

 private:
  void request_template() override;
  void request_header(const bitcoin::BlockHash& hash) override;
  void publish(std::shared_ptr<const mining::Job> job, std::chrono::milliseconds spread) override;

  void send(std::size_t node, const bitcoin::BlockHash& hash, const std::string& hex, bool prefer,
            std::uint32_t round) override;
  void store(const pool::VaultedBlock& block) override;
  void retire(const bitcoin::BlockHash& hash, Fate fate) override;
  void journal(const pool::JournalRecord& record) override;
  void journal_outcome(const pool::BlockOutcomeRecord& outcome) override;
  bool journal_has_room() const override { return journal_.has_room(); }
  void block_vaulted(pool::ShardIndex shard, const bitcoin::BlockHash& hash, bool stored) override;
  void became_tip(const bitcoin::BlockHash& hash, std::size_t node) override;
  void became_known(const bitcoin::BlockHash&) override {}
  void tell(const pool::BlockNews&) override {}

  base::Instant instant() const { return env_.schedule.instant(); }
  Micros latency();
  void later(Micros delay, std::function<void()> action);
  void hear_tip(const bitcoin::BlockHash& hash, pool::TipSource source, Micros delay);
  void tick();
  void poll();
  void add_record(const pool::JournalRecord& record, std::function<void()> on_durable);

  Environment& env_;
  const Owner owner_;
  SimNode& node_;
  SimVault& vault_;
  const Hooks hooks_;
  pool::JobSource source_;
  pool::NodeJournal journal_;
  pool::BlockCourier courier_;
  std::uint64_t node_life_ = 0;  // answers to questions of an earlier one do not come
  bool was_up_ = false;
  Micros well_at_ = 0;
  bool no_work_told_ = false;
  std::uint64_t journal_records_ = 0;  // not on disk yet
  std::uint64_t job_before_ = 0;
  std::uint64_t job_now_ = 0;
};

}  // namespace sim
