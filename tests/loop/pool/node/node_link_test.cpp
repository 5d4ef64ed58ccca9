#include "pool/node/node_link.h"

#include "common/uv/clock.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/waiting.h"

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
  std::vector<bitcoin::BlockHash> tips;
  std::vector<std::pair<std::uint32_t, TemplateOrigin>> templates;
  int failures = 0;
  int state_changes = 0;
  std::optional<NodeLink> link;
  uv::Timer ticker{loop, [this] { link->on_tick(uv::read_clock()); }};

  void start(bitcoin::Network network = bitcoin::Network::regtest) {
    NodeLink::Events events;
    events.on_state = [this] { ++state_changes; };
    events.on_tip = [this](const bitcoin::BlockHash& hash) { tips.push_back(hash); };
    events.on_template = [this](const mining::BlockTemplate& made, TemplateOrigin origin) {
      templates.emplace_back(made.height, origin);
    };
    events.on_template_failed = [this] { ++failures; };
    link.emplace(loop, node.config(), network, std::move(events));
    link->set_in_use(true);
    ticker.start(0ms, 20ms);
  }
  bool wait(const std::function<bool()>& condition) {
    return test::wait_until(loop, condition, 10s);
  }
  // From here on the node answers `method` with `reply`, as long as `when` holds.
  void answer(
      const std::string& method, const Reply& reply,
      const std::function<bool(const Call&)>& when = [](const Call&) { return true; }) {
    node.handler = [=](const Call& call) -> std::optional<Reply> {
      if (call.method == method && when(call)) return reply;
      return std::nullopt;
    };
  }
  SubmitReport submit() {
    std::optional<SubmitReport> report;
    link->submit(test::numbered_hash(9), "aabb",
                 [&](SubmitReport got) { report = std::move(got); });
    REQUIRE(wait([&] { return report.has_value(); }));
    return *report;
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

TEST_CASE("a long-poll's answer is a template that came by itself, and the next one is begun") {
  Bench b;
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up; }));
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
  b.link->request_template();
  REQUIRE(b.wait([&] { return b.templates.size() == 2; }));
  CHECK(b.templates[0].second == TemplateOrigin::requested);
  CHECK(b.templates[1].second == TemplateOrigin::pushed);
  REQUIRE(b.wait([&] { return b.node.calls("getblocktemplate") == 3; }));
}

TEST_CASE("a node that answers every long-poll at once is not asked in a circle") {
  Bench b;
  b.answer("getblocktemplate", Reply{b.node.template_json()});
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up; }));
  b.link->request_template();
  test::run_for(b.loop, 2500ms);
  // One requested; long-polls at 0 s and, after waits of 1 s and 2 s, one more in this time.
  CHECK_GE(b.node.calls("getblocktemplate"), 2);
  CHECK_LE(b.node.calls("getblocktemplate"), 4);
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
    b.answer("getblocktemplate", row.reply);
    b.start();
    REQUIRE(b.wait([&] { return b.link->state().up; }));
    b.link->request_template();
    REQUIRE(b.wait([&] { return b.failures == 1; }));
    CAPTURE(b.link->state().template_error);
    CHECK_NE(b.link->state().template_error.find(row.expected), std::string::npos);
    b.node.handler = nullptr;
    b.link->request_template();
    REQUIRE(b.wait([&] { return b.templates.size() == 1; }));
    CHECK_EQ(b.link->state().template_error, "");
  }
}

TEST_CASE("two template requests are under way at once") {
  Bench b;
  int asked = 0;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method != "getblocktemplate" || ++asked > 1) return std::nullopt;
    return Reply{"", "", 200, true};  // the first never gets an answer
  };
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up; }));
  b.link->request_template();
  b.link->request_template();
  CHECK(b.wait([&] { return b.templates.size() == 1; }));
}

TEST_CASE("answers to what was asked before a link went out of use are dropped") {
  Bench b;
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up; }));
  b.link->request_template();
  b.link->set_in_use(false);
  REQUIRE(b.wait([&] { return b.node.calls("getblocktemplate") == 1; }));
  test::run_for(b.loop, 100ms);
  CHECK(b.templates.empty());
  CHECK_EQ(b.failures, 0);
}

TEST_CASE("what the answers to a submitted block come to") {
  using Kind = SubmitReport::Kind;
  struct Row {
    const char* why;
    Reply to_submit;
    Reply to_header;
    Kind kind;
    const char* detail;
  };
  const Reply unknown{"null", R"({"code":-5,"message":"Block not found"})", 500};
  const Row rows[] = {
      {"accepted", {"null"}, unknown, Kind::accepted, ""},
      {"refused", {R"("bad-cb-amount")"}, unknown, Kind::rejected, "bad-cb-amount"},
      {"not a block",
       {"null", R"({"code":-22,"message":"Block decode failed"})", 500},
       unknown,
       Kind::rejected,
       "Block decode failed"},
      {"sent before", {R"("duplicate")"}, {R"({"confirmations":1})"}, Kind::accepted, "duplicate"},
      {"on another branch",
       {R"("inconclusive")"},
       {R"({"confirmations":-1})"},
       Kind::side_chain,
       "inconclusive"},
      {"said to be a duplicate of nothing",
       {R"("duplicate")"},
       unknown,
       Kind::rejected,
       "duplicate"},
      {"the node is starting",
       {"null", R"({"code":-28,"message":"wait"})", 500},
       unknown,
       Kind::failed,
       "starting up"},
      {"its header could not be asked for",
       {R"("duplicate")"},
       {"null", R"({"code":-28,"message":"wait"})", 500},
       Kind::failed,
       "starting up"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    Bench b;
    b.node.handler = [&](const Call& call) -> std::optional<Reply> {
      if (call.method == "submitblock") return row.to_submit;
      if (call.method == "getblockheader") return row.to_header;
      return std::nullopt;
    };
    b.start();
    const SubmitReport report = b.submit();
    CHECK(report.kind == row.kind);
    CAPTURE(report.detail);
    CHECK_NE(report.detail.find(row.detail), std::string::npos);
  }
}

TEST_CASE("the connection for submissions is open before a block is found") {
  Bench b;
  b.start();
  REQUIRE(b.wait([&] { return b.node.calls("getblockcount") == 1; }));
}

TEST_CASE("a destroyed link calls nobody back") {
  Bench b;
  b.start();
  REQUIRE(b.wait([&] { return b.link->state().up; }));
  bool called = false;
  b.link->request_template();
  b.link->submit(test::numbered_hash(9), "aabb", [&](const SubmitReport&) { called = true; });
  b.ticker.stop();
  b.link.reset();
  test::run_for(b.loop, 100ms);
  CHECK_FALSE(called);
  CHECK(b.templates.empty());
}

}  // namespace pool
