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
  SubmitReport submit(bool prefer = false) {
    std::optional<SubmitReport> report;
    line.submit(test::numbered_hash(9), "aabb", prefer,
                [&](SubmitReport got) { report = std::move(got); });
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
  line.submit(test::numbered_hash(9), "aabb", false,
              [&](SubmitReport got) { report = std::move(got); });
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
  b.line.submit(test::numbered_hash(9), "aabb", false,
                [&](SubmitReport got) { report = std::move(got); });
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

TEST_CASE("a block that the node has beside its best chain is preferred, where that is wanted") {
  struct Row {
    const char* why;
    bool prefer;
    Reply to_precious;
    int confirmations_after;
    SubmitReport::Kind kind;
    SubmissionAnswer answer;
    int precious_calls;
  };
  using Kind = SubmitReport::Kind;
  using Answer = SubmissionAnswer;
  const Reply unknown_method{"null", R"({"code":-32601,"message":"Method not found"})", 500};
  const Reply failed{"null", R"({"code":-20,"message":"no"})", 500};
  const Row rows[] = {
      {"it is preferred", true, {"null"}, 1, Kind::new_tip, Answer::accepted, 1},
      {"the other chain has more work",
       true,
       {"null"},
       -1,
       Kind::side_chain,
       Answer::inconclusive,
       1},
      {"not wanted", false, {"null"}, 1, Kind::side_chain, Answer::inconclusive, 0},
      {"the node can't", true, unknown_method, -1, Kind::side_chain, Answer::inconclusive, 1},
      {"the node won't", true, failed, -1, Kind::side_chain, Answer::inconclusive, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    for (const char* said :
         {R"("inconclusive")", R"("duplicate")", R"("duplicate-inconclusive")"}) {
      CAPTURE(std::string(said));
      Bench b;
      int looks = 0;
      b.node.handler = [&](const Call& call) -> std::optional<Reply> {
        if (call.method == "submitblock") return Reply{said};
        if (call.method == "preciousblock") return row.to_precious;
        if (call.method != "getblockheader") return std::nullopt;
        const int confirmations = looks++ == 0 ? -1 : row.confirmations_after;
        return Reply{fmt::format(R"({{"confirmations":{}}})", confirmations)};
      };
      const SubmitReport report = b.submit(row.prefer);
      CHECK(report.kind == row.kind);
      CHECK(report.answer == row.answer);
      CHECK_EQ(b.node.calls("preciousblock"), row.precious_calls);
    }
  }
}

TEST_CASE("a node that does not know preciousblock is asked once and never again") {
  Bench b;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method == "submitblock") return Reply{R"("inconclusive")"};
    if (call.method == "getblockheader") return Reply{R"({"confirmations":-1})"};
    if (call.method == "preciousblock") {
      return Reply{"null", R"({"code":-32601,"message":"Method not found"})", 404};
    }
    return std::nullopt;
  };
  for (int i = 0; i < 3; ++i) CHECK(b.submit(true).kind == SubmitReport::Kind::side_chain);
  CHECK_EQ(b.node.calls("preciousblock"), 1);
}

TEST_CASE("a block in the best chain is not preferred") {
  Bench b;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method == "submitblock") return Reply{R"("duplicate")"};
    if (call.method == "getblockheader") return Reply{R"({"confirmations":1})"};
    return std::nullopt;
  };
  const SubmitReport report = b.submit(true);
  CHECK(report.kind == SubmitReport::Kind::in_chain);
  CHECK(report.answer == SubmissionAnswer::duplicate);
  CHECK_EQ(b.node.calls("preciousblock"), 0);
}

TEST_CASE("answers that are none are failures, to be tried again") {
  struct Row {
    const char* why;
    Reply reply;
    const char* detail;
  };
  Reply cut_at_once;
  cut_at_once.cut = true;
  Reply cut_inside = cut_at_once;
  cut_inside.raw = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"result\":nu";
  Reply not_http;
  not_http.raw = "SSH-2.0-OpenSSH_9.2\r\n\r\n";
  Reply not_json;
  not_json.raw = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html";
  Reply half_json;
  half_json.raw = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"result\":nu";
  Reply error_page;
  error_page.raw = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops";
  Reply forbidden;
  forbidden.raw = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
  const Row rows[] = {
      {"cut before an answer", cut_at_once, "twice"},
      {"cut inside an answer", cut_inside, "in the middle of the answer"},
      {"not HTTP", not_http, "not HTTP"},
      {"not JSON", not_json, "without a JSON-RPC answer"},
      {"half of it", half_json, "without a JSON-RPC answer"},
      {"500 and no more", error_page, "500"},
      {"403", forbidden, "403"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    Bench b;
    b.node.handler = [&](const Call& call) -> std::optional<Reply> {
      if (call.method == "submitblock") return row.reply;
      return std::nullopt;
    };
    const SubmitReport report = b.submit();
    CHECK(report.kind == SubmitReport::Kind::failed);
    CHECK(report.answer == SubmissionAnswer::unreachable);
    CAPTURE(report.detail);
    CHECK_NE(report.detail.find(row.detail), std::string::npos);
    b.node.handler = nullptr;
    CHECK(b.submit().kind == SubmitReport::Kind::new_tip);  // the line is good again
  }
}

TEST_CASE("a block that the node hangs on delays none of those after it") {
  Bench b;
  int blocks = 0;
  b.node.handler = [&](const Call& call) -> std::optional<Reply> {
    Reply hang;
    hang.silent = call.method == "submitblock" && ++blocks <= 5;
    return hang.silent ? std::optional(hang) : std::nullopt;
  };
  int answered = 0;
  for (int i = 0; i < 5; ++i) {
    b.line.submit(test::numbered_hash(9), "aabb", false, [&](const SubmitReport&) { ++answered; });
  }
  REQUIRE(b.wait([&] { return blocks == 5; }));
  CHECK(b.submit().kind == SubmitReport::Kind::new_tip);
  CHECK_EQ(answered, 0);
}

}  // namespace pool
