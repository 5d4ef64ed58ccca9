// SimPool: one life of the pool: its threads and the mail between them. A crash ends all of it at
// once, whatever was under way; what it left on disk and in the database is the world's.
//
// Thread: the one there is.
#pragma once

#include "tests/sim/node_thread.h"
#include "tests/sim/pool_mail.h"
#include "tests/sim/shard_thread.h"
#include "tests/sim/sim_journal.h"
#include "tests/sim/sim_store.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sim {

struct PoolOptions {
  std::uint32_t shards = 2;
  pool::ShardOptions shard;
  pool::JobSourceOptions job_source;
  std::size_t segment_bytes_max = 0;
  bool removes_segments = false;
  std::uint64_t journal_bytes_max = 0;
};

// What outlives the pool.
struct Outside {
  SimNetwork& network;
  SimNode& node;
  SimDisk& disk;
  SimDatabase& database;
  SimAuditor& auditor;
  SimVault& vault;
};

class SimPool final : public PoolEnd {
 public:
  SimPool(Environment& env, Owner owner, const Outside& outside, const PoolOptions& options);
  SimPool(const SimPool&) = delete;
  SimPool& operator=(const SimPool&) = delete;

  // False: the journal can't be opened; nothing was started.
  [[nodiscard]] bool start();

  bool on_connected(WireId wire, std::uint32_t miner) override;
  void on_bytes(WireId wire, std::string_view bytes) override;
  void on_cut(WireId wire) override;

  // An orderly end: nobody is let in, nothing is read, what was accepted is answered.
  void begin_stop();
  bool has_stopped() const;

  NodeThread& node() { return *node_; }
  pool::JournalPosition durable_to() const { return journal_->durable_to(); }
  // Nothing is under way inside; empty, or what is.
  std::string unrest() const;
  void tell_totals() const;
  std::uint64_t hand_overs() const { return hand_overs_; }

 private:
  void make_shards(const PoolOptions& options);
  ShardThread::Hooks shard_hooks(std::uint32_t index);
  void make_journal();
  void make_node(const PoolOptions& options);
  void move(std::uint32_t from, WireId wire, std::uint32_t miner, const pool::Peer& peer,
            const pool::HandOver& state);
  ShardThread* shard_of(WireId wire);

  Environment& env_;
  const Owner owner_;
  const Outside outside_;
  const PoolOptions options_;
  PoolMail mail_;
  std::unique_ptr<SimJournal> journal_;
  std::unique_ptr<SimStore> store_;
  std::unique_ptr<NodeThread> node_;
  std::vector<std::unique_ptr<ShardThread>> shards_;
  std::map<WireId, std::string> moving_;  // between two shards; what arrives for them meanwhile
  bool stopping_ = false;
  std::uint64_t hand_overs_ = 0;
};

}  // namespace sim
