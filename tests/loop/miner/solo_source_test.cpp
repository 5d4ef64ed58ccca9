// Work from a node over real sockets: templates, tips, blocks; a node that goes away, or says no.
#include "miner/solo_source.h"

#include "common/bitcoin/block.h"
#include "miner/search.h"
#include "miner/status.h"
#include "tests/loop/miner/fake_node.h"
#include "tests/loop/miner/waiting.h"
#include "tests/unit/miner/some_block.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace miner {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view hard_nbits = "1d00ffff";  // nothing is found at it

struct Solo {
  uv::Loop loop;
  fake::FakeNode node{loop};
  RecordingHost host;
  std::string folder = make_folder();
  std::optional<SoloSource> source;
  uv::Timer tick{loop, [this] { source->on_tick(uv::read_clock().mono); }};

  static std::string make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "phaseminer-solo-XXXXXX").string();
    REQUIRE_NE(mkdtemp(name.data()), nullptr);
    return name;
  }
  ~Solo() {
    source.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  SoloSourceSettings settings() const {
    SoloSourceSettings made;
    made.solo.node = node.endpoint();
    made.solo.address = "bcrt1qzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3lgth6c";
    made.retry_first = milliseconds(20);
    made.retry_most = milliseconds(50);
    made.seed = 7;
    made.kept_blocks_folder = folder;
    return made;
  }
  void start(SoloSourceSettings with) {
    source.emplace(loop, std::move(with), host);
    source->start();
    tick.start(milliseconds(5), milliseconds(5));
  }
  void start() { start(settings()); }
  bool wait(const std::function<bool()>& condition) { return wait_until(loop, condition); }
  bool wait_for_work() {
    return wait([this] { return host.work != nullptr; });
  }
  bool mines_on(std::uint8_t tip) const {
    return host.work && host.work->notify.prev_hash.bytes[0] == tip;
  }
  FoundShare find() const {
    std::optional<FoundShare> found;
    Search search(0, 1, scan_kernels().back());
    search.set_work(host.work);
    while (!found) {
      (void)search.step(64, Appetite::shares, [&](FoundShare share) {
        found = std::move(share);
        return false;
      });
    }
    return std::move(*found);
  }
  void hand_in() { source->on_share(find(), uv::read_clock().mono); }
  // A run that finds one, can't hand it over, and ends; the node is away then.
  void leave_block() {
    start();
    REQUIRE(wait_for_work());
    node.go_away();
    hand_in();
    source->stop();
    source->end();
    REQUIRE_EQ(kept(), 1);
    source.reset();
  }
  Status status() const {
    Status made;
    source->describe(made);
    return made;
  }
  std::size_t kept() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      count += entry.path().extension() == ".hex" ? 1 : 0;
    }
    return count;
  }
};

TEST_CASE("work of the node's template, a block to the node, and on with its next template") {
  Solo solo;
  solo.start();
  CHECK(solo.source->appetite() == Appetite::nothing);
  REQUIRE(solo.wait_for_work());
  CHECK(solo.host.was_told("regtest, height 100"));
  CHECK(solo.mines_on(1));
  CHECK(solo.status().link == LinkState::mining);
  const FoundShare share = solo.find();
  solo.source->on_share(share, uv::read_clock().mono);
  CHECK(solo.source->awaits_answers());
  REQUIRE(solo.wait([&] { return solo.mines_on(2); }));
  REQUIRE_EQ(solo.node.submitted.size(), 1);
  const auto block = bitcoin::parse_block(base::from_hex(solo.node.submitted[0]).value());
  REQUIRE(block.has_value());
  CHECK_EQ(bitcoin::hash_header(block->header.serialize()), share.hash);
  const Status status = solo.status();
  CHECK_EQ(status.counters.blocks_accepted, 1);
  REQUIRE_EQ(status.pools.size(), 1);
  CHECK_EQ(status.pools[0].accepted, 1);
  CHECK_EQ(solo.kept(), 0);
}

TEST_CASE("a new tip is heard of by long-poll, and where there is none by asking") {
  for (const bool by_long_poll : {true, false}) {
    CAPTURE(by_long_poll);
    Solo solo;
    solo.node.nbits = hard_nbits;
    solo.node.tells_tip = !by_long_poll;
    solo.start();
    REQUIRE(solo.wait_for_work());
    REQUIRE(solo.wait([&] { return solo.node.calls("longpoll") == 1; }));
    const int asked = solo.node.calls("getblocktemplate");
    solo.node.tip = 9;
    if (by_long_poll) solo.node.answer_long_polls();
    REQUIRE(solo.wait([&] { return solo.mines_on(9); }));
    if (by_long_poll) CHECK_EQ(solo.node.calls("getblocktemplate"), asked);
  }
}

TEST_CASE("a node that answers every long-poll at once is not asked without end") {
  Solo solo;
  solo.node.answers_long_polls = true;
  solo.start();
  REQUIRE(solo.wait([&] { return solo.node.calls("longpoll") >= 1; }));
  // Meanwhile hundreds of them would have been answered.
  REQUIRE(solo.wait([&] { return solo.node.calls("getbestblockhash") >= 3; }));
  CHECK_LE(solo.node.calls("longpoll"), 4);
}

TEST_CASE("a node that goes away and comes back; a block found meanwhile is kept and handed over") {
  Solo solo;
  solo.start();
  REQUIRE(solo.wait_for_work());
  solo.node.go_away();
  REQUIRE(solo.wait([&] { return solo.status().link == LinkState::disconnected; }));
  CHECK(solo.host.was_told("is bitcoind running there with server=1?"));
  REQUIRE(solo.host.work);  // mining goes on for a while
  solo.hand_in();
  CHECK_EQ(solo.kept(), 1);
  REQUIRE(solo.wait([&] { return solo.host.was_told("is kept in "); }));
  CHECK(solo.source->appetite() == Appetite::nothing);
  solo.node.come_back();
  REQUIRE(solo.wait([&] { return solo.node.submitted.size() == 1; }));
  REQUIRE(solo.wait([&] { return solo.kept() == 0 && solo.mines_on(2); }));
  CHECK(solo.host.was_told("is back"));
  CHECK_EQ(solo.status().counters.blocks_accepted, 1);
}

TEST_CASE("what the node says no to is told, and mining rests") {
  Solo solo;
  solo.node.on_submit = R"("bad-cb-amount")";
  solo.node.new_tip_on_submit = false;
  solo.start();
  REQUIRE(solo.wait_for_work());
  solo.hand_in();
  REQUIRE(solo.wait([&] { return solo.host.was_told("refused: bad-cb-amount"); }));
  CHECK_EQ(solo.status().counters.rejected, 1);
  CHECK(solo.source->appetite() == Appetite::nothing);
  REQUIRE(solo.wait([&] { return solo.source->appetite() == Appetite::shares; }));
}

TEST_CASE("a dry run has blocks judged, and submits none") {
  Solo solo;
  SoloSourceSettings settings = solo.settings();
  settings.solo.dry_run = true;
  solo.start(std::move(settings));
  REQUIRE(solo.wait_for_work());
  solo.hand_in();
  REQUIRE(solo.wait([&] { return solo.host.was_told("the node would take it (dry run)"); }));
  CHECK_EQ(solo.node.proposed.size(), 1);
  CHECK(solo.node.submitted.empty());
}

TEST_CASE("an address of another network ends it; so do failures, where attempts are counted") {
  Solo solo;
  SoloSourceSettings settings = solo.settings();
  settings.solo.address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
  solo.start(std::move(settings));
  REQUIRE(solo.wait([&] { return !solo.host.gave_up.empty(); }));
  CHECK_NE(solo.host.gave_up.find("is not valid on the node's chain, regtest"), std::string::npos);

  Solo starting;
  starting.node.on_template_error = R"({"code":-28,"message":"Loading block index"})";
  SoloSourceSettings counted = starting.settings();
  counted.retries = 2;
  starting.start(std::move(counted));
  REQUIRE(starting.wait([&] { return !starting.host.gave_up.empty(); }));
  CHECK_NE(starting.host.gave_up.find("giving up after 3 attempts"), std::string::npos);
  CHECK(starting.host.was_told("the node is starting up, wait a moment"));
}

TEST_CASE("what a stopped run could not hand over, the next one does") {
  Solo solo;
  solo.leave_block();
  std::ofstream(solo.folder + "/phaseminer-block-0.hex") << "no block";

  solo.node.come_back();
  solo.start();
  REQUIRE(solo.wait([&] { return solo.node.submitted.size() == 1; }));
  CHECK(bitcoin::parse_block(base::from_hex(solo.node.submitted[0]).value()).has_value());
  REQUIRE(solo.wait([&] { return solo.kept() == 1; }));  // the one that is no block
  CHECK(solo.host.was_told("which an earlier run found"));
  CHECK(solo.host.was_told("phaseminer-block-0.hex is no block in hex"));
  CHECK_EQ(solo.status().counters.blocks_accepted, 1);
  REQUIRE(solo.wait([&] { return solo.mines_on(2); }));
}

TEST_CASE("an earlier run's block that this node refuses stays in its file") {
  Solo solo;
  solo.leave_block();

  solo.node.on_submit = R"("bad-txnmrklroot")";
  solo.node.come_back();
  solo.start();
  REQUIRE(solo.wait([&] { return solo.host.was_told("refused: bad-txnmrklroot"); }));
  CHECK_EQ(solo.kept(), 1);
  CHECK_EQ(solo.status().counters.rejected, 0);
  REQUIRE(solo.wait([&] { return solo.source->appetite() == Appetite::shares; }));
}

TEST_CASE("kept files that no node takes hide no other: each is handed over, the newest first") {
  for (const char* const word : {"\"inconclusive\"", "\"prev-blk-not-found\""}) {
    CAPTURE(word);
    Solo solo;
    solo.node.new_tip_on_submit = false;
    const KeptBlocks kept(solo.folder);
    const auto now = std::filesystem::file_time_type::clock::now();
    std::vector<SoloBlock> blocks;
    for (std::uint32_t i = 0; i < 6; ++i) {
      blocks.push_back(some_block(500 + i));
      REQUIRE(kept.keep(blocks[i]).has_value());
      std::filesystem::last_write_time(kept.path_of(blocks[i].hash), now - std::chrono::hours(i));
      if (i < 5) solo.node.on_submit_of[blocks[i].hex] = word;
      std::ofstream(fmt::format("{}/phaseminer-block-{}.hex", solo.folder, i)) << "no block";
    }
    solo.start();
    REQUIRE(solo.wait([&] { return !std::filesystem::exists(kept.path_of(blocks[5].hash)); }));
    CHECK_EQ(solo.node.submitted.front(), blocks[0].hex);
    CHECK_EQ(solo.kept(), 11);
    CHECK_EQ(solo.status().counters.blocks_accepted, 1);
    CHECK(solo.host.was_told("phaseminer-block-5.hex is no block in hex"));
  }
}

TEST_CASE("an earlier run's block that the node can't judge yet is handed over again") {
  Solo solo;
  const SoloBlock block = some_block(500);
  const KeptBlocks kept(solo.folder);
  REQUIRE(kept.keep(block).has_value());
  solo.node.on_submit_of[block.hex] = "\"prev-blk-not-found\"";
  solo.start();
  REQUIRE(solo.wait([&] { return solo.host.was_told("waits to be handed over"); }));
  CHECK_EQ(solo.status().unanswered, 0);  // its place is for others
  solo.node.on_submit_of.clear();
  REQUIRE(solo.wait([&] { return solo.kept() == 0; }));
  CHECK_EQ(solo.status().counters.blocks_accepted, 1);
}

TEST_CASE("an answer that comes after the end is only about the file") {
  Solo solo;
  solo.start();
  REQUIRE(solo.wait_for_work());
  solo.hand_in();
  CHECK_EQ(solo.kept(), 1);
  solo.source->stop();
  solo.source->end();
  REQUIRE(solo.wait([&] { return solo.kept() == 0; }));
  CHECK_EQ(solo.status().counters.unanswered_lost, 1);
}

TEST_CASE("a block is in its file before the node has answered") {
  Solo solo;
  solo.node.on_submit = R"("bad-cb-amount")";
  solo.start();
  REQUIRE(solo.wait_for_work());
  solo.hand_in();
  CHECK_EQ(solo.kept(), 1);
  REQUIRE(solo.wait([&] { return solo.host.was_told("refused: bad-cb-amount"); }));
  CHECK_EQ(solo.kept(), 0);
}

TEST_CASE("a folder that takes no file is told once a block, which goes to the node all the same") {
  Solo solo;
  SoloSourceSettings settings = solo.settings();
  settings.kept_blocks_folder = solo.folder + "/none";
  solo.start(std::move(settings));
  REQUIRE(solo.wait_for_work());
  solo.hand_in();
  CHECK(solo.host.was_told("the block can't be kept: "));
  REQUIRE(solo.wait([&] { return solo.mines_on(2); }));
  CHECK_EQ(solo.status().counters.blocks_accepted, 1);
}

TEST_CASE("stopped with a block that nobody took: it is counted, and stays in its file") {
  Solo solo;
  solo.start();
  REQUIRE(solo.wait_for_work());
  solo.node.go_away();
  solo.hand_in();
  REQUIRE(solo.wait([&] { return solo.kept() == 1; }));
  solo.source->stop();
  solo.source->end();
  CHECK_EQ(solo.status().counters.unanswered_lost, 1);
  CHECK(solo.host.was_told("was not handed over"));
  CHECK_EQ(solo.kept(), 1);
}

}  // namespace
}  // namespace miner
