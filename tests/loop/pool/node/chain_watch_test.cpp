#include "pool/node/chain_watch.h"

#include "common/uv/clock.h"
#include "pool/core/limits.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/journalled.h"
#include "tests/loop/pool/node/waiting.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;
using test::numbered_hash;
using Reply = test::FakeNode::Reply;
using Call = test::FakeNode::Call;

std::string header_json(std::uint8_t n, std::uint32_t height, std::uint8_t prev) {
  return fmt::format(R"({{"hash":"{}","height":{},"previousblockhash":"{}","confirmations":1}})",
                     numbered_hash(n).display_hex(), height, numbered_hash(prev).display_hex());
}

// Nodes whose chain is what `chains` says: block n of it stands at height 100 + n.
struct Bench {
  uv::Loop loop;
  test::FakeNode nodes[2]{test::FakeNode{loop}, test::FakeNode{loop}};
  rpc::RpcClient clients[2]{{loop, nodes[0].endpoint()}, {loop, nodes[1].endpoint()}};
  std::vector<std::uint8_t> chains[2];
  std::vector<JournalRecord> records;
  NodeJournal journal{[this](const JournalAppend& append) {
    for (JournalRecord& record : test::records_of(append)) records.push_back(std::move(record));
    return true;
  }};
  ChainWatch watch{journal};
  // Time runs fast, so that pauses pass.
  uv::Timer ticker{loop, [this] {
                     base::Instant now = uv::read_clock();
                     now.mono += 1h * ++ticks;
                     watch.on_tick(now);
                   }};
  int ticks = 0;

  Bench() {
    for (std::size_t i = 0; i < 2; ++i) {
      nodes[i].handler = [this, i](const Call& call) { return answer(chains[i], call); };
    }
  }
  static std::optional<Reply> answer(const std::vector<std::uint8_t>& chain, const Call& call) {
    for (std::size_t i = 0; i < chain.size(); ++i) {
      const auto height = static_cast<std::uint32_t>(100 + i);
      if (call.method == "getblockheader" && call.has(numbered_hash(chain[i]).display_hex())) {
        return Reply{header_json(chain[i], height, i == 0 ? std::uint8_t{0} : chain[i - 1])};
      }
      if (call.method == "getblockhash" && call.has(fmt::format("[{}]", height))) {
        return Reply{'"' + numbered_hash(chain[i]).display_hex() + '"'};
      }
    }
    if (call.method == "getblockheader") {
      return Reply{"null", R"({"code":-5,"message":"Block not found"})", 500};
    }
    return Reply{"null", R"({"code":-8,"message":"Block height out of range"})", 500};
  }
  void use(std::size_t node) {
    watch.use_node(
        [this, node](std::string_view method, std::string params,
                     std::chrono::milliseconds deadline, rpc::RpcClient::OnAnswer on_answer) {
          clients[node].call(method, std::move(params), deadline, std::move(on_answer));
        },
        uv::read_clock());
    watch.on_tip({numbered_hash(chains[node].back()), TipSource::poll, {}, {}, {}},
                 uv::read_clock());
  }
  std::string said() const {
    std::string out;
    for (const JournalRecord& record : records) {
      if (!out.empty()) out += ' ';
      if (const auto* tip = std::get_if<ChainTipRecord>(&record)) {
        out += fmt::format("tip:{}@{}", tip->hash.bytes[0], tip->height);
      } else {
        const auto& state = std::get<BlockStateRecord>(record);
        constexpr const char* names[] = {"in_chain", "orphaned", "confirmed"};
        out += fmt::format("{}:{}", state.hash.bytes[0], names[static_cast<int>(state.state)]);
      }
    }
    return out;
  }
  bool wait_said(const std::string& what) {
    return test::wait_until(
        loop, [&] { return said() == what; }, 5s);
  }
};

}  // namespace

TEST_CASE("a header tells where a block stands, or why the answer is no use") {
  const bitcoin::BlockHash asked = numbered_hash(7);
  const auto good = parse_chain_block(header_json(7, 500, 6), asked);
  REQUIRE(good);
  CHECK(good->hash == asked);
  CHECK(good->prev_hash == numbered_hash(6));
  CHECK_EQ(good->height, 500);
  const std::string hash = asked.display_hex();
  const auto first = parse_chain_block(fmt::format(R"({{"hash":"{}","height":0}})", hash), asked);
  REQUIRE(first);
  CHECK(first->prev_hash == bitcoin::BlockHash{});
  const std::string prev = R"("previousblockhash":")" + numbered_hash(6).display_hex() + '"';
  for (const std::string& json :
       {std::string(""), std::string("null"), std::string("[]"), std::string("{"),
        std::string(100'000, '['), header_json(8, 500, 6),
        fmt::format(R"({{"hash":7,"height":1,{}}})", prev),
        fmt::format(R"({{"hash":"{}",{}}})", hash, prev),
        fmt::format(R"({{"hash":"{}","height":-1,{}}})", hash, prev),
        fmt::format(R"({{"hash":"{}","height":2147483648,{}}})", hash, prev),
        fmt::format(R"({{"hash":"{}","height":1e9,{}}})", hash, prev),
        fmt::format(R"({{"hash":"{}","height":1,"previousblockhash":null}})", hash),
        fmt::format(R"({{"hash":"{}","height":1,"previousblockhash":"00"}})", hash)}) {
    CAPTURE(json.substr(0, 120));
    const auto bad = parse_chain_block(json, asked);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().starts_with("getblockheader's answer "));
  }
  CHECK(parse_chain_block(fmt::format(R"({{"hash":"{}","height":2147483647,{}}})", hash, prev),
                          asked));
}

TEST_CASE("a block is followed through the node in use: in the chain, orphaned, and back") {
  Bench b;
  b.chains[0] = {1, 2};
  b.use(0);
  REQUIRE(b.wait_said("tip:2@101"));
  b.chains[0] = {1, 2, 3};
  b.watch.on_block(numbered_hash(3), uv::read_clock());
  REQUIRE(b.wait_said("tip:2@101 3:in_chain"));
  b.records.clear();
  const auto tip = [&](std::uint8_t n) {
    b.watch.on_tip({numbered_hash(n), TipSource::poll, {}, {}, {}}, uv::read_clock());
  };
  tip(3);
  REQUIRE(b.wait_said("tip:3@102"));
  b.chains[0] = {1, 2};
  tip(2);
  REQUIRE(b.wait_said("tip:3@102 tip:2@101 3:orphaned"));
  b.records.clear();
  b.chains[0] = {1, 2, 3, 4};
  tip(4);
  REQUIRE(b.wait_said("tip:4@103 3:in_chain"));
}

TEST_CASE("the settled blocks of the vault are taken up at the start; other files are not") {
  Bench b;
  test::TemporaryFolder folder;
  b.watch.take_up_settled(folder.path(), uv::read_clock());  // a first start: no vault
  std::filesystem::create_directories(folder.path() + "/vault/done");
  std::filesystem::create_directories(folder.path() + "/vault/rejected");
  const auto put = [&](const std::string& name) {
    std::ofstream(folder.path() + "/vault/" + name) << "00\n";
  };
  put("done/" + numbered_hash(2).display_hex() + ".block");
  put("done/" + numbered_hash(9).display_hex() + ".block");
  put("done/" + numbered_hash(1).display_hex() + ".block.tmp");
  put("done/readme.block");
  put("rejected/" + numbered_hash(3).display_hex() + ".block");
  b.watch.take_up_settled(folder.path(), uv::read_clock());
  CHECK_EQ(b.watch.tracker().blocks_followed(), 2);
  b.chains[0] = {1, 2, 3};
  b.use(0);
  REQUIRE(b.wait_said("tip:3@102 2:in_chain"));
  CHECK_EQ(b.watch.tracker().blocks_followed(), 2);  // the node does not know 9
}

TEST_CASE("answers that are no use are asked for again, and said once in the log") {
  Bench b;
  b.chains[0] = {1, 2};
  b.ticker.start(20ms, 20ms);
  int asked = 0;
  Reply useless;
  SUBCASE("a warming node") { useless = {"null", R"({"code":-28,"message":"wait"})", 500}; }
  SUBCASE("nonsense") { useless = {R"("nonsense")"}; }
  SUBCASE("null") { useless = {"null"}; }
  SUBCASE("not allowed") { useless = {"null", "null", 403}; }
  b.nodes[0].handler = [&](const Call& call) -> std::optional<Reply> {
    // Every question is asked in vain three times.
    if (asked++ % 4 != 3) return useless;
    return Bench::answer(b.chains[0], call);
  };
  b.watch.on_block(numbered_hash(1), uv::read_clock());
  b.use(0);
  REQUIRE(b.wait_said("tip:2@101 1:in_chain"));
  CHECK_GE(asked, 12);
}

TEST_CASE("bcoin's words for a block it does not know are understood") {
  Bench b;
  b.chains[0] = {1, 2};
  b.nodes[0].handler = [&](const Call& call) -> std::optional<Reply> {
    const auto reply = Bench::answer(b.chains[0], call);
    if (reply->error == "null") return reply;
    if (call.method == "getblockheader") {
      return Reply{"null", R"({"message":"Block not found","code":-1})"};
    }
    return Reply{"null", R"({"message":"Block height out of range.","code":-8})"};
  };
  b.watch.on_block(numbered_hash(5), uv::read_clock());
  b.watch.on_block(numbered_hash(2), uv::read_clock());
  b.use(0);
  REQUIRE(b.wait_said("tip:2@101 2:in_chain"));
  b.chains[0] = {1};
  b.watch.on_tip({numbered_hash(1), TipSource::poll, {}, {}, {}}, uv::read_clock());
  REQUIRE(b.wait_said("tip:2@101 2:in_chain tip:1@100 2:orphaned"));
}

TEST_CASE("another node takes over while the one before leaves a question open") {
  Bench b;
  b.chains[0] = {1, 2};
  b.chains[1] = {1, 3};
  b.watch.on_block(numbered_hash(2), uv::read_clock());
  b.use(0);
  REQUIRE(b.wait_said("tip:2@101 2:in_chain"));
  b.records.clear();
  b.nodes[0].handler = [](const Call&) { return Reply{"null", "null", 200, true}; };
  b.watch.on_tip({numbered_hash(4), TipSource::poll, {}, {}, {}}, uv::read_clock());
  REQUIRE(test::wait_until(
      b.loop, [&] { return b.nodes[0].calls("getblockheader") >= 2; }, 5s));
  b.use(1);
  REQUIRE(b.wait_said("tip:3@101 2:orphaned"));
  // The first one's answers, late, reach nobody.
  b.clients[0].cancel_all();
  test::run_for(b.loop, 50ms);
  CHECK_EQ(b.said(), "tip:3@101 2:orphaned");
}

TEST_CASE("without a node nothing is asked, and without room in the journal nothing is lost") {
  Bench b;
  b.chains[0] = {1, 2};
  b.ticker.start(20ms, 20ms);
  b.watch.on_block(numbered_hash(2), uv::read_clock());
  b.watch.use_node({}, uv::read_clock());
  test::run_for(b.loop, 60ms);
  CHECK_EQ(b.nodes[0].calls("getblockheader"), 0);
  AppendId last{0};
  while (b.journal.has_room()) {
    b.journal.add({ChainTipRecord{}});
    last = AppendId{last.value + 1};
  }
  b.records.clear();
  b.use(0);
  REQUIRE(test::wait_until(
      b.loop, [&] { return b.nodes[0].calls("getblockhash") >= 1; }, 5s));
  test::run_for(b.loop, 60ms);
  CHECK_EQ(b.said(), "");
  b.journal.on_durable(last);
  REQUIRE(b.wait_said("tip:2@101 2:in_chain"));
}

}  // namespace pool
