// A node's answers to a solo miner, as Bitcoin Core and bcoin give them, and as none should.
#include "miner/solo_answers.h"

#include <doctest/doctest.h>

#include <string>

namespace miner {
namespace {

using Kind = SoloAnswer::Kind;

TEST_CASE("the chain, or why not") {
  const std::string rest =
      R"(","blocks":101,"other":[1,{}],"bestblockhash":")" + std::string(64, 'a') + "\"}";
  const auto chain = parse_chain(R"({"chain":"regtest)" + rest);
  REQUIRE(chain.has_value());
  CHECK(chain->network == bitcoin::Network::regtest);
  CHECK_EQ(chain->height, 101);
  CHECK(parse_chain(R"({"chain":"main)" + rest)->network == bitcoin::Network::mainnet);
  struct Row {
    std::string json;
    const char* part;
  };
  const Row rows[] = {{"", "not an object"},
                      {"[]", "not an object"},
                      {R"({"chain":7})", "has no chain"},
                      {R"({"chain":"dogecoin)" + rest, "\"dogecoin\": expected one of main"}};
  for (const Row& row : rows) {
    CAPTURE(row.json);
    const auto refused = parse_chain(row.json);
    REQUIRE_FALSE(refused.has_value());
    CHECK_NE(refused.error().find(row.part), std::string::npos);
  }
}

TEST_CASE("submitblock and proposals: taken, refused, or not answered") {
  struct Row {
    const char* json;
    Kind submitted;
    Kind proposed;
    const char* reason;  // of the submission
  };
  const Row rows[] = {
      {"null", Kind::accepted, Kind::accepted, ""},
      {R"("duplicate")", Kind::accepted, Kind::accepted, ""},
      {R"("duplicate-invalid")", Kind::refused, Kind::accepted, "duplicate-invalid"},
      {R"("inconclusive")", Kind::refused, Kind::accepted, "inconclusive"},
      {R"("duplicate-inconclusive")", Kind::refused, Kind::accepted, "duplicate-inconclusive"},
      {R"("prev-blk-not-found")", Kind::unanswered, Kind::accepted, "prev-blk-not-found"},
      {R"("time-too-new")", Kind::unanswered, Kind::accepted, "time-too-new"},
      {R"("high-hash")", Kind::refused, Kind::accepted, "high-hash"},
      {R"("rejected: bad-cb-amount")", Kind::refused, Kind::refused, "bad-cb-amount"},
      {"17", Kind::unanswered, Kind::unanswered, "an answer that is not text"},
      {"{", Kind::unanswered, Kind::unanswered, "an answer that is not JSON"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    CHECK(parse_submit_answer(row.json).kind == row.submitted);
    CHECK_EQ(parse_submit_answer(row.json).reason, row.reason);
    CHECK(parse_proposal_answer(row.json).kind == row.proposed);
  }
}

TEST_CASE("a failed call: only a block that can't be read is refused; each has its remedy") {
  using Error = rpc::RpcError;
  struct Row {
    Error::Kind kind;
    int code;
    Kind answer;
    const char* remedy;
  };
  const Row rows[] = {
      {Error::Kind::node_error, -22, Kind::refused, "n1"},
      {Error::Kind::node_error, -28, Kind::unanswered, "starting up"},
      {Error::Kind::node_error, -10, Kind::unanswered, "caught up"},
      {Error::Kind::node_error, -9, Kind::unanswered, "no peers"},
      {Error::Kind::node_error, -32601, Kind::unanswered, "Bitcoin Core 25"},
      {Error::Kind::unreachable, 0, Kind::unanswered, "server=1"},
      {Error::Kind::timeout, 0, Kind::unanswered, "overloaded"},
      {Error::Kind::unauthorized, 0, Kind::unanswered, "password"},
      {Error::Kind::cookie, 0, Kind::unanswered, "--cookie-file"},
      {Error::Kind::bad_answer, 0, Kind::unanswered, "RPC port"},
      {Error::Kind::cancelled, 0, Kind::unanswered, "n1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.remedy);
    const SoloAnswer answer = answer_of({row.kind, row.code, "n1:8332 submitblock: x"});
    CHECK(answer.kind == row.answer);
    CHECK_NE(answer.reason.find(row.remedy), std::string::npos);
    CHECK_EQ(answer.reason.find("node n1:8332 submitblock: x"), 0);
  }
}

}  // namespace
}  // namespace miner
