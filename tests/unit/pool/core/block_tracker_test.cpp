#include "pool/core/block_tracker.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using pool::BlockState;
using pool::BlockTracker;
using pool::ChainBlock;

// Blocks of a made-up chain: the number says which, the height where.
bitcoin::BlockHash hash_of(std::uint32_t n) {
  bitcoin::BlockHash hash;
  for (std::size_t i = 0; i < 4; ++i) hash.bytes[i] = static_cast<std::uint8_t>(n >> (8 * i));
  hash.bytes[31] = 1;
  return hash;
}

// A node's view: all blocks it knows, and which one is its tip.
class FakeChain {
 public:
  // Appends a block to `parent` (its number) and returns the new one's.
  std::uint32_t add(std::uint32_t parent) {
    const std::uint32_t n = next_++;
    blocks_[hash_of(n)] = {hash_of(n), hash_of(parent), height_of(parent) + 1};
    return n;
  }
  explicit FakeChain(std::uint32_t genesis_height = 0) {
    blocks_[hash_of(0)] = {hash_of(0), {}, genesis_height};
  }
  std::uint32_t height_of(std::uint32_t n) const { return blocks_.at(hash_of(n)).height; }
  bool knows(const bitcoin::BlockHash& hash) const { return blocks_.contains(hash); }
  const ChainBlock& block(const bitcoin::BlockHash& hash) const { return blocks_.at(hash); }
  // The block at `height` of the chain that ends in `tip`.
  std::optional<bitcoin::BlockHash> at(std::uint32_t tip, std::uint32_t height) const {
    const ChainBlock* block = &blocks_.at(hash_of(tip));
    if (block->height < height) return std::nullopt;
    while (block->height > height) block = &blocks_.at(block->prev_hash);
    return block->hash;
  }

 private:
  std::map<bitcoin::BlockHash, ChainBlock> blocks_;
  std::uint32_t next_ = 1;
};

// A tracker with a node whose answers come when the test says so.
struct Bench final : pool::ChainHost {
  explicit Bench(std::uint32_t genesis_height = 0) : chain(genesis_height) {}
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  bool ask_header(const bitcoin::BlockHash& hash) override {
    REQUIRE_FALSE(open());
    if (away) return false;
    ++questions;
    header_asked = hash;
    return true;
  }
  bool ask_hash_at(std::uint32_t height) override {
    REQUIRE_FALSE(open());
    if (away) return false;
    ++questions;
    height_asked = height;
    return true;
  }
  bool journal(const pool::JournalRecord& record) override {
    if (journal_full) return false;
    if (const auto* state = std::get_if<pool::BlockStateRecord>(&record)) {
      const char* names[] = {"in_chain", "orphaned", "confirmed"};
      const auto index = static_cast<std::size_t>(state->state);
      said += (said.empty() ? "" : " ") + number(state->hash) + ":" + names[index];
      CHECK_EQ(state->height, chain.block(state->hash).height);
      CHECK_EQ(state->time_us, now.unix_micros());
      states[state->hash] = state->state;
    } else {
      const auto& at = std::get<pool::ChainTipRecord>(record);
      tips += (tips.empty() ? "" : " ") + number(at.hash);
      CHECK_EQ(at.height, chain.block(at.hash).height);
      CHECK(at.prev_hash == chain.block(at.hash).prev_hash);
    }
    return true;
  }

  static std::string number(const bitcoin::BlockHash& hash) {
    return std::to_string(hash.bytes[0] + 256 * hash.bytes[1] + 65536 * hash.bytes[2]);
  }
  bool open() const { return header_asked || height_asked; }
  // Answers the open question as the node stands.
  void answer() {
    if (const auto hash = std::exchange(header_asked, std::nullopt)) {
      tracker.on_header(chain.knows(*hash) ? std::optional(chain.block(*hash)) : std::nullopt, now);
    } else if (const auto height = std::exchange(height_asked, std::nullopt)) {
      tracker.on_hash_at(chain.at(tip, *height), now);
    }
  }
  void answer_all() {
    while (open()) answer();
  }
  void fail() {
    header_asked.reset();
    height_asked.reset();
    tracker.on_no_answer(now);
  }
  // The node's tip is this, and it says so.
  void set_tip(std::uint32_t n) {
    tip = n;
    tracker.on_tip({hash_of(n), pool::TipSource::poll, {}, {}, {}}, now);
  }
  // Extends the tip by `count` blocks, each announced and looked up.
  void mine(int count) {
    for (int i = 0; i < count; ++i) {
      set_tip(chain.add(tip));
      answer_all();
    }
  }
  // The pool's own block on top of `parent`.
  std::uint32_t own(std::uint32_t parent) {
    const std::uint32_t n = chain.add(parent);
    tracker.on_block(hash_of(n), chain.height_of(n), now);
    return n;
  }
  void pass(std::chrono::milliseconds time) {
    now.mono += time;
    now.wall += time;
    tracker.on_tick(now);
  }
  std::string take_said() { return std::exchange(said, {}); }

  FakeChain chain;
  std::uint32_t tip = 0;
  base::Instant now{base::MonoTime{} + 1h, base::WallTime{} + 24h};
  bool away = false;
  bool journal_full = false;
  int questions = 0;
  std::optional<bitcoin::BlockHash> header_asked;
  std::optional<std::uint32_t> height_asked;
  std::string said;  // "5:in_chain 5:orphaned"
  std::string tips;
  std::map<bitcoin::BlockHash, BlockState> states;
  BlockTracker tracker{*this};
};

struct Words {
  std::size_t confirmed = 0;
  std::size_t orphaned = 0;
};

// Whether what was said last of each of our blocks is what the node's chain says.
void check_words(Bench& b, const std::vector<std::uint32_t>& ours, bool switched, Words& words) {
  const std::uint32_t tip_height = b.chain.height_of(b.tip);
  for (const std::uint32_t n : ours) {
    CAPTURE(n);
    const std::uint32_t height = b.chain.height_of(n);
    const bool in_chain = b.chain.at(b.tip, height) == hash_of(n);
    const auto said = b.states.find(hash_of(n));
    if (said == b.states.end()) {
      CHECK_FALSE(in_chain);
      CHECK(height > tip_height);
    } else if (said->second == BlockState::confirmed) {
      ++words.confirmed;
      CHECK(in_chain);
    } else if (said->second == BlockState::in_chain) {
      // A node that is behind those before it does not take their word back.
      CHECK((in_chain || (height > tip_height && switched)));
      CHECK((height > tip_height || tip_height - height + 1 < pool::coinbase_maturity));
    } else {
      ++words.orphaned;
      CHECK_FALSE(in_chain);
    }
  }
}

}  // namespace

TEST_CASE("a block that is the tip is in the chain, without a question about it") {
  Bench b;
  b.mine(3);
  const int before = b.questions;
  const std::uint32_t mine = b.own(b.tip);
  b.answer_all();  // its height: the node has not got so far
  CHECK_EQ(b.take_said(), "");
  b.set_tip(mine);
  b.answer_all();
  CHECK_EQ(b.take_said(), "4:in_chain");
  CHECK_EQ(b.questions, before + 2);  // that, and the tip's header
}

TEST_CASE("a block that was announced before the node answered is in the chain likewise") {
  Bench b;
  b.mine(3);
  const int before = b.questions;
  b.tracker.on_block(hash_of(3), 3, b.now);
  CHECK_EQ(b.questions, before);
  CHECK_EQ(b.take_said(), "3:in_chain");
}

TEST_CASE("a block that the node took before it was announced is looked up at once") {
  Bench b;
  b.mine(3);
  const std::uint32_t mine = b.chain.add(b.tip);
  b.tip = mine;
  b.tracker.on_block(hash_of(mine), 4, b.now);
  b.answer_all();
  CHECK_EQ(b.take_said(), "4:in_chain");
}

TEST_CASE("each new tip is journalled once") {
  Bench b;
  b.mine(2);
  b.set_tip(b.tip);
  b.set_tip(b.tip);
  CHECK_FALSE(b.open());
  b.mine(1);
  CHECK_EQ(b.tips, "1 2 3");
}

TEST_CASE("a tip whose header was announced needs no question") {
  Bench b;
  b.mine(1);
  const std::uint32_t n = b.own(1);
  b.answer_all();
  bitcoin::Header header;
  header.prev_hash = hash_of(1);
  const int before = b.questions;
  b.tip = n;
  b.tracker.on_tip({hash_of(n), pool::TipSource::zmq_rawblock, header, 2, {}}, b.now);
  CHECK_EQ(b.questions, before);
  CHECK_EQ(b.take_said(), "2:in_chain");
  CHECK_EQ(b.tips, "1 2");
  SUBCASE("but one that does not follow makes the others doubtful") {
    const std::uint32_t other = b.chain.add(b.chain.add(1));
    header.prev_hash = hash_of(3);
    b.tip = other;
    b.tracker.on_tip({hash_of(other), pool::TipSource::zmq_rawblock, header, 3, {}}, b.now);
    b.answer_all();
    CHECK_EQ(b.take_said(), "2:orphaned");
  }
  SUBCASE("a height that no chain has is not believed") {
    b.tracker.on_tip({hash_of(77), pool::TipSource::zmq_rawblock, header, 0x80000000, {}}, b.now);
    CHECK(b.open());
    CHECK_EQ(b.tracker.tip()->height, 2);
  }
}

TEST_CASE("while the chain only grows, a block costs one question more: at 100 confirmations") {
  Bench b;
  b.mine(1);
  const std::uint32_t mine = b.own(1);
  b.set_tip(mine);
  b.answer_all();
  CHECK_EQ(b.take_said(), "2:in_chain");
  int before = b.questions;
  b.mine(98);
  CHECK_EQ(b.questions, before + 98);  // the tips' headers
  CHECK_EQ(b.said, "");
  CHECK_EQ(b.tracker.blocks_followed(), 1);
  before = b.questions;
  b.mine(1);
  CHECK_EQ(b.questions, before + 2);
  CHECK_EQ(b.take_said(), "2:confirmed");
  CHECK_EQ(b.tracker.blocks_followed(), 0);
  b.mine(3);
  CHECK_EQ(b.said, "");
}

TEST_CASE("nothing is confirmed before the node has said so") {
  Bench b;
  b.set_tip(b.own(0));
  b.answer_all();
  b.mine(98);
  b.take_said();
  b.set_tip(b.chain.add(b.tip));
  b.answer();  // the header
  CHECK(b.height_asked == 1U);
  CHECK_EQ(b.said, "");
  CHECK_EQ(b.tracker.blocks_followed(), 1);
  SUBCASE("it says so") {
    b.answer();
    CHECK_EQ(b.take_said(), "1:confirmed");
  }
  SUBCASE("it does not answer") {
    b.fail();
    b.pass(pool::limits::chain_question_pause);
    b.answer();
    CHECK_EQ(b.take_said(), "1:confirmed");
  }
  SUBCASE("its chain is another one after all") {
    b.height_asked.reset();
    b.tracker.on_hash_at(hash_of(99'999), b.now);
    CHECK_EQ(b.take_said(), "1:orphaned");
  }
}

TEST_CASE("a reorganisation orphans a block, and another brings it back") {
  Bench b;
  b.mine(5);
  const std::uint32_t mine = b.own(5);
  b.set_tip(mine);
  b.answer_all();
  b.mine(2);
  CHECK_EQ(b.take_said(), "6:in_chain");
  const std::uint32_t old_tip = b.tip;
  std::uint32_t other = 5;
  for (int i = 0; i < 4; ++i) other = b.chain.add(other);
  b.set_tip(other);
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:orphaned");
  b.mine(3);
  CHECK_EQ(b.said, "");
  std::uint32_t longer = old_tip;
  for (int i = 0; i < 6; ++i) longer = b.chain.add(longer);
  b.set_tip(longer);
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:in_chain");
  b.mine(100);
  CHECK_EQ(b.take_said(), "6:confirmed");
}

TEST_CASE("the chain may end below a block: invalidateblock, and reconsiderblock") {
  Bench b;
  b.mine(5);
  const std::uint32_t mine = b.own(5);
  b.set_tip(mine);
  b.answer_all();
  b.mine(1);
  const std::uint32_t above = b.tip;
  b.take_said();
  b.set_tip(5);
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:orphaned");
  b.set_tip(above);
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:in_chain");
  CHECK_EQ(b.tips, "1 2 3 4 5 6 7 5 7");
}

TEST_CASE("a block stays orphaned beside the one that won, and is forgotten when it is as deep") {
  Bench b;
  b.mine(5);
  const std::uint32_t lost = b.own(5);
  b.mine(1);  // another at its height
  CHECK_EQ(b.take_said(), Bench::number(hash_of(lost)) + ":orphaned");
  b.mine(98);
  CHECK_EQ(b.tracker.blocks_followed(), 1);
  b.mine(1);
  CHECK_EQ(b.tracker.blocks_followed(), 0);
  CHECK_EQ(b.said, "");
}

TEST_CASE("there and back, faster than the node answers, is looked into") {
  Bench b;
  b.mine(5);
  b.set_tip(b.own(5));
  b.answer_all();
  const std::uint32_t mine = b.tip;
  b.take_said();
  b.pass(pool::limits::chain_recheck);  // a question is open …
  REQUIRE(b.height_asked);
  std::uint32_t other = 5;
  for (int i = 0; i < 4; ++i) other = b.chain.add(other);
  b.tip = other;
  b.answer();  // … and answered while the other branch is the best
  CHECK_EQ(b.take_said(), std::to_string(mine) + ":orphaned");
  b.set_tip(other);
  b.set_tip(mine);
  b.answer_all();
  CHECK_EQ(b.take_said(), std::to_string(mine) + ":in_chain");
  SUBCASE("also when it ends one block further") {
    b.set_tip(other);
    b.pass(0ms);
    b.tip = other;
    const std::uint32_t next = b.chain.add(mine);
    b.tracker.on_tip({hash_of(next), pool::TipSource::poll, {}, {}, {}}, b.now);
    b.tip = next;
    const int before = b.questions;
    b.answer_all();
    CHECK_GE(b.questions, before + 2);  // the new tip's header, and the block
    CHECK_EQ(b.said, "");
  }
}

TEST_CASE("an answer from before a reorganisation does not count after it") {
  Bench b;
  b.mine(5);
  b.set_tip(b.own(5));
  b.answer_all();
  b.take_said();
  b.pass(pool::limits::chain_recheck);
  REQUIRE(b.height_asked == 6U);
  // Meanwhile a tip with its header: the chain goes another way.
  bitcoin::Header header;
  const std::uint32_t other = b.chain.add(b.chain.add(5));
  header.prev_hash = b.chain.block(hash_of(other)).prev_hash;
  b.tracker.on_tip({hash_of(other), pool::TipSource::zmq_rawblock, header, 7, {}}, b.now);
  b.answer();  // in the chain, says the node of a moment ago
  CHECK_EQ(b.said, "");
  b.tip = other;
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:orphaned");
}

TEST_CASE("another node is asked about everything, and one that is behind orphans nothing") {
  Bench b;
  b.mine(5);
  b.set_tip(b.own(5));
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:in_chain");
  b.tracker.on_node_changed(b.now);
  CHECK_FALSE(b.tracker.tip().has_value());
  b.pass(1s);
  CHECK_FALSE(b.open());  // not before it told its tip
  SUBCASE("it is behind, catches up, and agrees") {
    b.set_tip(4);
    b.answer_all();
    CHECK_EQ(b.said, "");
    b.set_tip(6);
    b.answer_all();
    CHECK_EQ(b.said, "");
  }
  SUBCASE("it has another chain") {
    b.set_tip(b.chain.add(5));
    b.answer_all();
    CHECK_EQ(b.take_said(), "6:orphaned");
  }
  SUBCASE("it is behind, and goes another way") {
    b.set_tip(5);
    b.answer_all();
    CHECK_EQ(b.said, "");
    b.mine(1);
    CHECK_EQ(b.take_said(), "6:orphaned");
  }
}

TEST_CASE("what the node before was asked is asked again of the next") {
  Bench b;
  b.mine(5);
  b.own(5);
  REQUIRE(b.open());
  b.height_asked.reset();  // never answered
  b.tracker.on_node_changed(b.now);
  b.set_tip(6);
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:in_chain");
}

TEST_CASE(
    "a question without an answer is repeated after a pause, and so is one nobody could take") {
  Bench b;
  b.mine(5);
  b.pass(1s);  // the look at everything is not due again for long
  const std::uint32_t n = b.chain.add(5);
  b.tip = n;
  SUBCASE("the node did not answer") {
    b.tracker.on_block(hash_of(n), 6, b.now);
    b.fail();
    b.pass(pool::limits::chain_question_pause - 1ms);
    CHECK_FALSE(b.open());
    b.pass(1ms);
  }
  SUBCASE("there was no node") {
    b.away = true;
    b.tracker.on_block(hash_of(n), 6, b.now);
    CHECK_FALSE(b.open());
    b.away = false;
    b.pass(1s);
  }
  SUBCASE("the tip's header") {
    b.set_tip(n);
    b.fail();
    b.tracker.on_block(hash_of(n), 6, b.now);
    b.pass(pool::limits::chain_question_pause);
    REQUIRE(b.header_asked);
  }
  SUBCASE("the tip's header was not known yet") {
    b.set_tip(n);
    b.header_asked.reset();
    b.tracker.on_header(std::nullopt, b.now);
    b.tracker.on_block(hash_of(n), 6, b.now);
    b.pass(pool::limits::chain_question_pause);
    REQUIRE(b.header_asked);
  }
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:in_chain");
}

TEST_CASE("a block without its height is found by its header, as soon as the node has that") {
  Bench b;
  b.mine(5);
  b.tracker.on_block(hash_of(3), std::nullopt, b.now);
  b.tracker.on_block(hash_of(3), std::nullopt, b.now);
  b.tracker.on_block(hash_of(6), std::nullopt, b.now);
  CHECK_EQ(b.tracker.blocks_followed(), 2);
  b.answer_all();
  CHECK_EQ(b.take_said(), "3:in_chain");
  CHECK_EQ(b.tracker.blocks_followed(), 2);
  b.tip = b.chain.add(b.chain.add(5));  // 6, and 7 on it
  b.pass(1s);
  b.answer_all();
  b.pass(1s);
  CHECK_FALSE(b.open());  // not asked every second
  SUBCASE("a tip that does not follow") { b.set_tip(b.tip); }
  SUBCASE("another node") {
    b.tracker.on_node_changed(b.now);
    b.set_tip(b.tip);
  }
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:in_chain");
}

TEST_CASE("after a restart, what became of a block meanwhile is said") {
  Bench b;
  b.mine(5);
  const std::uint32_t fresh = b.own(5);
  b.set_tip(fresh);
  const std::uint32_t lost = b.own(5);
  b.answer_all();
  b.mine(150);
  Bench after;
  after.chain = b.chain;
  after.tracker.on_block(hash_of(fresh), 6, after.now);
  after.tracker.on_block(hash_of(lost), 6, after.now);
  after.tracker.on_block(hash_of(b.tip), b.chain.height_of(b.tip), after.now);
  after.set_tip(b.tip);
  after.answer_all();
  CHECK_EQ(after.states.size(), 3);
  CHECK(after.states[hash_of(fresh)] == BlockState::confirmed);
  CHECK(after.states[hash_of(lost)] == BlockState::orphaned);
  CHECK(after.states[hash_of(b.tip)] == BlockState::in_chain);
  CHECK_EQ(after.tracker.blocks_followed(), 1);
}

TEST_CASE("a journal without room is offered everything again, and nothing is forgotten before") {
  Bench b;
  b.mine(1);
  b.journal_full = true;
  b.set_tip(b.own(1));
  b.answer_all();
  b.mine(120);
  CHECK_EQ(b.said, "");
  CHECK_EQ(b.tracker.blocks_followed(), 1);
  b.journal_full = false;
  b.pass(1s);
  CHECK_EQ(b.take_said(), "2:confirmed");
  CHECK_EQ(b.tips, "1 " + std::to_string(b.tip));
  CHECK_EQ(b.tracker.blocks_followed(), 0);
}

TEST_CASE("a tip that was never heard of comes out at the next look") {
  Bench b;
  b.mine(5);
  b.set_tip(b.own(5));
  b.answer_all();
  b.take_said();
  b.pass(1s);
  b.answer_all();
  b.tip = b.chain.add(b.chain.add(5));
  b.pass(pool::limits::chain_recheck - 1s);
  b.answer_all();
  CHECK_EQ(b.said, "");
  b.pass(1s);
  b.answer_all();
  CHECK_EQ(b.take_said(), "6:orphaned");
}

TEST_CASE("past the limit, the lowest blocks are no longer followed") {
  Bench b(100'000);
  b.mine(1);
  b.away = true;
  const auto max = static_cast<std::uint32_t>(pool::limits::blocks_followed_max);
  for (std::uint32_t i = 0; i < max + 10; ++i) {
    b.tracker.on_block(hash_of(100'000 + i), 500 + i, b.now);
  }
  CHECK_EQ(b.tracker.blocks_followed(), max);
  b.away = false;
  b.pass(1s);
  int asked = 0;
  std::uint32_t lowest = max;
  for (; b.open(); ++asked) {
    lowest = std::min(lowest, *std::exchange(b.height_asked, std::nullopt));
    b.tracker.on_hash_at(std::nullopt, b.now);
  }
  CHECK_EQ(lowest, 510);
  CHECK_EQ(asked, static_cast<int>(max));
}

// The oracle knows the whole tree. Two nodes have views of their own; announcements are lost and
// come twice, answers are of different moments, nodes fail and are switched. When all is quiet, the
// tracker must say what the tree says.
TEST_CASE("whatever happens to the chain, the last word on each block is right") {
  Words words;
  for (std::uint32_t seed = 0; seed < 150; ++seed) {
    CAPTURE(seed);
    std::mt19937 generator(seed);
    const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
    Bench b;
    std::vector<std::uint32_t> all{0};
    std::vector<std::uint32_t> ours;
    std::uint32_t views[2] = {0, 0};
    std::size_t in_use = 0;
    int switches = -1;
    const auto look_from = [&](std::size_t node) {
      ++switches;
      in_use = node;
      b.tip = views[node];
      b.header_asked.reset();
      b.height_asked.reset();
      b.tracker.on_node_changed(b.now);
      b.set_tip(b.tip);
    };
    look_from(0);
    for (int step = 0; step < 300; ++step) {
      const std::uint32_t what = random() % 16;
      std::uint32_t& tip = views[random() % 2];
      if (what < 6) {
        tip = b.chain.add(tip);
        all.push_back(tip);
        if (random() % 3 == 0) {
          ours.push_back(tip);
          b.tip = views[in_use];
          b.tracker.on_block(hash_of(tip), b.chain.height_of(tip), b.now);
        }
      } else if (what == 6) {
        // Nodes that are far apart could each confirm what the other never had.
        for (std::uint32_t i = random() % 60; i > 0; --i) all.push_back(tip = b.chain.add(tip));
        views[0] = views[1] = tip;
      } else if (what == 7) {
        // A block of the last dozen, and a branch on it.
        tip = all[all.size() - 1 - random() % std::min<std::size_t>(all.size(), 12)];
      } else if (what == 8) {
        views[0] = views[1];
      } else if (what == 9 && random() % 3 == 0) {
        look_from(random() % 2);
      } else if (what == 10) {
        if (b.open()) b.fail();
      } else if (what == 11) {
        b.pass(3s);
      }
      b.tip = views[in_use];
      if (random() % 3 != 0) b.set_tip(b.tip);
      for (std::uint32_t i = random() % 4; i > 0; --i) b.answer();
    }
    const auto quiet = [&] {
      b.set_tip(views[in_use]);
      b.answer_all();
      b.pass(pool::limits::chain_recheck);
      b.answer_all();
    };
    quiet();
    check_words(b, ours, switches > 0, words);
  }
  CHECK(words.confirmed > 100);
  CHECK(words.orphaned > 100);
}
