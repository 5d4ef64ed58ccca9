#include "pool/node/node_link.h"

#include "common/uv/clock.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/waiting.h"
#include "tests/loop/pool/node/zmq_publisher.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;
using Reply = test::FakeNode::Reply;
using Call = test::FakeNode::Call;

struct Bench {
  uv::Loop loop;
  test::FakeNode node{loop};
  std::vector<std::string> zmq;
  std::vector<bitcoin::BlockHash> tips;
  std::vector<std::pair<std::uint32_t, TemplateOrigin>> templates;
  int failures = 0;
  int state_changes = 0;
  std::optional<NodeLink> link;
  uv::Timer ticker{loop, [this] { link->on_tick(uv::read_clock()); }};

  void start(bitcoin::Network network = bitcoin::Network::regtest) {
    NodeLink::Events events;
    events.on_state = [this] { ++state_changes; };
    events.on_tip = [this](const TipNews& news) { tips.push_back(news.hash); };
    events.on_template = [this](const mining::BlockTemplate& made, TemplateOrigin origin) {
      templates.emplace_back(made.height, origin);
    };
    events.on_template_failed = [this] { ++failures; };
    NodeConfig config = node.config();
    config.zmq = zmq;
    link.emplace(loop, config, network, std::move(events));
    link->set_in_use(true);
    ticker.start(0ms, 20ms);
  }
  bool wait(const std::function<bool()>& condition) {
    return test::wait_until(loop, condition, 10s);
  }
};

}  // namespace

TEST_CASE("a node comes up, tells its tip, and is asked for its best block each second") {
  Bench b;
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up && !b.tips.empty(); }));
  CHECK_EQ(b.state_changes, 1);
  CHECK_EQ(b.tips[0], test::numbered_hash(1));
  CHECK_EQ(b.link->state().height, 100);
  REQUIRE(b.wait([&] { return b.link->state().version == "/Fake:1/"; }));
  REQUIRE(b.wait([&] { return b.link->state().network_hashrate == 1234.5; }));
  b.node.tip = 2;
  b.node.height = 101;
  REQUIRE(b.wait([&] { return b.tips.back() == test::numbered_hash(2); }));
  REQUIRE(b.wait([&] { return b.link->state().height == 101; }));
}

TEST_CASE("a node that is not in use tells its new height as soon as it tells of a tip") {
  Bench b;
  b.start();
  b.link->set_in_use(false);
  REQUIRE(b.wait([&] { return b.link->state().up; }));
  // So its next poll is as far away as it gets.
  const int polls = b.node.calls("getblockchaininfo");
  REQUIRE(b.wait([&] { return b.node.calls("getblockchaininfo") > polls; }));
  REQUIRE(b.wait([&] { return b.link->state().response_us >= 0; }));
  b.node.tip = 2;
  b.node.height = 101;
  const auto told_at = std::chrono::steady_clock::now();
  b.link->announce({test::numbered_hash(2), TipSource::zmq_hashblock, {}, {}, {}});
  REQUIRE(b.wait([&] { return b.link->state().height == 101; }));
  CHECK_LT(std::chrono::steady_clock::now() - told_at, 500ms);
}

TEST_CASE("why a node is not up, and that it comes up when that has passed") {
  struct Row {
    const char* why;
    std::function<void(test::FakeNode&)> prepare;
    const char* expected;
  };
  const auto fails = [](Reply reply) {
    return [reply](test::FakeNode& node) {
      node.handler = [reply](const Call& call) -> std::optional<Reply> {
        if (call.method == "getblockchaininfo") return reply;
        return std::nullopt;
      };
    };
  };
  const Row rows[] = {
      {"warming up", fails({"null", R"({"code":-28,"message":"Verifying blocks…"})", 500}),
       "Verifying blocks…: the node is starting up"},
      {"wrong chain", [](test::FakeNode& node) { node.chain = "test"; }, "is on chain \"test\""},
      {"nonsense", fails({"[]"}), "getblockchaininfo's answer is not an object"},
      {"wrong password", fails({"", "", 401}), "401"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    Bench b;
    row.prepare(b.node);
    b.start();
    REQUIRE(b.wait([&] { return b.link->state().known; }));
    CHECK_FALSE(b.link->state().up);
    CHECK_NE(b.link->state().error.find(row.expected), std::string::npos);
    CHECK(b.tips.empty());
    b.node.handler = nullptr;
    b.node.chain = "regtest";
    REQUIRE(b.wait([&] { return b.link->state().up; }));
    CHECK_EQ(b.link->state().error, "");
    CHECK_EQ(b.state_changes, 2);
  }
}

TEST_CASE("the connection for submissions is open before a block is found") {
  Bench b;
  b.start();
  REQUIRE(b.wait([&] { return b.node.calls("getblockcount") == 1; }));
}

TEST_CASE("a late yes to a block does not take the tip back when another was heard of meanwhile") {
  Bench b;
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up; }));
  std::optional<SubmitReport> report;
  const auto submit = [&] {
    b.link->submit(test::numbered_hash(9), "aabb", false,
                   [&](SubmitReport got) { report = std::move(got); });
    REQUIRE(b.wait([&] { return report.has_value(); }));
  };
  SUBCASE("another") {
    b.node.handler = [&](const Call& call) -> std::optional<Reply> {
      if (call.method == "submitblock")
        b.link->announce({test::numbered_hash(7), TipSource::poll, {}, {}, {}});
      return std::nullopt;
    };
    submit();
    CHECK(report->kind == SubmitReport::Kind::in_chain);
  }
  SUBCASE("none") {
    submit();
    CHECK(report->kind == SubmitReport::Kind::new_tip);
  }
}

TEST_CASE("a gap in any topic, and a block that is taken back, have the tip asked for at once") {
  Bench b;
  test::Publisher publisher;
  b.zmq = {publisher.endpoint};
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up && publisher.has_all_subscriptions(); }));
  publisher.hashblock(test::numbered_hash(1), 1);
  publisher.rawblock(bitcoin::Header{}, 1);
  publisher.sequence(test::numbered_hash(1), 'A', 1);
  REQUIRE(b.wait([&] { return b.tips.size() >= 3; }));
  b.ticker.stop();  // from here on nothing is polled for its own sake
  test::run_for(b.loop, 50ms);
  const auto polls = [&] {
    return b.node.calls("getbestblockhash") + b.node.calls("getblockchaininfo");
  };
  const auto polls_after = [&](const std::function<void()>& message) {
    const int before = polls();
    message();
    return b.wait([&] { return polls() > before; });
  };
  CHECK(polls_after([&] { publisher.hashblock(test::numbered_hash(1), 3); }));
  CHECK(polls_after([&] { publisher.rawblock(bitcoin::Header{}, 3); }));
  CHECK(polls_after([&] { publisher.sequence(test::numbered_hash(1), 'R', 3); }));
  CHECK(polls_after([&] { publisher.sequence(test::numbered_hash(1), 'D', 4); }));
  test::run_for(b.loop, 50ms);
  const int before = polls();
  publisher.sequence(test::numbered_hash(1), 'A', 5);
  publisher.hashblock(test::numbered_hash(1), 4);
  const std::size_t tips = b.tips.size();
  REQUIRE(b.wait([&] { return b.tips.size() > tips; }));
  test::run_for(b.loop, 50ms);
  CHECK_MESSAGE(polls() == before, "what is as it should be asks nothing");
}

TEST_CASE("a destroyed link calls nobody back") {
  Bench b;
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up; }));
  bool called = false;
  b.link->request_template();
  b.link->submit(test::numbered_hash(9), "aabb", false,
                 [&](const SubmitReport&) { called = true; });
  b.ticker.stop();
  b.link.reset();
  test::run_for(b.loop, 100ms);
  CHECK_FALSE(called);
  CHECK(b.templates.empty());
}

}  // namespace pool
