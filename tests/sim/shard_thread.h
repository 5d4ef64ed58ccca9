// ShardThread: a real Shard, driven in virtual time as ShardLoop drives it
// (pool/net/shard_loop.cpp): turns, outboxes, back pressure, connections that move to another
// shard.
//
// Thread: the one there is.
#pragma once

#include "pool/core/shard.h"
#include "pool/messages.h"
#include "tests/sim/pool_mail.h"
#include "tests/sim/sim_network.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sim {

class ShardThread final : private pool::ShardHost {
 public:
  // What it tells other threads; called at once, the mail takes its time elsewhere.
  struct Hooks {
    std::function<void(pool::JournalAppend)> journal;
    std::function<void(pool::FoundBlock)> found;
    std::function<void(const pool::Ban&)> ban;
    std::function<void(const std::vector<pool::DifficultyMemory::Entry>&)> learnt;
    std::function<void(WireId, std::uint32_t miner, const pool::Peer&, const pool::HandOver&)>
        moved;
  };

  ShardThread(Environment& env, Owner owner, SimNetwork& network, const pool::ShardOptions& options,
              Hooks hooks);
  ShardThread(const ShardThread&) = delete;
  ShardThread& operator=(const ShardThread&) = delete;

  [[nodiscard]] bool on_connected(WireId wire, std::uint32_t miner);
  void on_moved(WireId wire, std::uint32_t miner, const pool::Peer& peer,
                const pool::HandOver& state);
  void on_bytes(WireId wire, std::string_view bytes);
  void on_cut(WireId wire);
  bool has(WireId wire) const { return by_wire_.contains(wire); }

  void on_new_job(const pool::NewJob& message);
  void on_no_work(bool over);
  void on_durable(pool::Durable message);
  void on_not_durable(pool::NotDurable message);
  void on_block_vaulted(const pool::BlockVaulted& message);
  void on_ban(const pool::Ban& ban);
  void on_difficulties(const std::vector<pool::DifficultyMemory::Entry>& entries);

  void drain() {
    shard_.drain(instant());
    end_turn_soon();
  }
  pool::ShardStats stats() const { return shard_.stats(); }
  bool is_at_rest() const { return shard_.drained(); }

 private:
  struct Connection {
    WireId wire;
    std::uint32_t miner = 0;
    std::string outbox;
    std::string unread;  // arrived, and not read yet
    bool extranonce1_known = false;
    bool paused = false;
    bool closing = false;
  };

  void send(pool::ConnectionId to, std::string_view line) override;
  void close(pool::ConnectionId which, pool::CloseReason why) override;
  void pause_reading(pool::ConnectionId which) override;
  void resume_reading(pool::ConnectionId which) override;
  void hand_over(pool::ConnectionId which, pool::HandOver state) override;
  void submit_block(pool::FoundBlock block) override;
  void tell_ban(const pool::Ban& ban) override;
  bool verify(pool::ProofToVerify) override { return false; }  // this world has no coherence work
  void journal(pool::JournalAppend append) override;

  base::Instant instant() const { return env_.schedule.instant(); }
  pool::ConnectionId add(WireId wire, std::uint32_t miner);
  void remove(pool::ConnectionId id);
  Connection* find(pool::ConnectionId id);
  void look_for_extranonce1(pool::ConnectionId id, Connection& connection, std::string_view line);
  void read(pool::ConnectionId id);
  void spoil(std::string& line);
  void tick();
  void continue_spread();
  void end_turn_soon();
  void end_turn();
  void move_connections();
  void flush_outboxes();

  Environment& env_;
  const Owner owner_;
  SimNetwork& network_;
  const std::uint32_t index_;
  const Hooks hooks_;
  pool::Shard shard_;
  std::uint64_t next_connection_ = 1;
  std::map<pool::ConnectionId, Connection> connections_;
  std::map<WireId, pool::ConnectionId> by_wire_;
  std::vector<pool::ConnectionId> outboxes_;
  std::vector<pool::ConnectionId> closing_;
  std::vector<std::pair<pool::ConnectionId, pool::HandOver>> moving_;
  std::uint64_t appended_ = 0;  // ids of the last appends: with the journal, and settled
  std::uint64_t settled_ = 0;
  bool any_unread_ = false;
  bool turn_ends_ = false;
  bool spreading_ = false;
  std::uint64_t jobs_heard_ = 0;  // these three are for breakages
  std::uint64_t submits_ = 0;
  std::uint64_t answers_ = 0;
};

}  // namespace sim
