#include "tests/fuzz/session_world.h"

#include "common/bitcoin/merkle.h"
#include "common/bitcoin/script.h"
#include "common/crypto/sha256.h"
#include "pool/core/journal_format.h"
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

std::vector<pool::ShareRecord> shares_of(const pool::JournalAppend& append) {
  base::Bytes frames;
  pool::append_frames(frames, append.payloads, 1);
  std::vector<pool::ShareRecord> shares;
  base::ByteSpan rest = frames;
  while (!rest.empty()) {
    const auto frame = pool::parse_frame(rest);
    FUZZ_CHECK(frame);
    if (const auto* share = std::get_if<pool::ShareRecord>(&frame->record))
      shares.push_back(*share);
    rest = rest.subspan(frame->bytes);
  }
  return shares;
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
  bitcoin::TxOut output;
  output.value = block_template->coinbase_value;
  output.script_pubkey = bitcoin::witness_script(0, base::Bytes(20, 7));
  spec.outputs.push_back(output);
  spec.coinbase_tag = "/fuzz/";
  spec.coinbase_unique = spec.id.value;
  spec.version_mask = 0x1fffe000;
  spec.ntime = block_template->curtime;
  spec.clean_jobs = choice.new_tip;
  const auto job = mining::build_job(spec);
  FUZZ_CHECK(job);
  return *job;
}

World::World(const pool::ShardOptions& options)
    : shard_(*this, options),
      now_{base::MonoTime{} + 1h, base::WallTime{} + std::chrono::seconds{start_seconds}} {}

// ---------------------------------------------------------------- what happens to the shard

void World::connect(std::size_t slot, std::uint8_t address) {
  disconnect(slot);
  const pool::ConnectionId id{next_connection_++};
  auto& connection = connections_[slot];
  connection = std::make_unique<Connection>();  // before the shard knows: it may send at once
  connection->id = id;
  if (!shard_.on_connect(id, peer_at(address), now_)) connection.reset();
}

void World::disconnect(std::size_t slot) {
  auto& connection = connections_[slot];
  if (!connection) return;
  const pool::ConnectionId id = connection->id;
  submits_accepted_ += connection->oracle.submits_accepted();
  connection.reset();  // whatever is sent to it from here on is sent to nobody: send() checks
  shard_.on_disconnect(id, now_);
}

void World::receive(std::size_t slot, std::string_view bytes, std::size_t piece_bytes_max) {
  if (!connections_[slot] || connections_[slot]->closing) return;
  connections_[slot]->unread.append(bytes);
  deliver(*connections_[slot], piece_bytes_max);
}

bool World::may_read(const Connection& connection) const {
  return !connection.paused && !connection.closing && shard_.reading_allowed();
}

void World::deliver(Connection& connection, std::size_t piece_bytes_max) {
  const pool::ConnectionId id = connection.id;
  while (may_read(connection) && !connection.unread.empty()) {
    const std::string piece = connection.unread.substr(0, piece_bytes_max);
    connection.unread.erase(0, piece.size());
    connection.oracle.on_received(base::as_bytes(piece));
    shard_.on_bytes(id, base::as_bytes(piece), now_);
  }
}

void World::deliver_unread() {
  for (auto& connection : connections_) {
    if (connection) deliver(*connection, 4096);
  }
}

void World::new_job(const JobChoice& choice) {
  const bool new_tip = choice.new_tip && next_job_ > 1;
  if (new_tip) {
    stale_since_us_[100u + tip_] = now_.unix_micros();
    ++tip_;
  }
  for (auto& connection : connections_) {
    if (connection) connection->oracle.on_occasion();
  }
  JobChoice made = choice;
  made.new_tip = new_tip;
  shard_.on_new_job(make_job(made, next_job_++, tip_, now_), choice.told_clean, now_);
}

void World::tick(base::MonoTime::duration passed) {
  now_.mono += passed;
  now_.wall += std::chrono::duration_cast<std::chrono::microseconds>(passed);
  for (auto& connection : connections_) {
    if (connection) connection->oracle.on_occasion();
  }
  shard_.on_tick(now_);
  deliver_unread();
}

void World::durable(std::size_t appends) {
  appends = std::min(appends, journal_.size());
  if (appends == 0) return;
  const pool::AppendId up_to = journal_[appends - 1].id;
  for (std::size_t i = 0; i < appends; ++i) {
    shares_durable_ += journal_.front().shares.size();
    journal_.pop_front();
  }
  phase_ = Phase::settled;
  shard_.on_durable(up_to);
  phase_ = Phase::other;
  deliver_unread();
}

void World::not_durable(std::size_t appends) {
  appends = std::min(appends, journal_.size());
  if (appends == 0) return;
  const pool::AppendId first = journal_.front().id;
  const pool::AppendId last = journal_[appends - 1].id;
  for (std::size_t i = 0; i < appends; ++i) {
    for (const auto& share : journal_.front().shares) share_hashes_.erase(share.hash.bytes);
    journal_.pop_front();
  }
  phase_ = Phase::settled;
  shard_.on_not_durable(first, last);
  phase_ = Phase::other;
  deliver_unread();
}

void World::vaulted() {
  if (vault_.empty()) return;
  const bitcoin::BlockHash hash = vault_.front();
  vault_.erase(vault_.begin());
  phase_ = Phase::settled;
  shard_.on_block_vaulted(hash);
  phase_ = Phase::other;
  deliver_unread();
}

void World::end_turn() {
  // No other shard takes it, so it goes on here.
  for (auto& [id, state] : std::exchange(moving_, {})) {
    Connection* connection = find(id);
    if (connection == nullptr) continue;
    const pool::Peer peer = shard_.peer(id);
    shard_.on_disconnect(id, now_);
    if (!shard_.on_hand_over(id, peer, std::move(state), now_)) {
      for (auto& slot : connections_) {
        if (slot && slot->id == id) slot.reset();
      }
    }
  }
  shard_.on_turn_end();
  for (std::size_t slot = 0; slot < slots; ++slot) {
    if (connections_[slot] && connections_[slot]->closing) disconnect(slot);
  }
}

void World::finish() {
  // Twice: what waited for the journal's window goes out once the first is settled.
  for (int i = 0; i < 3; ++i) {
    tick(20s);
    end_turn();
    while (!vault_.empty()) vaulted();
    durable(journal_.size());
    end_turn();
  }
  durable(journal_.size());
  FUZZ_CHECK(shard_.drained());
  const bool draining = !shard_.reading_allowed();
  for (const auto& connection : connections_) {
    if (!connection || draining) continue;
    FUZZ_CHECK(!connection->paused && connection->unread.empty());
    connection->oracle.check_all_answered();
  }
  for (std::size_t slot = 0; slot < slots; ++slot) disconnect(slot);
  const pool::ShardStats stats = shard_.stats();
  FUZZ_CHECK(stats.connections == 0 && stats.workers == 0 && stats.miners == 0);
  FUZZ_CHECK(stats.shares_pending == 0 && stats.shares_accepted == shares_durable_);
  FUZZ_CHECK(stats.blocks_found == block_hashes_.size());
  // Some answers had nobody left to hear them.
  FUZZ_CHECK(submits_accepted_ <= shares_durable_);
}

const ConnectionOracle* World::oracle(std::size_t slot) const {
  return connections_[slot] ? &connections_[slot]->oracle : nullptr;
}

// ---------------------------------------------------------------- what the shard asks for

World::Connection* World::find(pool::ConnectionId id) {
  for (auto& connection : connections_) {
    if (connection && connection->id == id) return &*connection;
  }
  return nullptr;
}

void World::send(pool::ConnectionId to, std::string_view line) {
  Connection* connection = find(to);
  FUZZ_CHECK(connection != nullptr);  // a session outlived its connection
  connection->oracle.on_sent(line, phase_);
  const auto& told = connection->oracle.difficulties();
  difficulties_.insert(told.begin(), told.end());
  const std::string& extranonce1 = connection->oracle.extranonce1();
  for (const auto& other : connections_) {
    if (!other || other->id == to || extranonce1.empty()) continue;
    FUZZ_CHECK(other->oracle.extranonce1() != extranonce1);
  }
}

void World::close(pool::ConnectionId which, pool::CloseReason why) {
  FUZZ_CHECK(!pool::describe(why).empty());
  Connection* connection = find(which);
  FUZZ_CHECK(connection != nullptr);
  connection->oracle.on_close();
  connection->closing = true;
}

void World::pause_reading(pool::ConnectionId which) {
  Connection* connection = find(which);
  FUZZ_CHECK(connection != nullptr);
  connection->paused = true;
}

void World::resume_reading(pool::ConnectionId which) {
  Connection* connection = find(which);
  FUZZ_CHECK(connection != nullptr);
  connection->paused = false;
}

void World::hand_over(pool::ConnectionId which, pool::HandOver state) {
  FUZZ_CHECK(find(which) != nullptr);
  FUZZ_CHECK(state.owner != pool::ShardIndex{3});
  moving_.emplace_back(which, std::move(state));
}

void World::submit_block(pool::FoundBlock block) {
  FUZZ_CHECK(block.hash.bytes == crypto::sha256d(block.header));
  FUZZ_CHECK(block.job->network_target().admits(block.hash.bytes));
  FUZZ_CHECK(block_hashes_.insert(block.hash.bytes).second);
  FUZZ_CHECK(block.candidate.hash == block.hash && block.candidate.header == block.header);
  const bitcoin::Hash256 root = bitcoin::fold_merkle_branch(
      bitcoin::Hash256{crypto::sha256d(block.coinbase)}, block.job->merkle_branch);
  FUZZ_CHECK(std::equal(root.bytes.begin(), root.bytes.end(), block.header.begin() + 36));
  vault_.push_back(block.hash);
}

void World::tell_ban(const pool::Ban& ban) { FUZZ_CHECK(!ban.prefix.text().empty()); }

void World::journal(pool::JournalAppend append) {
  FUZZ_CHECK(!last_append_ || *last_append_ < append.id);
  last_append_ = append.id;
  Append kept{append.id, shares_of(append)};
  FUZZ_CHECK(journal_.size() < pool::limits::appends_in_flight_max);
  for (const pool::ShareRecord& share : kept.shares) {
    check_share(share);
    FUZZ_CHECK(share_hashes_.insert(share.hash.bytes).second);  // no share counts twice
  }
  journal_.push_back(std::move(kept));
}

void World::check_share(const pool::ShareRecord& share) const {
  const auto difficulty = bitcoin::Difficulty::from_double(share.difficulty);
  FUZZ_CHECK(difficulty && difficulties_.contains(share.difficulty));
  const auto target = bitcoin::Target256::from_difficulty(*difficulty);
  FUZZ_CHECK(target.admits(share.hash.bytes) && share.work == target.work());
  FUZZ_CHECK(share.address == payout_address);
  FUZZ_CHECK(share.worker_name.size() <= pool::limits::worker_name_bytes_max);
  if (const auto stale = stale_since_us_.find(share.height); stale != stale_since_us_.end()) {
    FUZZ_CHECK(share.time_us <= stale->second);
  }
}

}  // namespace fuzz
