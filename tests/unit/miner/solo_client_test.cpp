// Mining without a pool, on a real node's template: work, blocks, and what the node may answer.
#include "miner/solo_client.h"

#include "common/bitcoin/block.h"
#include "common/bitcoin/merkle.h"
#include "common/mining/block_template.h"
#include "miner/search.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace miner {
namespace {

using std::chrono::seconds;
using Kind = SoloAnswer::Kind;

struct RecordingHost final : SoloHost {
  std::vector<std::shared_ptr<const Work>> works;
  std::vector<ClientEvent> events;
  std::vector<SoloBlock> blocks;
  int templates_wanted = 0;

  void set_solo_work(std::shared_ptr<const Work> work) override {
    works.push_back(std::move(work));
  }
  void report_solo(const ClientEvent& event) override { events.push_back(event); }
  void submit_block(const SoloBlock& block) override { blocks.push_back(block); }
  void request_template() override { ++templates_wanted; }

  std::size_t told(ClientEventKind kind) const {
    std::size_t count = 0;
    for (const ClientEvent& event : events) count += event.kind == kind ? 1 : 0;
    return count;
  }
};

const base::Bytes payout_script =
    base::from_hex("00141111111111111111111111111111111111111111").value();

mining::BlockTemplate node_template(std::uint8_t tip = 0) {
  std::ifstream file(SOURCE_ROOT "/tests/unit/vectors/gbt_core_regtest.json");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto parsed = mining::parse_block_template(text);
  REQUIRE(parsed.has_value());
  if (tip != 0) parsed->prev_hash.bytes.fill(tip);
  return std::move(*parsed);
}

struct Solo {
  RecordingHost host;
  SoloClient client;
  base::MonoTime now{seconds(1000)};

  explicit Solo(bool dry_run = false, std::uint32_t version_mask = 0x1fffe000)
      : client(SoloClientOptions{payout_script, "/solo/", version_mask, dry_run, 7}, host) {}

  void new_template(std::uint8_t tip = 0) {
    REQUIRE(client.on_template(node_template(tip)).has_value());
  }
  // On regtest every second hash is one.
  std::vector<FoundShare> find(std::size_t count) {
    std::vector<FoundShare> found;
    Search search(0, 1, scan_kernels().back());
    search.set_work(host.works.back());
    while (found.size() < count) {
      (void)search.step(64, Appetite::shares, [&](FoundShare share) {
        found.push_back(std::move(share));
        return found.size() < count;
      });
    }
    return found;
  }
  void answer(Kind kind, std::string reason = {}) {
    client.on_answer(host.blocks.back().id, {kind, std::move(reason)}, now);
  }
  void pass(seconds time) {
    now += time;
    client.on_tick(now);
  }
};

TEST_CASE("a template becomes work at the network's target, and a share a whole block") {
  Solo solo;
  CHECK(solo.client.appetite() == Appetite::nothing);
  const mining::BlockTemplate made = node_template();
  solo.new_template();
  REQUIRE_EQ(solo.host.works.size(), 1);
  const Work& work = *solo.host.works[0];
  CHECK_EQ(work.share_target, made.network_target);
  CHECK_EQ(work.notify.ntime, made.curtime);
  CHECK_EQ(work.version_mask, 0x1fffe000);
  CHECK(solo.client.appetite() == Appetite::shares);

  for (const FoundShare& share : solo.find(20)) {  // of several versions
    REQUIRE(share.is_block);
    Solo another;
    another.new_template();
    another.client.on_share(share);
    REQUIRE_EQ(another.host.blocks.size(), 1);
    const auto block = bitcoin::parse_block(base::from_hex(another.host.blocks[0].hex).value());
    REQUIRE(block.has_value());
    CHECK_EQ(bitcoin::hash_header(block->header.serialize()), share.hash);
    CHECK_EQ(another.host.blocks[0].hash, share.hash);
    CHECK_EQ(another.host.blocks[0].height, made.height);
    CHECK_EQ((block->header.version ^ made.version) & ~0x1fffe000U, 0);
    REQUIRE_EQ(block->transactions.size(), made.txids.size() + 1);
    std::vector<bitcoin::Hash256> ids;
    for (const auto& transaction : block->transactions) {
      ids.emplace_back(transaction.txid().bytes);
    }
    for (std::size_t i = 0; i < made.txids.size(); ++i) CHECK_EQ(ids[i + 1], made.txids[i]);
    CHECK_EQ(block->header.merkle_root, bitcoin::merkle_root(ids));
    const bitcoin::Transaction& coinbase = block->transactions[0];
    CHECK_EQ(coinbase.outputs[0].script_pubkey, payout_script);
    CHECK_EQ(coinbase.outputs[0].value, made.coinbase_value);
    REQUIRE_EQ(coinbase.outputs.size(), 2);
    CHECK_EQ(coinbase.outputs[1].script_pubkey, *made.default_witness_commitment);
    const std::string_view script(
        reinterpret_cast<const char*>(coinbase.inputs[0].script_sig.data()),
        coinbase.inputs[0].script_sig.size());
    CHECK_NE(script.find("/solo/"), std::string_view::npos);
  }
}

TEST_CASE("versions are left alone where that is wanted") {
  Solo solo(false, 0);
  solo.new_template();
  CHECK_FALSE(solo.host.works[0]->version_mask.has_value());
  solo.client.on_share(solo.find(1)[0]);
  const auto block = bitcoin::parse_block(base::from_hex(solo.host.blocks.at(0).hex).value());
  CHECK_EQ(block->header.version, node_template().version);
}

TEST_CASE(
    "one block at a time for a tip, none more once the node has it, and on with the next tip") {
  Solo solo;
  solo.new_template(1);
  const std::vector<FoundShare> shares = solo.find(3);
  solo.client.on_share(shares[0]);
  CHECK(solo.client.appetite() == Appetite::nothing);
  CHECK(solo.client.awaits_answers());
  solo.client.on_share(shares[1]);
  CHECK_EQ(solo.host.blocks.size(), 1);
  solo.answer(Kind::accepted);
  CHECK_EQ(solo.host.templates_wanted, 1);
  CHECK_EQ(solo.host.told(ClientEventKind::accepted), 1);
  CHECK(solo.client.appetite() == Appetite::nothing);
  solo.client.on_share(shares[2]);
  CHECK_EQ(solo.host.blocks.size(), 1);
  CHECK_EQ(solo.client.counters().dropped_stale, 2);

  solo.new_template(2);
  CHECK(solo.client.appetite() == Appetite::shares);
  solo.client.on_share(solo.find(1)[0]);
  CHECK_EQ(solo.host.blocks.size(), 2);
  solo.answer(Kind::accepted);
  CHECK_EQ(solo.client.counters().blocks_found, 2);
  CHECK_EQ(solo.client.counters().blocks_accepted, 2);
  CHECK_FALSE(solo.client.awaits_answers());
}

TEST_CASE("a block found a moment before the tip changed is the node's to judge") {
  Solo solo;
  solo.new_template(1);
  const FoundShare late = solo.find(1)[0];
  solo.new_template(2);
  solo.client.on_share(late);
  CHECK_EQ(solo.host.blocks.size(), 1);
  CHECK(solo.client.appetite() == Appetite::shares);  // the new tip is free
  solo.answer(Kind::refused, "inconclusive");
  CHECK_EQ(solo.client.counters().rejected, 1);
}

TEST_CASE("a share of no job that is remembered is dropped") {
  Solo solo;
  solo.new_template(1);
  const FoundShare old = solo.find(1)[0];
  for (std::uint8_t tip = 2; tip < 20; ++tip) solo.new_template(tip);
  solo.client.on_share(old);
  CHECK(solo.host.blocks.empty());
  CHECK_EQ(solo.client.counters().dropped_stale, 1);
}

TEST_CASE("after a refusal it rests, longer each time, but not on a new tip") {
  Solo solo;
  solo.new_template(1);
  const std::vector<FoundShare> shares = solo.find(4);
  solo.client.on_share(shares[0]);
  solo.answer(Kind::refused, "bad-cb-amount\x1b[2J");
  CHECK_EQ(solo.client.counters().rejected, 1);
  CHECK_EQ(solo.client.counters().reject_reasons.counts().begin()->first, "bad-cb-amount?[2J");
  CHECK(solo.client.appetite() == Appetite::nothing);
  solo.client.on_share(shares[1]);
  CHECK_EQ(solo.client.counters().dropped_full, 1);
  solo.pass(seconds(1));
  CHECK(solo.client.appetite() == Appetite::shares);
  solo.client.on_share(shares[2]);
  solo.answer(Kind::refused, "bad-cb-amount");
  solo.pass(seconds(1));
  CHECK(solo.client.appetite() == Appetite::nothing);
  solo.pass(seconds(1));
  CHECK(solo.client.appetite() == Appetite::shares);
  solo.client.on_share(shares[3]);
  solo.answer(Kind::refused, "bad-cb-amount");
  solo.new_template(2);
  CHECK(solo.client.appetite() == Appetite::shares);
}

TEST_CASE("a block that the node can't be handed waits, also past the tip, and is told of once") {
  Solo solo;
  solo.new_template(1);
  solo.client.on_share(solo.find(1)[0]);
  solo.answer(Kind::unanswered, "connection refused");
  CHECK_EQ(solo.host.told(ClientEventKind::problem), 1);
  CHECK_FALSE(solo.client.awaits_answers());
  CHECK(solo.client.appetite() == Appetite::nothing);
  solo.pass(seconds(1));
  CHECK_EQ(solo.host.blocks.size(), 1);
  solo.pass(seconds(1));
  CHECK_EQ(solo.host.blocks.size(), 2);
  CHECK_EQ(solo.host.blocks[1].hex, solo.host.blocks[0].hex);
  solo.answer(Kind::unanswered, "connection refused");
  CHECK_EQ(solo.host.told(ClientEventKind::problem), 1);
  solo.new_template(2);
  solo.pass(seconds(2));
  CHECK_EQ(solo.host.blocks.size(), 3);
  solo.answer(Kind::accepted);
  CHECK_EQ(solo.client.counters().blocks_accepted, 1);
  CHECK(solo.client.appetite() == Appetite::shares);
}

TEST_CASE("open blocks are bounded, and at the end counted as lost") {
  Solo solo;
  for (std::uint8_t tip = 1; tip <= SoloClient::blocks_open_max + 1; ++tip) {
    solo.new_template(tip);
    solo.client.on_share(solo.find(1)[0]);
    if (tip <= SoloClient::blocks_open_max) solo.answer(Kind::unanswered, "away");
  }
  CHECK_EQ(solo.client.open_blocks(), SoloClient::blocks_open_max);
  CHECK_EQ(solo.client.counters().dropped_full, 1);
  solo.client.end();
  CHECK_EQ(solo.client.counters().unanswered_lost, SoloClient::blocks_open_max);
  CHECK_EQ(solo.client.open_blocks(), 0);
}

TEST_CASE("a dry run goes on with the tip after a while, and counts no block") {
  Solo solo(true);
  solo.new_template(1);
  const std::vector<FoundShare> shares = solo.find(2);
  solo.client.on_share(shares[0]);
  solo.answer(Kind::accepted);
  CHECK_EQ(solo.client.counters().accepted, 1);
  CHECK_EQ(solo.client.counters().blocks_accepted, 0);
  CHECK_EQ(solo.host.told(ClientEventKind::accepted), 0);
  CHECK(solo.client.appetite() == Appetite::nothing);
  solo.pass(seconds(10));
  CHECK(solo.client.appetite() == Appetite::shares);
  solo.client.on_share(shares[1]);
  CHECK_EQ(solo.host.blocks.size(), 2);
}

TEST_CASE(
    "no two jobs share a coinbase, nor two miners; a template that can't be mined is refused") {
  Solo solo;
  solo.new_template(1);
  solo.new_template(1);
  CHECK_NE(solo.host.works[0]->notify.coinb1, solo.host.works[1]->notify.coinb1);
  CHECK_NE(solo.host.works[0]->search_id, solo.host.works[1]->search_id);
  RecordingHost host;
  SoloClient other(SoloClientOptions{payout_script, "/solo/", 0, false, 8}, host);
  REQUIRE(other.on_template(node_template(1)).has_value());
  CHECK_NE(host.works[0]->notify.coinb1, solo.host.works[0]->notify.coinb1);

  mining::BlockTemplate full = node_template(2);
  full.weight_limit = 1000;
  const auto refused = solo.client.on_template(std::move(full));
  REQUIRE_FALSE(refused.has_value());
  CHECK_NE(refused.error().find("weighs more than its limit"), std::string::npos);
  CHECK_EQ(solo.host.works.size(), 2);  // what was mined goes on

  solo.client.suspend();
  REQUIRE_EQ(solo.host.works.size(), 3);
  CHECK_EQ(solo.host.works[2], nullptr);
  CHECK(solo.client.appetite() == Appetite::nothing);
  solo.client.suspend();
  CHECK_EQ(solo.host.works.size(), 3);
}

}  // namespace
}  // namespace miner
