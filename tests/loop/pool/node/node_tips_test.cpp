// From a node's announcement to the jobs that come of it: a real PUB socket and a fake node.
#include "pool/node/node_loop.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/found_block.h"
#include "tests/loop/pool/node/node_thread.h"
#include "tests/loop/pool/node/zmq_publisher.h"

#include <doctest/doctest.h>

#include <chrono>

namespace pool {
namespace {

using namespace std::chrono_literals;
using Reply = test::FakeNode::Reply;
using Call = test::FakeNode::Call;
using test::NodeThread;
using test::numbered_hash;

const Reply silence{"null", "null", 200, true};

// A mined regtest block on `parent`.
bitcoin::Header mined(const bitcoin::BlockHash& parent) {
  bitcoin::Header header;
  header.version = 0x20000000;
  header.prev_hash = parent;
  header.ntime = 1'650'000'000;
  header.nbits = 0x207fffff;
  const auto target = *bitcoin::Target256::from_compact(header.nbits);
  while (!target.admits(header.hash().bytes)) ++header.nonce;
  return header;
}

std::string header_fields(const bitcoin::Header& header, std::uint32_t height) {
  return fmt::format(
      R"({{"hash":"{}","confirmations":1,"height":{},"versionHex":"{:08x}","merkleroot":"{}",)"
      R"("time":{},"mediantime":1640000000,"nonce":{},"bits":"{:08x}","previousblockhash":"{}"}})",
      header.hash().display_hex(), height, header.version, header.merkle_root.display_hex(),
      header.ntime, header.nonce, header.nbits, header.prev_hash.display_hex());
}

// A pool with work on tip 1, and its node's next block, whose template does not come.
struct Bench {
  uv::Loop loop;
  test::TemporaryFolder data;
  test::FakeNode node{loop};
  test::Publisher publisher;
  const bitcoin::Header block = mined(numbered_hash(1));
  bool has_block = false;  // the node has taken `block`
  bool polled = true;      // the node answers the poll
  bool asked = true;       // the node answers a question for a header
  std::optional<NodeThread> pool;

  Bench() {
    node.handler = [this](const Call& call) { return answer(call); };
    NodeConfig config = node.config();
    config.zmq = {publisher.endpoint};
    pool.emplace(loop, NodeThread::Setting{.nodes = {config}, .data_dir = data.path()});
    REQUIRE(pool->wait_for_jobs(1));
    REQUIRE(pool->wait([&] { return publisher.has_all_subscriptions(); }));
  }
  std::optional<Reply> answer(const Call& call) const {
    if (!has_block) return std::nullopt;
    const std::string hash = block.hash().display_hex();
    if (call.method == "getblocktemplate") return silence;
    if (call.method == "getblockheader") {
      if (!asked) return silence;
      return call.has(hash) ? Reply{header_fields(block, 101)} : Reply{"null", "\"unknown\"", 500};
    }
    const bool poll = call.method == "getbestblockhash" || call.method == "getblockchaininfo";
    if (poll && !polled) return silence;
    if (call.method == "getbestblockhash") return Reply{"\"" + hash + "\""};
    if (call.method == "getblockchaininfo") {
      return Reply{fmt::format(R"({{"chain":"regtest","blocks":101,"bestblockhash":"{}"}})", hash)};
    }
    return std::nullopt;
  }
  bool empty_work_comes() {
    if (!pool->wait([&] { return pool->jobs.size() > 1; }, 5s)) return false;
    const mining::Job& job = *pool->jobs[1];
    return job.clean_jobs && job.prev_hash() == block.hash() && job.height() == 102 &&
           job.coinbase_value.value == 5'000'000'000 && job.block_template->txids.empty();
  }
};

}  // namespace

TEST_CASE("rawblock brings empty work, with nothing asked of the node but a template") {
  Bench b;
  b.polled = false;
  b.has_block = true;
  b.asked = false;
  b.publisher.rawblock(b.block, 0);
  CHECK(b.empty_work_comes());
}

TEST_CASE("the tip is told for coherence work with the first work on it, and once") {
  Bench b;
  b.polled = false;
  b.has_block = true;
  b.asked = false;
  b.publisher.rawblock(b.block, 0);
  REQUIRE(b.empty_work_comes());
  REQUIRE(b.pool->wait([&] { return b.pool->bitcoin_tips.size() == 2; }, 5s));
  CHECK(b.pool->bitcoin_tips[0].hash == b.pool->jobs[0]->prev_hash());
  CHECK(b.pool->bitcoin_tips[1].hash == b.block.hash());
  CHECK(b.pool->bitcoin_tips[1].seen_at == b.pool->jobs[1]->tip_seen_at);
  CHECK_MESSAGE(b.pool->jobs_at_tip[1] == 2, "right after the empty work, before any template");
}

TEST_CASE("further coinbases hold the proof chain's tip, the empty work's too") {
  Bench b;
  b.polled = false;
  b.has_block = true;
  b.asked = false;
  const CoherenceTip tip{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  b.pool->post(tip);
  b.publisher.rawblock(b.block, 0);
  REQUIRE(b.empty_work_comes());
  const auto push_of = [](const mining::Job& job) {
    const std::string coinb1 = base::to_hex(job.work(0).coinbase.coinb1);
    return coinb1.find("100102030405060708090a0b0c0d0e0f10") != std::string::npos;
  };
  CHECK_FALSE(push_of(*b.pool->jobs[0]));
  CHECK(push_of(*b.pool->jobs[1]));
}

TEST_CASE(
    "hashblock, and a connected block of sequence, bring it with the header that is asked for") {
  for (const bool sequence : {false, true}) {
    CAPTURE(sequence);
    Bench b;
    b.polled = false;
    b.has_block = true;
    const int templates = b.node.calls("getblocktemplate");
    if (sequence) b.publisher.sequence(b.block.hash(), 'C', 0);
    if (!sequence) b.publisher.hashblock(b.block.hash(), 0);
    CHECK(b.empty_work_comes());
    CHECK_EQ(b.pool->jobs.at(1)->block_template->mintime, 1'640'000'001);
    CHECK_GT(b.node.calls("getblocktemplate"), templates);
  }
}

TEST_CASE("a publisher that tells of ever more blocks does not fill the memory with questions") {
  Bench b;
  bool busy = true;
  int busy_answers = 0;
  int answered = 0;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method == "getbestblockhash" || call.method == "getblockchaininfo") return silence;
    if (call.method != "getblockheader") return std::nullopt;
    if (busy) {
      ++busy_answers;
      return Reply{"", "", 503};  // asked again a little later
    }
    ++answered;
    return Reply{"null", R"({"code":-5,"message":"Block not found"})", 500};
  };
  for (std::uint8_t n = 100; n < 200; ++n) b.publisher.hashblock(numbered_hash(n), n);
  REQUIRE(b.pool->wait([&] { return busy_answers >= 3; }));
  busy = false;
  REQUIRE(b.pool->wait([&] { return answered >= 2; }));
  test::run_for(b.loop, 300ms);
  CHECK_LE(answered, 20);
}

TEST_CASE("without any publisher the poll brings empty work too") {
  Bench b;
  b.has_block = true;
  CHECK(b.empty_work_comes());
}

TEST_CASE("an own block that the node takes brings empty work on top of it, header and all") {
  Bench b;
  b.polled = false;
  const FoundBlock found = test::find_block(b.pool->jobs[0]);
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method == "submitblock" || call.method == "getnetworkinfo") return std::nullopt;
    return silence;
  };
  b.pool->post(found);
  REQUIRE(b.pool->wait([&] { return b.pool->jobs.size() > 1; }, 5s));
  CHECK(b.pool->jobs[1]->clean_jobs);
  CHECK_EQ(b.pool->jobs[1]->prev_hash(), found.hash);
  CHECK_EQ(b.pool->jobs[1]->height(), 102);
}

}  // namespace pool
