#include "pool/core/block_courier.h"

#include "common/base/random.h"
#include "common/bitcoin/header.h"
#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;
using Kind = SubmitReport::Kind;
using Answer = SubmissionAnswer;

// Remembers what it was told to do; a test carries it out, in whatever order.
struct Host final : CourierHost {
  struct Sent {
    std::size_t node;
    bitcoin::BlockHash hash;
    std::uint32_t round;
    bool prefer;
  };
  std::vector<Sent> sent;
  std::vector<bitcoin::BlockHash> stores;
  std::vector<Fate> retired;
  std::vector<JournalRecord> journalled;
  std::vector<BlockOutcomeRecord> outcomes;
  std::vector<std::pair<std::uint32_t, bool>> told;  // shard, stored
  std::vector<std::size_t> tips;
  int known = 0;
  bool room = true;
  std::vector<BlockNews::What> news;

  void send(std::size_t node, const bitcoin::BlockHash& hash, const std::string& hex, bool prefer,
            std::uint32_t round) override {
    CHECK_FALSE(hex.empty());
    sent.push_back({node, hash, round, prefer});
  }
  void store(const VaultedBlock& block) override { stores.push_back(block.hash); }
  void retire(const bitcoin::BlockHash&, Fate fate) override { retired.push_back(fate); }
  void journal(const JournalRecord& record) override { journalled.push_back(record); }
  void journal_outcome(const BlockOutcomeRecord& outcome) override {
    journalled.push_back(outcome);
    outcomes.push_back(outcome);
  }
  bool journal_has_room() const override { return room; }
  void block_vaulted(ShardIndex shard, const bitcoin::BlockHash&, bool stored) override {
    told.emplace_back(shard.value, stored);
  }
  void became_tip(const bitcoin::BlockHash&, std::size_t node) override { tips.push_back(node); }
  void became_known(const bitcoin::BlockHash&) override { ++known; }
  void tell(const BlockNews& what) override { news.push_back(what.what); }

  // "candidate", "unreachable 0", "outcome": what the journal got, in order.
  std::string order() const {
    static const char* const names[] = {"accepted", "duplicate", "inconclusive", "rejected",
                                        "unreachable"};
    std::string text;
    for (const JournalRecord& record : journalled) {
      if (std::holds_alternative<BlockCandidateRecord>(record)) text += "candidate ";
      if (std::holds_alternative<BlockOutcomeRecord>(record)) text += "outcome ";
      if (const auto* said = std::get_if<BlockSubmissionRecord>(&record)) {
        text += said->node + ":" + names[static_cast<std::size_t>(said->answer)] + " ";
      }
    }
    return text;
  }
};

VaultedBlock make_block(std::uint32_t nonce, std::uint8_t parent = 1) {
  bitcoin::Header header;
  header.prev_hash.bytes.fill(parent);
  header.nonce = nonce;
  VaultedBlock block;
  block.hash = header.hash();
  block.hex = std::make_shared<const std::string>(base::to_hex(header.serialize()) + "01aabb");
  block.candidate = BlockCandidateRecord{};
  block.candidate->hash = block.hash;
  block.candidate->time_us = nonce;
  return block;
}

struct Bench {
  explicit Bench(std::size_t nodes) : courier(host, names(nodes)) {}
  static std::vector<std::string> names(std::size_t count) {
    std::vector<std::string> all{"a", "b", "c", "d"};
    all.resize(count);
    return all;
  }

  void found(const VaultedBlock& which, std::uint32_t shard = 0) {
    courier.on_found(which, ShardIndex{shard}, now);
  }
  // The last time it was sent to this node.
  std::uint32_t round(std::size_t node, const bitcoin::BlockHash& hash) const {
    std::uint32_t last = 0;
    for (const auto& each : host.sent) {
      if (each.node == node && each.hash == hash) last = each.round;
    }
    return last;
  }
  void answer(std::size_t node, const VaultedBlock& which, Kind kind, Answer what,
              const std::string& detail = {}) {
    courier.on_report(which.hash, node, round(node, which.hash), {kind, what, detail}, now);
  }
  void pass(std::chrono::milliseconds time) {
    now.mono += time;
    courier.on_tick(now);
  }
  std::size_t sent_to(std::size_t node) const {
    return static_cast<std::size_t>(std::count_if(
        host.sent.begin(), host.sent.end(), [&](const auto& each) { return each.node == node; }));
  }

  const VaultedBlock block = make_block(1);
  Host host;
  BlockCourier courier;
  base::Instant now{base::MonoTime{1h}, base::WallTime{}};
};

}  // namespace

TEST_CASE("a block goes everywhere at once and leaves the vault when its outcome is on disk") {
  Bench b(2);
  b.found(b.block, 3);
  CHECK_EQ(b.host.stores.size(), 1);
  CHECK_EQ(b.host.sent.size(), 2);
  CHECK_EQ(b.host.order(), "candidate ");
  b.answer(0, b.block, Kind::new_tip, Answer::accepted);
  CHECK_EQ(b.host.order(), "candidate a:accepted outcome ");
  CHECK(b.host.told.empty());
  b.courier.on_stored(b.block.hash, {}, b.now);
  CHECK(b.host.told == std::vector<std::pair<std::uint32_t, bool>>{{3, true}});
  CHECK(b.host.retired.empty());
  CHECK_FALSE(b.courier.is_quiet());
  b.courier.on_outcome_durable(b.block.hash, b.now);
  CHECK_EQ(b.host.retired.size(), 1);
  CHECK(b.courier.is_quiet());
  b.answer(1, b.block, Kind::in_chain, Answer::duplicate);
  CHECK_EQ(b.host.order(), "candidate a:accepted outcome b:duplicate ");
  CHECK_EQ(b.courier.answers(1).count(Answer::duplicate), 1);
  CHECK(b.host.tips == std::vector<std::size_t>{0});
  b.pass(1s);
  CHECK_EQ(b.courier.open(), 0);
}

TEST_CASE("an outcome that is on disk before the block is does not leave it in the vault") {
  Bench b(1);
  b.found(b.block);
  b.answer(0, b.block, Kind::new_tip, Answer::accepted);
  b.courier.on_outcome_durable(b.block.hash, b.now);
  CHECK(b.host.retired.empty());
  CHECK_FALSE(b.courier.is_quiet());
  b.courier.on_stored(b.block.hash, {}, b.now);
  CHECK_EQ(b.host.retired.size(), 1);
}

TEST_CASE("when the vault fails, the miner waits until a node has the block") {
  Bench b(2);
  b.found(b.block, 7);
  b.courier.on_stored(b.block.hash, "disk full", b.now);
  CHECK(b.host.told.empty());
  b.answer(0, b.block, Kind::failed, Answer::unreachable, "refused");
  CHECK(b.host.told.empty());
  SUBCASE("a node has it") {
    b.answer(1, b.block, Kind::side_chain, Answer::inconclusive);
    CHECK(b.host.told == std::vector<std::pair<std::uint32_t, bool>>{{7, false}});
  }
  SUBCASE("the disk has room again") {
    b.pass(4999ms);
    CHECK_EQ(b.host.stores.size(), 1);
    b.pass(1ms);
    CHECK_EQ(b.host.stores.size(), 2);
    b.courier.on_stored(b.block.hash, {}, b.now);
    CHECK(b.host.told == std::vector<std::pair<std::uint32_t, bool>>{{7, true}});
  }
}

TEST_CASE("a node that was away gets the block although another has settled it") {
  Bench b(2);
  b.found(b.block);
  b.courier.on_stored(b.block.hash, {}, b.now);
  b.answer(0, b.block, Kind::new_tip, Answer::accepted);
  b.answer(1, b.block, Kind::failed, Answer::unreachable, "refused");
  b.courier.on_outcome_durable(b.block.hash, b.now);
  CHECK_EQ(b.host.retired.size(), 1);
  CHECK(b.courier.is_quiet());
  const std::size_t before = b.sent_to(1);
  b.courier.on_node_up(1, b.now);
  CHECK_EQ(b.sent_to(1), before + 1);
  b.answer(1, b.block, Kind::in_chain, Answer::duplicate);
  CHECK_EQ(b.host.order(), "candidate a:accepted outcome b:unreachable b:duplicate ");
  b.pass(1s);
  CHECK_EQ(b.courier.open(), 0);
  CHECK_EQ(b.host.outcomes.size(), 1);
}

TEST_CASE("a settled block is offered to who is away for an hour, and only the newest few are") {
  Bench b(2);
  std::vector<VaultedBlock> blocks;
  for (std::uint32_t i = 0; i < limits::blocks_offered_max + 5; ++i) {
    blocks.push_back(make_block(i));
    b.found(blocks.back());
    b.courier.on_stored(blocks.back().hash, {}, b.now);
    b.answer(0, blocks.back(), Kind::new_tip, Answer::accepted);
    b.courier.on_outcome_durable(blocks.back().hash, b.now);
    b.now.mono += 1s;
  }
  b.pass(0ms);
  CHECK_EQ(b.courier.open(), limits::blocks_offered_max);
  CHECK_FALSE(b.courier.knows(blocks[4].hash));
  CHECK(b.courier.knows(blocks[5].hash));
  b.pass(limits::block_offered_for);
  CHECK_EQ(b.courier.open(), 0);
}

TEST_CASE("attempts slow down, and a node that comes up need not wait") {
  Bench b(1);
  b.found(b.block);
  std::vector<std::chrono::milliseconds> pauses;
  for (int i = 0; i < 12; ++i) {
    b.answer(0, b.block, Kind::failed, Answer::unreachable, "refused");
    const std::size_t before = b.host.sent.size();
    std::chrono::milliseconds pause{};
    while (b.host.sent.size() == before) {
      b.pass(50ms);
      pause += 50ms;
    }
    pauses.push_back(pause);
  }
  CHECK_EQ(pauses[0], 250ms);
  CHECK_EQ(pauses[1], 500ms);
  CHECK_EQ(pauses[6], 16s);
  CHECK_EQ(pauses[11], 30s);
  // One record and one line, however often.
  CHECK_EQ(b.host.order(), "candidate a:unreachable ");
  CHECK_EQ(std::count(b.host.news.begin(), b.host.news.end(), BlockNews::What::send_failed), 1);
  b.answer(0, b.block, Kind::failed, Answer::unreachable, "reset");
  const std::size_t before = b.host.sent.size();
  b.courier.on_node_up(0, b.now);
  CHECK_EQ(b.host.sent.size(), before + 1);
}

TEST_CASE("a node that comes up while an answer is overdue gets the block once more") {
  Bench b(1);
  b.found(b.block);
  b.courier.on_node_up(0, b.now);
  CHECK_EQ(b.host.sent.size(), 1);  // the answer is not overdue
  b.now.mono += 2s;
  b.courier.on_node_up(0, b.now);
  REQUIRE_EQ(b.host.sent.size(), 2);
  SUBCASE("the old connection's failure says nothing") {
    b.courier.on_report(b.block.hash, 0, 1, {Kind::failed, Answer::unreachable, "cut"}, b.now);
    b.pass(1h);
    CHECK_EQ(b.host.sent.size(), 2);
    CHECK_EQ(b.host.order(), "candidate ");
  }
  SUBCASE("its answer counts, and the other's then does not") {
    b.courier.on_report(b.block.hash, 0, 1, {Kind::new_tip, Answer::accepted, ""}, b.now);
    b.courier.on_report(b.block.hash, 0, 2, {Kind::in_chain, Answer::duplicate, "duplicate"},
                        b.now);
    CHECK_EQ(b.host.order(), "candidate a:accepted outcome ");
  }
}

TEST_CASE("each change of a node's answer is a record, and there are not many of them") {
  Bench b(1);
  b.found(b.block);
  const auto then = [&](Kind kind, Answer answer, const char* detail) {
    b.answer(0, b.block, kind, answer, detail);
    b.courier.on_node_up(0, b.now);
  };
  then(Kind::failed, Answer::unreachable, "refused");
  then(Kind::failed, Answer::unreachable, "timeout");
  then(Kind::not_yet, Answer::rejected, "prev-blk-not-found");
  then(Kind::not_yet, Answer::rejected, "prev-blk-not-found");
  then(Kind::failed, Answer::unreachable, "refused");
  CHECK_EQ(b.host.order(), "candidate a:unreachable a:rejected a:unreachable ");
  CHECK_EQ(b.courier.answers(0).count(Answer::unreachable), 2);
  for (int i = 0; i < 100; ++i) {
    then(Kind::not_yet, Answer::rejected, "time-too-new");
    then(Kind::failed, Answer::unreachable, "refused");
  }
  CHECK_EQ(b.host.journalled.size(), 1 + limits::block_answers_kept_max);
  then(Kind::new_tip, Answer::accepted, "");
  CHECK_EQ(b.host.order().substr(b.host.order().size() - 19), "a:accepted outcome ");
}

TEST_CASE("a full journal costs records of answers that may change, never the last") {
  Bench b(1);
  b.found(b.block);
  b.host.room = false;
  b.answer(0, b.block, Kind::failed, Answer::unreachable, "refused");
  b.courier.on_node_up(0, b.now);
  b.answer(0, b.block, Kind::rejected, Answer::rejected, "bad-txns");
  CHECK_EQ(b.host.order(), "candidate a:rejected outcome ");
}

TEST_CASE("of own blocks on one parent only the first may be preferred") {
  Bench b(1);
  const VaultedBlock first = make_block(1);
  const VaultedBlock second = make_block(2);
  const VaultedBlock elsewhere = make_block(3, 9);
  b.found(first);
  b.found(second);
  b.found(elsewhere);
  REQUIRE_EQ(b.host.sent.size(), 3);
  CHECK(b.host.sent[0].prefer);
  CHECK_FALSE(b.host.sent[1].prefer);
  CHECK(b.host.sent[2].prefer);
  SUBCASE("also when the first has gone home") {
    b.answer(0, first, Kind::new_tip, Answer::accepted);
    b.courier.on_stored(first.hash, {}, b.now);
    b.courier.on_outcome_durable(first.hash, b.now);
    CHECK_FALSE(b.courier.knows(first.hash));
    b.found(make_block(4));
    CHECK_FALSE(b.host.sent.back().prefer);
  }
  SUBCASE("but not when it was refused") {
    b.answer(0, first, Kind::rejected, Answer::rejected, "bad-txns");
    b.found(make_block(4));
    CHECK(b.host.sent.back().prefer);
  }
}

TEST_CASE("of the vault's blocks the one found first is the first") {
  Bench b(1);
  VaultedBlock late = make_block(1);
  VaultedBlock early = make_block(2);
  late.candidate->time_us = 200;
  early.candidate->time_us = 100;
  b.courier.resume({late, early}, b.now);
  REQUIRE_EQ(b.host.sent.size(), 2);
  CHECK_EQ(b.host.sent[0].hash, early.hash);
  CHECK(b.host.sent[0].prefer);
  CHECK_FALSE(b.host.sent[1].prefer);
  CHECK(b.host.stores.empty());
  CHECK_EQ(b.host.order(), "candidate candidate ");
}

namespace {

// Nodes, vault, journal and clock that do what they like, in whatever order.
struct Chaos : Bench {
  Chaos(std::uint64_t seed, std::size_t nodes) : Bench(nodes), random(seed), node_count(nodes) {
    found(block, 0);
  }

  void report(std::size_t index, Kind kind) {
    static constexpr Answer as[] = {Answer::accepted, Answer::duplicate, Answer::inconclusive,
                                    Answer::rejected, Answer::rejected,  Answer::unreachable};
    const Host::Sent sent = host.sent[index];
    answered.insert(index);
    const bool had_outcome = !host.outcomes.empty();
    const bool is_final = kind != Kind::failed && kind != Kind::not_yet;
    courier.on_report(sent.hash, sent.node, sent.round, {kind, as[static_cast<int>(kind)], "why"},
                      now);
    if (!is_final || !spoke.insert(sent.node).second) return;
    in_chain = in_chain || kind == Kind::new_tip || kind == Kind::in_chain;
    any_known = any_known || kind != Kind::rejected;
    if (had_outcome || !in_chain) return;
    REQUIRE_EQ(host.outcomes.size(), 1);
    CHECK(host.outcomes[0].status == BlockStatus::accepted);
  }
  void report_something(bool settle) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < host.sent.size(); ++i) {
      if (!answered.contains(i)) open.push_back(i);
    }
    if (open.empty()) return;
    report(open[random.below(open.size())], static_cast<Kind>(random.below(settle ? 4 : 6)));
  }
  void store(bool settle) {
    if (stores_answered == host.stores.size()) return;
    ++stores_answered;
    courier.on_stored(block.hash, settle || random.below(2) == 0 ? "" : "full", now);
  }
  void sync_outcome() {
    if (host.outcomes.empty() || std::exchange(outcome_synced, true)) return;
    courier.on_outcome_durable(block.hash, now);
  }
  // `settle`: only what brings the end nearer.
  void step(bool settle) {
    const std::size_t sends_before = host.sent.size();
    switch (random.below(settle ? 3 : 7)) {
      case 0:
        report_something(settle);
        break;
      case 1:
        store(settle);
        break;
      case 2:
        sync_outcome();
        break;
      case 3:
        courier.on_node_up(random.below(node_count), now);
        break;
      case 4:
        if (courier.knows(block.hash)) found(block, shards++);
        break;
      default:
        pass(std::chrono::milliseconds(random.below(3000)));
    }
    for (std::size_t i = sends_before; i < host.sent.size(); ++i) {
      CHECK_FALSE(spoke.contains(host.sent[i].node));
    }
    CHECK_LE(host.outcomes.size(), 1);
    CHECK_LE(host.retired.size(), outcome_synced ? 1 : 0);
  }
  void check_end() const {
    REQUIRE_EQ(host.outcomes.size(), 1);
    CHECK_EQ(host.order().rfind("candidate", 0), 0);
    CHECK(courier.is_quiet());
    CHECK_EQ(courier.open(), 0);
    const BlockStatus status = host.outcomes[0].status;
    std::vector<std::uint32_t> told;
    for (const auto& [shard, stored] : host.told) {
      told.push_back(shard);
      CHECK((stored || any_known || status == BlockStatus::rejected));
    }
    std::sort(told.begin(), told.end());
    REQUIRE_EQ(told.size(), shards);
    for (std::uint32_t i = 0; i < shards; ++i) CHECK_EQ(told[i], i);
    CHECK_EQ(host.known, status == BlockStatus::rejected ? 0 : 1);
    if (status == BlockStatus::accepted) CHECK(in_chain);
    if (status == BlockStatus::rejected) CHECK_FALSE(any_known);
  }

  base::Random random;
  std::size_t node_count;
  std::set<std::size_t> answered;  // sends, by their place in host.sent
  std::set<std::size_t> spoke;     // nodes
  bool in_chain = false;
  bool any_known = false;
  bool outcome_synced = false;
  std::size_t stores_answered = 0;
  std::uint32_t shards = 1;
};

}  // namespace

// One outcome, one leaving of the vault, every miner answered once, and no block sent to who has
// spoken.
TEST_CASE("any order of answers leads to one outcome and one leaving") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    Chaos chaos(seed, 1 + seed % 4);
    for (int i = 0; i < 60; ++i) chaos.step(false);
    for (int i = 0; i < 400 && chaos.courier.open() > 0; ++i) {
      chaos.step(true);
      chaos.pass(31s);
    }
    chaos.check_end();
  }
}

}  // namespace pool
