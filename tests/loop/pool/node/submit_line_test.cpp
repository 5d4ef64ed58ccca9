#include "pool/node/submit_line.h"

#include "common/uv/clock.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/waiting.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace pool {
namespace {

using namespace std::chrono_literals;
using Reply = test::FakeNode::Reply;
using Call = test::FakeNode::Call;

struct Bench {
  uv::Loop loop;
  test::FakeNode node{loop};
  SubmitLine line{loop, node.endpoint()};

  bool wait(const std::function<bool()>& condition) {
    return test::wait_until(loop, condition, 10s);
  }
  SubmitReport submit() {
    std::optional<SubmitReport> report;
    line.submit(test::numbered_hash(9), "aabb", [&](SubmitReport got) { report = std::move(got); });
    REQUIRE(wait([&] { return report.has_value(); }));
    return *report;
  }
};

}  // namespace

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
      {"accepted", {"null"}, unknown, Kind::new_tip, ""},
      {"refused", {R"("bad-cb-amount")"}, unknown, Kind::rejected, "bad-cb-amount"},
      {"not a block",
       {"null", R"({"code":-22,"message":"Block decode failed"})", 500},
       unknown,
       Kind::rejected,
       "Block decode failed"},
      {"sent before", {R"("duplicate")"}, {R"({"confirmations":1})"}, Kind::in_chain, "duplicate"},
      {"on another branch",
       {R"("inconclusive")"},
       {R"({"confirmations":-1})"},
       Kind::side_chain,
       "inconclusive"},
      {"said to be a duplicate of nothing",
       {R"("duplicate")"},
       unknown,
       Kind::not_yet,
       "duplicate"},
      {"its parent is not there yet",
       {R"("prev-blk-not-found")"},
       unknown,
       Kind::not_yet,
       "prev-blk-not-found"},
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
    const SubmitReport report = b.submit();
    CHECK(report.kind == row.kind);
    CAPTURE(report.detail);
    CHECK_NE(report.detail.find(row.detail), std::string::npos);
  }
}

TEST_CASE("a block that no node can be told of is a failure that names the node") {
  uv::Loop loop;
  rpc::RpcEndpoint nowhere;
  nowhere.host = "127.0.0.1";
  nowhere.port = 1;
  nowhere.user = "u";
  SubmitLine line(loop, nowhere);
  std::optional<SubmitReport> report;
  line.submit(test::numbered_hash(9), "aabb", [&](SubmitReport got) { report = std::move(got); });
  REQUIRE(test::wait_until(
      loop, [&] { return report.has_value(); }, 10s));
  CHECK(report->kind == SubmitReport::Kind::failed);
  CHECK_EQ(report->detail.find("node 127.0.0.1:1 submitblock: "), 0);
}

TEST_CASE("a block does not wait behind a question that gets no answer") {
  Bench b;
  b.node.handler = [](const Call& call) -> std::optional<Reply> {
    if (call.method == "getblockcount") return Reply{"", "", 200, true};
    return std::nullopt;
  };
  const base::MonoTime now = uv::read_clock().mono;
  b.line.keep_warm(now);
  REQUIRE(b.wait([&] { return b.node.calls("getblockcount") == 1; }));
  std::optional<SubmitReport> report;
  b.line.submit(test::numbered_hash(9), "aabb", [&](SubmitReport got) { report = std::move(got); });
  REQUIRE(test::wait_until(
      b.loop, [&] { return report.has_value(); }, 1s));
  CHECK_EQ(b.node.connections(), 2);
  b.line.keep_warm(now);
  CHECK(b.submit().kind == SubmitReport::Kind::new_tip);
  CHECK_EQ(b.node.connections(), 3);
}

TEST_CASE("the connection is opened before a block is found, and used again for it") {
  Bench b;
  const base::MonoTime now = uv::read_clock().mono;
  b.line.keep_warm(now);
  REQUIRE(b.wait([&] { return b.node.calls("getblockcount") == 1; }));
  test::run_for(b.loop, 50ms);  // the answer arrives
  b.line.keep_warm(now + 5s);
  CHECK(b.submit().kind == SubmitReport::Kind::new_tip);
  CHECK_EQ(b.node.calls("getblockcount"), 1);
  CHECK_EQ(b.node.connections(), 1);
  b.line.keep_warm(now + 11s);
  REQUIRE(b.wait([&] { return b.node.calls("getblockcount") == 2; }));
}

}  // namespace pool
