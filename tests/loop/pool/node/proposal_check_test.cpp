#include "pool/node/proposal_check.h"

#include "common/mining/job_builder.h"
#include "common/mining/proposal.h"
#include "tests/loop/pool/node/fake_node.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace pool {
namespace {

using rpc::RpcError;

// A node that is asked through a function, and answers when the test says so.
struct Bench {
  struct Question {
    std::string method;
    std::string params;
    rpc::RpcClient::OnAnswer on_answer;
  };
  std::vector<Question> questions;
  std::vector<bool> verdicts;
  ProposalCheck check{
      "the-node", bitcoin::Network::signet,
      [this](std::string_view method, std::string params, auto,
             rpc::RpcClient::OnAnswer on_answer) {
        questions.push_back({std::string(method), std::move(params), std::move(on_answer)});
      },
      [this](bool accepted) { verdicts.push_back(accepted); }};

  void say(const std::string& json) { questions.back().on_answer(rpc::RpcResult(json)); }
  void fail(RpcError::Kind kind, int code = 0) {
    questions.back().on_answer(
        base::err(RpcError{.kind = kind, .code = code, .message = "the message"}));
  }
};

std::shared_ptr<const mining::Job> job(const std::string& tag = "/a/", std::uint8_t tip = 1) {
  auto block_template = std::make_shared<mining::BlockTemplate>();
  block_template->height = 100 + tip;
  block_template->prev_hash = test::numbered_hash(tip);
  block_template->coinbase_value = bitcoin::Sats{50};
  mining::JobSpec spec;
  spec.id = mining::JobId{mining::job_id_step};
  spec.outputs = {{bitcoin::Sats{50}, {0x51}}};
  spec.coinbase_tag = tag;
  spec.block_template = block_template;
  return *mining::build_job(spec);
}

}  // namespace

TEST_CASE("the first job's whole block is asked about, and what has passed is not asked again") {
  Bench b;
  b.check.on_job(*job());
  REQUIRE_EQ(b.questions.size(), 1);
  CHECK_EQ(b.questions[0].method, "getblocktemplate");
  CHECK_EQ(b.questions[0].params, R"([{"mode":"proposal","data":")" +
                                      mining::proposal_block_hex(*job()) +
                                      R"(","rules":["segwit","signet"]}])");
  b.check.on_job(*job("/b/"));  // one question at a time
  CHECK_EQ(b.questions.size(), 1);
  b.say("null");
  CHECK_EQ(b.verdicts, std::vector<bool>{true});
  CHECK_EQ(b.check.refusal(), "");

  b.check.on_job(*job("/a/", 2));
  CHECK_EQ(b.questions.size(), 1);
  b.check.on_job(*job("/b/"));
  REQUIRE_EQ(b.questions.size(), 2);
  b.say("null");
  b.check.on_job(*job("/a/"));  // still known
  CHECK_EQ(b.questions.size(), 2);
}

TEST_CASE("a block with transactions is another kind than one without") {
  Bench b;
  b.check.on_job(*job());
  b.say("null");
  auto with_one = std::make_shared<mining::BlockTemplate>(*job()->block_template);
  with_one->txids.resize(1);
  with_one->transactions.resize(60);
  mining::Job full = *job();
  full.block_template = with_one;
  b.check.on_job(full);
  CHECK_EQ(b.questions.size(), 2);
}

TEST_CASE("a refusal names the reason, is asked about with each job, and passes") {
  Bench b;
  b.check.on_job(*job());
  b.say(R"("bad-cb-amount")");
  CHECK_EQ(b.verdicts, std::vector<bool>{false});
  CHECK_NE(b.check.refusal().find("node the-node would refuse the pool's block: \"bad-cb-amount\""),
           std::string::npos);
  b.check.on_job(*job("/a/", 2));
  REQUIRE_EQ(b.questions.size(), 2);
  b.say("null");
  CHECK_EQ(b.verdicts, std::vector<bool>{false, true});
  CHECK_EQ(b.check.refusal(), "");

  // A kind that passed before is the word on what goes out now.
  b.check.on_job(*job("/b/"));
  b.say(R"("bad-witness-merkle-match")");
  CHECK_NE(b.check.refusal(), "");
  b.check.on_job(*job("/a/"));
  CHECK_EQ(b.questions.size(), 3);
  CHECK_EQ(b.check.refusal(), "");
}

TEST_CASE("a block that the node can't read is refused") {
  Bench b;
  b.check.on_job(*job());
  b.fail(RpcError::Kind::node_error, -22);
  CHECK_EQ(b.verdicts, std::vector<bool>{false});
}

TEST_CASE("what is no verdict is asked again with the next job, and leaves a refusal as it is") {
  Bench b;
  b.check.on_job(*job());
  b.say(R"("bad-blk-sigops")");
  const std::string refusal = b.check.refusal();
  std::size_t asked = 1;
  const auto again = [&] {
    b.check.on_job(*job());
    REQUIRE_EQ(b.questions.size(), ++asked);
    CHECK_EQ(b.check.refusal(), refusal);
    CHECK_EQ(b.verdicts.size(), 1);
  };
  for (const char* text :
       {R"("inconclusive-not-best-prevblk")", R"("high-hash")", "{}", "garbage"}) {
    CAPTURE(std::string(text));
    again();
    b.say(text);
  }
  for (const RpcError::Kind kind :
       {RpcError::Kind::timeout, RpcError::Kind::unreachable, RpcError::Kind::cancelled}) {
    again();
    b.fail(kind);
  }
  again();
  b.fail(RpcError::Kind::node_error, -25);  // the node's own trouble
  again();
}

TEST_CASE("a node without proposals is not asked, until it comes up anew") {
  Bench b;
  b.check.on_job(*job());
  b.fail(RpcError::Kind::node_error, -8);
  b.check.on_job(*job());
  CHECK_EQ(b.questions.size(), 1);
  CHECK(b.verdicts.empty());
  b.check.forget();

  auto silent = std::make_shared<mining::BlockTemplate>(*job()->block_template);
  silent->takes_proposals = false;
  mining::Job unasked = *job();
  unasked.block_template = silent;
  b.check.on_job(unasked);
  CHECK_EQ(b.questions.size(), 1);
  b.check.forget();
  b.check.on_job(*job());
  CHECK_EQ(b.questions.size(), 2);
}

TEST_CASE("a node taken in place of another is asked about the job that miners keep, once") {
  Bench b;
  mining::Job of_another = *job();
  auto silent = std::make_shared<mining::BlockTemplate>(*of_another.block_template);
  silent->takes_proposals = false;
  of_another.block_template = silent;
  b.check.on_kept_job(of_another);
  CHECK(b.questions.empty());

  b.check.on_kept_job(*job());
  REQUIRE_EQ(b.questions.size(), 1);
  b.say(R"("bad-cb-amount")");
  b.check.on_kept_job(*job());
  CHECK_EQ(b.questions.size(), 1);
  b.check.on_job(*job());
  CHECK_EQ(b.questions.size(), 2);
  b.check.forget();
  b.check.on_kept_job(*job());
  CHECK_EQ(b.questions.size(), 3);
}

TEST_CASE("answers from before forget(), and after the end, are nobody's") {
  Bench b;
  b.check.on_job(*job());
  b.check.forget();
  b.say(R"("bad-cb-amount")");
  CHECK(b.verdicts.empty());
  CHECK_EQ(b.check.refusal(), "");
  b.check.on_job(*job());
  CHECK_EQ(b.questions.size(), 2);

  rpc::RpcClient::OnAnswer late;
  {
    ProposalCheck gone(
        "x", bitcoin::Network::regtest,
        [&](auto, auto, auto, auto on_answer) { late = std::move(on_answer); },
        [](bool) { FAIL("a verdict after the end"); });
    gone.on_job(*job());
  }
  late(rpc::RpcResult("null"));
}

}  // namespace pool
