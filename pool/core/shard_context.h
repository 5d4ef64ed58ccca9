// What all sessions of one shard share: the world it speaks to, its options, jobs, outbox, counts.
// A Session holds a reference to it; the Shard owns it.
#pragma once

#include "common/bitcoin/address.h"
#include "common/bitcoin/target.h"
#include "pool/core/address_guard.h"
#include "pool/core/candidate_memory.h"
#include "pool/core/job_book.h"
#include "pool/core/journal_outbox.h"
#include "pool/core/limits.h"
#include "pool/core/pending_replies.h"
#include "pool/core/shard_types.h"
#include "pool/core/stats.h"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pool {

// What a Shard asks of the world. ShardLoop answers with libuv, a simulator with a simulated world.
class ShardHost {
 public:
  virtual void send(ConnectionId to, std::string_view line) = 0;
  // The connection is gone for the shard when on_disconnect() comes, in a later turn.
  virtual void close(ConnectionId which, CloseReason why) = 0;
  // A connection that is out of tokens is not read from until resume_reading(); bytes that were
  // read before may still come. Both may be repeated, and the shard's own back pressure goes on
  // top.
  virtual void pause_reading(ConnectionId which) = 0;
  virtual void resume_reading(ConnectionId which) = 0;
  virtual void submit_block(FoundBlock block) = 0;
  // For the other shards to know; here it counts already.
  virtual void tell_ban(const Ban& ban) = 0;
  // Never refused: JournalOutbox keeps to a window for which the journal has room.
  virtual void journal(JournalAppend append) = 0;

 protected:
  ~ShardHost() = default;
};

struct ShardOptions {
  ShardIndex index;
  std::uint8_t pool_instance = 0;
  std::size_t connections_max = limits::connections_per_shard_max;
  std::uint16_t first_extranonce_counter = 0;  // random at start
  bitcoin::Network network = bitcoin::Network::mainnet;
  std::string payout_address;  // credited for a block whose finder is not authorized
  bitcoin::Difficulty difficulty_start;
  bitcoin::Difficulty difficulty_min;
  std::optional<bitcoin::Difficulty> difficulty_max;
  bool vardiff = true;
  double shares_per_minute = 6;
  std::uint32_t version_mask = 0x1fffe000;
  AddressLimits address_limits;
};

// Counts holders of names: how many distinct workers and addresses are connected.
class NameCounts {
 public:
  void add(const std::string& name) { ++counts_[name]; }
  void remove(const std::string& name) {
    const auto found = counts_.find(name);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
  }
  std::size_t distinct() const { return counts_.size(); }

 private:
  std::unordered_map<std::string, std::size_t> counts_;
};

struct ShardContext {
  ShardHost& host;
  const ShardOptions options;
  JobBook jobs;
  JournalOutbox outbox;
  PendingReplies pending;
  ShardStats stats;
  NameCounts workers;
  NameCounts addresses;
  CandidateMemory candidates;
  AddressGuard guard{options.address_limits};
  std::size_t candidates_in_flight = 0;  // submitted, not in the vault yet
  bool draining = false;

  void offend(const Peer& peer, Offence offence, base::MonoTime now) {
    if (!peer.limited) return;
    if (const auto ban = guard.on_offence(peer.prefix, offence, now)) host.tell_ban(*ban);
  }
};

}  // namespace pool
