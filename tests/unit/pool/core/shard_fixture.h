// A shard in a world made of lists: what it sent, closed, submitted and journalled, and a miner
// that grinds real shares for it.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/script.h"
#include "common/mining/job_builder.h"
#include "common/mining/share_check.h"
#include "pool/core/shard.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace pool_test {

using namespace std::chrono_literals;

inline constexpr const char* address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
inline constexpr std::int64_t start_seconds = 1'700'000'000;

// Time that a test moves by hand.
struct Clock {
  base::Instant now{base::MonoTime{} + 1h, base::WallTime{} + std::chrono::seconds{start_seconds}};
  void advance(std::chrono::milliseconds by) {
    now.mono += by;
    now.wall += by;
  }
};

struct RecordingHost final : pool::ShardHost {
  std::map<pool::ConnectionId, std::vector<std::string>> sent;
  std::map<pool::ConnectionId, pool::CloseReason> closed;
  std::set<pool::ConnectionId> paused;
  std::map<pool::ConnectionId, pool::HandOver> handed_over;
  std::vector<pool::Ban> bans;
  std::vector<pool::FoundBlock> blocks;
  std::vector<pool::JournalAppend> appends;
  std::vector<pool::ProofToVerify> proofs;
  bool verifiers_full = false;
  std::vector<std::string> order;  // verbs in the order they came

  void send(pool::ConnectionId to, std::string_view line) override {
    sent[to].emplace_back(line);
    order.emplace_back("send");
  }
  void close(pool::ConnectionId which, pool::CloseReason why) override { closed[which] = why; }
  void pause_reading(pool::ConnectionId which) override { paused.insert(which); }
  void resume_reading(pool::ConnectionId which) override { paused.erase(which); }
  void hand_over(pool::ConnectionId which, pool::HandOver state) override {
    handed_over[which] = std::move(state);
  }
  void submit_block(pool::FoundBlock block) override {
    blocks.push_back(std::move(block));
    order.emplace_back("submit_block");
  }
  void tell_ban(const pool::Ban& ban) override { bans.push_back(ban); }
  bool verify(pool::ProofToVerify proof) override {
    if (verifiers_full) return false;
    proofs.push_back(std::move(proof));
    return true;
  }
  void journal(pool::JournalAppend append) override {
    appends.push_back(std::move(append));
    order.emplace_back("journal");
  }
};

inline pool::Peer test_peer(const char* text = "192.0.2.1") {
  pool::Peer peer;
  peer.address = text;
  peer.prefix = *pool::AddressPrefix::parse(text);
  return peer;
}

inline pool::ShardOptions test_options() {
  pool::ShardOptions options;
  options.index = pool::ShardIndex{3};
  options.network = bitcoin::Network::regtest;
  options.payout_address = address;
  options.ports[0].start = *bitcoin::Difficulty::from_double(1.0 / (1 << 24));
  options.ports[0].min = *bitcoin::Difficulty::from_double(bitcoin::Difficulty::least);
  return options;
}

struct JobOptions {
  std::uint64_t id = 1;
  std::uint8_t tip = 1;  // fills the previous block's hash
  bool clean = true;
  std::uint32_t nbits = 0x1d00ffff;  // so hard that no share here is a block by chance
};

inline std::shared_ptr<const mining::Job> make_job(const JobOptions& options) {
  auto block_template = std::make_shared<mining::BlockTemplate>();
  block_template->prev_hash.bytes.fill(options.tip);
  block_template->version = 0x20000000;
  block_template->nbits = options.nbits;
  block_template->network_target = *bitcoin::Target256::from_compact(options.nbits);
  block_template->height = 100 + options.tip;
  block_template->curtime = static_cast<std::uint32_t>(start_seconds);
  block_template->mintime = static_cast<std::uint32_t>(start_seconds) - 3600;
  block_template->coinbase_value = bitcoin::Sats{5'000'000'000};
  mining::JobSpec spec;
  spec.id = mining::JobId{options.id};
  spec.block_template = block_template;
  bitcoin::TxOut output;
  output.value = block_template->coinbase_value;
  output.script_pubkey = bitcoin::witness_script(0, base::Bytes(20, 7));
  spec.outputs.push_back(output);
  spec.coinbase_tag = "/test/";
  spec.coinbase_unique = options.id;
  spec.version_mask = 0x1fffe000;
  spec.ntime = block_template->curtime;
  spec.clean_jobs = options.clean;
  auto job = mining::build_job(spec);
  REQUIRE(job);
  return *job;
}

// A nonce whose hash meets (or misses) `target`, found by trying.
struct Ground {
  std::string extranonce2 = "0000000000000000";
  std::uint32_t nonce = 0;
  bitcoin::BlockHash hash;
};
inline Ground grind(const mining::Job& job, const pool::Extranonce1& extranonce1,
                    const std::function<bool(const mining::ShareVerdict&)>& wanted,
                    std::uint32_t first_nonce = 0, std::uint32_t version_bits = 0) {
  const base::Bytes extranonce2(8, 0);
  mining::ShareRules rules;
  rules.version_mask = 0x1fffe000;
  rules.now = start_seconds;
  for (std::uint32_t nonce = first_nonce; nonce < first_nonce + 50'000'000; ++nonce) {
    const auto verdict =
        mining::check_share(job, {extranonce1, extranonce2, job.ntime, nonce, version_bits}, rules);
    if (wanted(verdict)) return {"0000000000000000", nonce, verdict.hash};
  }
  FAIL("no nonce found");
  return {};
}

// A shard, its world and one connection's shorthand.
struct World {
  Clock clock;
  RecordingHost host;
  pool::Shard shard;
  pool::ConnectionId miner{42};

  explicit World(pool::ShardOptions options = test_options()) : shard(host, options) {
    REQUIRE(shard.on_connect(miner, test_peer(), clock.now));
  }
  void say(const std::string& text) { say(miner, text); }
  void say(pool::ConnectionId who, const std::string& text) {
    shard.on_bytes(who, base::as_bytes(text + "\n"), clock.now);
  }
  std::vector<std::string> heard() { return std::exchange(host.sent[miner], {}); }
  void handshake() {
    say(R"({"id":1,"method":"mining.subscribe","params":["test/1"]})");
    say(std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address +
        R"(.rig","x"]})");
  }
  void disconnect(pool::ConnectionId who) { shard.on_disconnect(who, clock.now); }
  // Ends the turn, and all that was appended is on disk.
  void settle() {
    shard.on_turn_end();
    if (!host.appends.empty()) shard.on_durable(host.appends.back().id);
  }
  void new_job(const JobOptions& options) {
    shard.on_new_job(make_job(options), false, {}, clock.now);
  }
  std::string submit_line(const Ground& share, std::uint64_t job, const std::string& id = "7",
                          const std::string& extra = "") {
    return R"({"id":)" + id + R"(,"method":"mining.submit","params":[")" + address + R"(.rig",")" +
           mining::job_id_text(mining::JobId{job}) + R"(",")" + share.extranonce2 + R"(",")" +
           base::u32_hex(static_cast<std::uint32_t>(start_seconds)) + R"(",")" +
           base::u32_hex(share.nonce) + "\"" + extra + "]}";
  }
};

// extranonce1 of the first connection of a shard made with test_options().
inline constexpr pool::Extranonce1 first_extranonce1{0, 3, 0, 0};

inline std::function<bool(const mining::ShareVerdict&)> meets(bitcoin::Difficulty difficulty) {
  return [target = bitcoin::Target256::from_difficulty(difficulty)](
             const mining::ShareVerdict& verdict) { return target.admits(verdict.hash.bytes); };
}
inline std::function<bool(const mining::ShareVerdict&)> misses(bitcoin::Difficulty difficulty) {
  return [meet = meets(difficulty)](const mining::ShareVerdict& verdict) { return !meet(verdict); };
}

}  // namespace pool_test
