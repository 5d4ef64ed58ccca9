#include "tests/fuzz/session_world.h"

#include "common/bitcoin/script.h"
#include "pool/core/limits.h"
#include "tests/fuzz/fuzz_check.h"

#include <algorithm>
#include <chrono>

namespace fuzz {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t start_seconds = 1'700'000'000;

pool::Peer peer_at(std::uint8_t address) {
  pool::Peer peer;
  peer.address = "192.0.2." + std::to_string(address % 4);
  peer.prefix = *pool::AddressPrefix::parse(peer.address);
  peer.limited = address % 8 != 7;
  return peer;
}

}  // namespace

std::shared_ptr<const mining::Job> make_job(const JobChoice& choice, std::uint64_t id,
                                            std::uint8_t tip, const base::Instant& now) {
  auto block_template = std::make_shared<mining::BlockTemplate>();
  block_template->prev_hash.bytes.fill(tip);
  block_template->version = 0x20000000;
  block_template->nbits = choice.nbits;
  block_template->network_target = *bitcoin::Target256::from_compact(choice.nbits);
  block_template->height = 100u + tip;
  block_template->curtime = static_cast<std::uint32_t>(now.unix_seconds());
  block_template->mintime = block_template->curtime - 3600;
  block_template->coinbase_value = bitcoin::Sats{5'000'000'000};
  for (std::uint8_t i = 0; i < choice.transactions; ++i) {
    block_template->txids.emplace_back().bytes.fill(static_cast<std::uint8_t>(i + 1));
  }
  mining::JobSpec spec;
  spec.id = mining::JobId{id * mining::job_id_step};
  spec.block_template = block_template;
  // The smallest tier has no room for all outputs, so that the tiers' coinbases differ.
  for (std::uint8_t i = 0; i < 6; ++i) {
    bitcoin::TxOut& output = spec.outputs.emplace_back();
    output.value = bitcoin::Sats{i == 0 ? block_template->coinbase_value.value - 5000 : 1000};
    output.script_pubkey = bitcoin::witness_script(0, base::Bytes(32, i));
  }
  for (const pool::CoinbaseTier& tier : pool::default_coinbase_tiers()) {
    spec.tier_bytes_max.push_back(tier.bytes_max);
  }
  spec.coinbase_tag = "/fuzz/";
  spec.coinbase_unique = spec.id.value;
  spec.version_mask = 0x1fffe000;
  spec.ntime = block_template->curtime;
  spec.clean_jobs = choice.new_tip;
  const auto job = mining::build_job(spec);
  FUZZ_CHECK(job);
  return *job;
}

World::World(const WorldOptions& options)
    : options_(options),
      now_{base::MonoTime{} + 1h, base::WallTime{} + std::chrono::seconds{start_seconds}} {
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    pool::ShardOptions of_shard = options.shard;
    of_shard.index = pool::ShardIndex{i};
    of_shard.shard_count = static_cast<std::uint32_t>(members_.size());
    members_[i].shard = std::make_unique<pool::Shard>(*this, of_shard);
  }
}

// ---------------------------------------------------------------- what happens to connections

void World::connect(std::size_t slot, std::uint8_t address) {
  disconnect(slot);
  const pool::ConnectionId id{next_connection_++};
  auto& connection = connections_[slot];
  connection = std::make_unique<Connection>();  // before the shard knows: it may send at once
  connection->id = id;
  connection->shard = slot % members_.size();
  if (!shard_of(*connection).on_connect(id, peer_at(address), now_)) connection.reset();
}

void World::disconnect(std::size_t slot) {
  if (!connections_[slot]) return;
  // Out of the list first: whatever is still sent to it is sent to nobody, and send() checks that.
  const std::unique_ptr<Connection> gone = std::move(connections_[slot]);
  remember_meant(gone->oracle);
  gone_in_turn_ = true;
  shard_of(*gone).on_disconnect(gone->id, now_);
}

void World::receive(std::size_t slot, std::string_view bytes, std::size_t piece_bytes_max) {
  if (!connections_[slot] || connections_[slot]->closing) return;
  connections_[slot]->unread.append(bytes);
  deliver(*connections_[slot], piece_bytes_max);
}

bool World::may_read(const Connection& connection) {
  return !connection.paused && !connection.closing && shard_of(connection).reading_allowed();
}

void World::deliver(Connection& connection, std::size_t piece_bytes_max) {
  while (may_read(connection) && !connection.unread.empty()) {
    const std::string piece = connection.unread.substr(0, piece_bytes_max);
    connection.unread.erase(0, piece.size());
    connection.oracle.on_received(base::as_bytes(piece));
    shard_of(connection).on_bytes(connection.id, base::as_bytes(piece), now_);
  }
}

void World::deliver_unread() {
  for (auto& connection : connections_) {
    if (connection) deliver(*connection, 4096);
  }
}

// As the loops do it: with a new id, at the end of the turn.
void World::move_connections() {
  for (auto& [id, state] : std::exchange(moving_, {})) {
    Connection* connection = find(id);
    if (connection == nullptr) continue;
    const pool::Peer peer = shard_of(*connection).peer(id);
    shard_of(*connection).on_disconnect(id, now_);
    connection->id = pool::ConnectionId{next_connection_++};
    connection->paused = false;
    if (!options_.moves_fail) connection->shard = state.owner.value;
    if (shard_of(*connection).on_hand_over(connection->id, peer, std::move(state), now_)) continue;
    for (auto& slot : connections_) {
      if (slot.get() == connection) slot.reset();
    }
  }
  deliver_unread();
}

// ---------------------------------------------------------------- what happens to the shards

void World::give_occasion() {
  for (auto& connection : connections_) {
    if (connection) connection->oracle.on_occasion();
  }
}

void World::new_job(const JobChoice& choice) {
  JobChoice made = choice;
  made.new_tip = choice.new_tip && next_job_ > 1;
  if (made.new_tip) {
    stale_since_us_[100u + tip_] = now_.unix_micros();
    ++tip_;
  }
  give_occasion();
  const auto job = make_job(made, next_job_++, tip_, now_);
  for (const Member& member : members_) {
    member.shard->on_new_job(job, choice.told_clean, choice.spread, now_);
  }
  now_.mono += 1ms;  // so that a later share is told from an earlier one
  now_.wall += 1ms;
}

void World::new_coherence_job(std::uint8_t bits) {
  give_occasion();
  std::shared_ptr<pool::CoherenceJob> job;
  if (bits != 0xff) {
    job = std::make_shared<pool::CoherenceJob>();
    job->id = pool::CoherenceJobId{next_coherence_job_++};
    base::write_le64(job->header, job->id.value);
    job->level = bits % coherence::levels;
    job->params = coherence::params_of(job->level);
    job->clean = (bits & 16) != 0;
    job->block_target = base::U256::max() >> ((bits & 64) != 0 ? 1 : 40);
  }
  for (const Member& member : members_) {
    member.shard->on_coherence_job(job, (bits & 32) != 0, now_);
  }
}

// Verifiers answer in any order, and the one of this world believes or doubts whatever it likes.
void World::verdict(std::size_t shard, std::uint8_t bits) {
  Member& member = members_[shard % members_.size()];
  if (member.proofs.empty()) return;
  const auto which = member.proofs.begin() + bits % static_cast<int>(member.proofs.size());
  pool::ProofVerdict verdict;
  verdict.ticket = which->ticket;
  if ((bits & 128) != 0) verdict.flaw = coherence::Flaw::earlier_bloom;
  member.proofs.erase(which);
  for (auto& connection : connections_) {
    if (connection) connection->oracle.on_verdict();
  }
  member.shard->on_verdict(verdict, now_);
}

void World::tick(base::MonoTime::duration passed) {
  now_.mono += passed;
  now_.wall += std::chrono::duration_cast<std::chrono::microseconds>(passed);
  give_occasion();
  for (const Member& member : members_) {
    if (member.shard->is_spreading()) member.shard->continue_spread(now_);
    member.shard->on_tick(now_);
  }
  exchange_news();
  deliver_unread();
}

void World::exchange_news() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const auto learnt = members_[i].shard->take_difficulties();
    members_[1 - i].shard->on_difficulties(learnt);
    FUZZ_CHECK(members_[i].shard->take_rejects().size() <= pool::limits::rejects_told_max);
  }
}

template <class Tell>
void World::settle(Tell&& tell) {
  phase_ = Phase::settled;
  tell();
  phase_ = Phase::other;
  deliver_unread();
}

void World::durable(std::size_t shard, std::size_t appends) {
  Member& member = members_[shard % members_.size()];
  appends = std::min(appends, member.journal.size());
  if (appends == 0) return;
  const pool::AppendId up_to = member.journal[appends - 1].id;
  for (; appends > 0; --appends) {
    for (const pool::ShareRecord& share : member.journal.front().shares) {
      ++shares_durable_;
      const auto& vault = member.vault;
      const bool waits = std::find(vault.begin(), vault.end(), share.hash) != vault.end();
      (waits ? member.waiting_for_vault : safe_hashes_).insert(share.hash.bytes);
    }
    proofs_durable_ += member.journal.front().proofs.size();
    member.journal.pop_front();
  }
  settle([&] { member.shard->on_durable(up_to); });
}

void World::not_durable(std::size_t shard, std::size_t appends) {
  Member& member = members_[shard % members_.size()];
  appends = std::min(appends, member.journal.size());
  if (appends == 0) return;
  const pool::AppendId first = member.journal.front().id;
  const pool::AppendId last = member.journal[appends - 1].id;
  for (; appends > 0; --appends) {
    for (const pool::ShareRecord& share : member.journal.front().shares) {
      share_hashes_.erase(share.hash.bytes);
      refused_hashes_.insert(share.hash.bytes);
    }
    for (const pool::CoherenceProofRecord& proof : member.journal.front().proofs) {
      proofs_.erase(key_of(proof));
    }
    member.journal.pop_front();
  }
  settle([&] { member.shard->on_not_durable(first, last); });
}

void World::vaulted(std::size_t shard) {
  Member& member = members_[shard % members_.size()];
  if (member.vault.empty()) return;
  const bitcoin::BlockHash hash = member.vault.front();
  member.vault.erase(member.vault.begin());
  if (member.waiting_for_vault.erase(hash.bytes) > 0) safe_hashes_.insert(hash.bytes);
  settle([&] { member.shard->on_block_vaulted(hash); });
}

void World::set_instance(std::uint8_t instance) {
  give_occasion();
  for (const Member& member : members_) member.shard->set_instance(instance, now_);
}

void World::drain() {
  draining_ = true;
  give_occasion();
  for (const Member& member : members_) member.shard->drain(now_);
}

void World::end_turn() {
  move_connections();
  for (const Member& member : members_) member.shard->on_turn_end();
  gone_in_turn_ = false;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    if (connections_[slot] && connections_[slot]->closing) disconnect(slot);
  }
}

bool World::anything_unread() const {
  return std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) {
    return connection && !connection->closing && !connection->unread.empty();
  });
}

void World::finish() {
  // Again and again: what waited for room in the journal's window goes out once there is some, and
  // what waited for tokens is read as they come back.
  constexpr int rounds_max = 2000;
  for (int i = 0; i < 4 || (anything_unread() && !draining_ && i < rounds_max); ++i) {
    for (std::size_t shard = 0; shard < members_.size(); ++shard) {
      while (!members_[shard].proofs.empty()) verdict(shard, 0);
    }
    tick(15s);
    end_turn();
    for (std::size_t shard = 0; shard < members_.size(); ++shard) {
      while (!members_[shard].vault.empty()) vaulted(shard);
      durable(shard, members_[shard].journal.size());
    }
  }
  pool::ShardStats sum;
  for (const auto& connection : connections_) {
    if (!connection || draining_) continue;
    FUZZ_CHECK(connection->unread.empty());
    connection->oracle.check_all_answered();
  }
  for (std::size_t slot = 0; slot < slots; ++slot) disconnect(slot);
  for (const Member& member : members_) {
    FUZZ_CHECK(member.shard->drained());
    const pool::ShardStats stats = member.shard->stats();
    FUZZ_CHECK(stats.connections == 0 && stats.workers == 0 && stats.miners == 0);
    FUZZ_CHECK(stats.shares_pending == 0);
    sum.shares_accepted += stats.shares_accepted;
    sum.blocks_found += stats.blocks_found;
    FUZZ_CHECK(stats.coherence.clients == 0 && stats.coherence.proofs_verifying == 0);
    FUZZ_CHECK(stats.coherence.proofs_unstored == 0);
    sum.coherence.proofs_accepted += stats.coherence.proofs_accepted;
  }
  FUZZ_CHECK(sum.coherence.proofs_accepted == proofs_durable_);
  FUZZ_CHECK(sum.shares_accepted == shares_durable_ && sum.blocks_found == block_hashes_.size());
}

const ConnectionOracle* World::oracle(std::size_t slot) const {
  return connections_[slot] ? &connections_[slot]->oracle : nullptr;
}

}  // namespace fuzz
