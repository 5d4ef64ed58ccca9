#include "pool/node/template_feed.h"

#include "common/uv/clock.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/waiting.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;
using Reply = test::FakeNode::Reply;
using Call = test::FakeNode::Call;

struct Bench {
  explicit Bench(bitcoin::Network on = bitcoin::Network::regtest) : network(on) {
    ticker.start(0ms, 20ms);
  }

  const bitcoin::Network network;
  uv::Loop loop;
  test::FakeNode node{loop};
  std::vector<std::pair<std::uint32_t, TemplateOrigin>> templates;
  int failures = 0;
  TemplateFeed feed{loop,
                    node.endpoint(),
                    "the-node",
                    network,
                    {[this](const mining::BlockTemplate& made, TemplateOrigin origin) {
                       templates.emplace_back(made.height, origin);
                     },
                     [this] { ++failures; }}};
  uv::Timer ticker{loop, [this] { feed.long_poll(uv::read_clock().mono); }};

  bool wait(const std::function<bool()>& condition) {
    return test::wait_until(loop, condition, 10s);
  }
  void answer(const Reply& reply) {
    node.handler = [=](const Call& call) -> std::optional<Reply> {
      if (call.method != "getblocktemplate") return std::nullopt;
      return reply;
    };
  }
};

}  // namespace

TEST_CASE("a long-poll's answer is a template that came by itself, and the next one is begun") {
  Bench b;
  bool release = false;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method != "getblocktemplate" || !call.has("longpollid") || !release) {
      return std::nullopt;
    }
    release = false;
    return Reply{b.node.template_json()};
  };
  b.node.tip = 2;
  b.node.height = 101;
  release = true;
  b.feed.request();
  REQUIRE(b.wait([&] { return b.templates.size() == 2; }));
  CHECK(b.templates[0].second == TemplateOrigin::requested);
  CHECK(b.templates[1].second == TemplateOrigin::pushed);
  REQUIRE(b.wait([&] { return b.node.calls("getblocktemplate") == 3; }));
}

TEST_CASE("a node that answers every long-poll at once is not asked in a circle") {
  Bench b;
  b.answer(Reply{b.node.template_json()});
  b.feed.request();
  test::run_for(b.loop, 2500ms);
  // One requested; long-polls at 0 s and, after waits of 1 s and 2 s, one more in this time.
  CHECK_GE(b.node.calls("getblocktemplate"), 2);
  CHECK_LE(b.node.calls("getblocktemplate"), 4);
}

TEST_CASE("a template that can't be had or used is a failure with a reason, and passes") {
  struct Row {
    Reply reply;
    const char* expected;
  };
  const Row rows[] = {
      {{"null", R"({"code":-10,"message":"downloading"})", 500}, "until the node has caught up"},
      {{"{\"version\":1}"}, "gave a template that can't be used"},
      {{"garbage"}, "json: not valid"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.expected));
    Bench b;
    b.answer(row.reply);
    b.feed.request();
    REQUIRE(b.wait([&] { return b.failures == 1; }));
    CAPTURE(b.feed.error());
    CHECK_NE(b.feed.error().find(row.expected), std::string::npos);
    b.node.handler = nullptr;
    b.feed.request();
    REQUIRE(b.wait([&] { return b.templates.size() == 1; }));
    CHECK_EQ(b.feed.error(), "");
  }
}

TEST_CASE("a template of another network is none, and on signet its rule is asked for") {
  Bench mainnet(bitcoin::Network::mainnet);
  mainnet.feed.request();
  REQUIRE(mainnet.wait([&] { return mainnet.failures == 1; }));
  CHECK_EQ(mainnet.feed.error(),
           "node the-node gave a template that can't be used: bits: 207fffff is easier than "
           "mainnet allows (1d00ffff)");

  Bench signet(bitcoin::Network::signet);
  bool asked_by_rule = false;
  signet.node.handler = [&](const Call& call) -> std::optional<Reply> {
    asked_by_rule = call.has(R"("rules":["segwit","signet"])");
    return std::nullopt;
  };
  signet.feed.request();
  REQUIRE(signet.wait([&] { return signet.failures == 1; }));
  CHECK(asked_by_rule);
}

TEST_CASE("two template requests are under way at once") {
  Bench b;
  int asked = 0;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method != "getblocktemplate" || ++asked > 1) return std::nullopt;
    return Reply{"", "", 200, true};  // the first never gets an answer
  };
  b.feed.request();
  b.feed.request();
  CHECK(b.wait([&] { return b.templates.size() == 1; }));
}

TEST_CASE("answers to what was asked before forget() are dropped") {
  Bench b;
  b.feed.request();
  b.feed.forget();
  REQUIRE(b.wait([&] { return b.node.calls("getblocktemplate") == 1; }));
  test::run_for(b.loop, 100ms);
  CHECK(b.templates.empty());
  CHECK_EQ(b.failures, 0);
}

TEST_CASE("an open long-poll is not given up, whichever node is in use") {
  Bench b;
  int long_polls = 0;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (!call.has("longpollid")) return std::nullopt;
    ++long_polls;
    return Reply{"", "", 200, true};
  };
  b.feed.request();
  REQUIRE(b.wait([&] { return long_polls == 1; }));
  b.feed.forget();
  b.feed.request();
  REQUIRE(b.wait([&] { return b.templates.size() == 2; }));
  // The ticker has long asked for another by then, were the first one gone.
  b.feed.forget();
  b.feed.request();
  REQUIRE(b.wait([&] { return b.templates.size() == 3; }));
  test::run_for(b.loop, 100ms);
  CHECK_EQ(long_polls, 1);
}

TEST_CASE(
    "a template of another height than the chain's is refused, and one of a reorganisation is "
    "not") {
  Bench b;
  std::uint32_t height_before = 100;
  std::optional<std::uint32_t> claimed;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method == "getblockheader") {
      return Reply{fmt::format(R"({{"height":{}}})", height_before)};
    }
    if (call.method != "getblocktemplate" || call.has("longpollid")) return std::nullopt;
    b.node.height = claimed.value_or(height_before + 1) - 1;
    return Reply{b.node.template_json()};
  };
  const auto request_gives = [&](std::size_t templates, int failures) {
    b.feed.request();
    return b.wait([&] { return b.templates.size() == templates && b.failures == failures; });
  };
  // The first one is looked at, those that follow it are not.
  REQUIRE(request_gives(1, 0));
  CHECK_EQ(b.node.calls("getblockheader"), 1);
  ++b.node.tip;
  ++height_before;
  REQUIRE(request_gives(2, 0));
  REQUIRE(request_gives(3, 0));
  CHECK_EQ(b.node.calls("getblockheader"), 1);

  ++b.node.tip;
  ++height_before;
  claimed = height_before + 8;
  REQUIRE(request_gives(3, 1));
  CHECK_EQ(b.feed.error(),
           "node the-node gave a template for height 110, but the block it builds on has height "
           "102");
  claimed = height_before;
  REQUIRE(request_gives(3, 2));
  claimed.reset();
  REQUIRE(request_gives(4, 2));
  CHECK_EQ(b.feed.error(), "");
  CHECK_EQ(b.templates.back().first, 103);

  ++b.node.tip;
  height_before = 60;  // a reorganisation, as regtest has them
  REQUIRE(request_gives(5, 2));
  CHECK_EQ(b.templates.back().first, 61);
}

}  // namespace pool
