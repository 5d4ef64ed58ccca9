// Templates of a real bitcoind: blocks as proposals, and signets that can and can't be mined on.
#include "common/bitcoin/transaction.h"
#include "common/mining/job_builder.h"
#include "common/node/answers.h"
#include "pool/node/proposal_check.h"
#include "tests/loop/pool/node/found_block.h"
#include "tests/loop/pool/node/node_thread.h"
#include "tests/loop/pool/node/regtest_node.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;
using test::needs_bitcoind;
using test::NodeThread;
using test::RegtestNode;

// P2WSH of OP_TRUE: sha256(51).
const base::Bytes open_witness_script =
    *base::from_hex("00204ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260");

// Spends the coinbase of block `height`, with a witness.
void spend_coinbase(RegtestNode& node, int height) {
  const auto block = node.tell(
      "getblock",
      fmt::format(R"(["{}"])", node.tell("getblockhash", fmt::format("[{}]", height)).GetString()));
  bitcoin::Transaction spending;
  bitcoin::TxIn in;
  in.prev_txid = *bitcoin::Txid::from_display_hex(block["tx"][0].GetString());
  in.witness = {{0x51}};
  spending.inputs = {std::move(in)};
  spending.outputs = {{bitcoin::Sats{4'999'990'000}, open_witness_script}};
  node.tell("sendrawtransaction",
            fmt::format(R"(["{}"])", base::to_hex(spending.serialize_witness())));
}

mining::JobSpec spec_over(RegtestNode& node) {
  auto answer = node.ask("getblocktemplate", node::template_params(bitcoin::Network::regtest));
  REQUIRE(answer.has_value());
  auto made = node::read_template(*answer, bitcoin::Network::regtest);
  REQUIRE_MESSAGE(made.has_value(), (made ? std::string() : made.error()));
  mining::JobSpec spec;
  spec.id = mining::JobId{mining::job_id_step};
  spec.outputs = {{made->coinbase_value, open_witness_script}};
  spec.coinbase_tag = "/phasepool/";
  spec.ntime = made->curtime;
  spec.version_mask = 0x1fffe000;
  spec.block_template = std::make_shared<mining::BlockTemplate>(std::move(*made));
  return spec;
}

// The node's word on the block of such a job: "accepted", a refusal, or "unsure".
std::string word_on(RegtestNode& node, const mining::JobSpec& spec) {
  const auto job = mining::build_job(spec);
  REQUIRE(job.has_value());
  std::string word = "unsure";
  ProposalCheck* asker = nullptr;
  ProposalCheck check(
      "node", bitcoin::Network::regtest,
      [&](auto method, auto params, auto, auto on_answer) {
        on_answer(node.ask(std::string(method), params));
      },
      [&](bool accepted) { word = accepted ? "accepted" : asker->refusal(); });
  asker = &check;
  check.on_job(**job);
  return word;
}

bool says(const std::string& word, const std::string& reason) {
  return word.find("would refuse the pool's block: \"" + reason + "\"") != std::string::npos;
}

}  // namespace

TEST_CASE("a real template with witness transactions makes a block that its node would take" *
          needs_bitcoind()) {
  uv::Loop loop;
  RegtestNode node(loop, *test::find_bitcoind());
  CHECK_EQ(word_on(node, spec_over(node)), "accepted");  // on height 0, without transactions

  const std::string address =
      bitcoin::address_of_script(open_witness_script, bitcoin::Network::regtest);
  node.tell("generatetoaddress", fmt::format(R"([110,"{}"])", address));
  for (int height = 1; height <= 8; ++height) spend_coinbase(node, height);
  const mining::JobSpec spec = spec_over(node);
  REQUIRE_EQ(spec.block_template->txids.size(), 8);
  CHECK_EQ(word_on(node, spec), "accepted");

  // What would lose a block, told before one is found.
  mining::JobSpec wrong = spec;
  auto changed = std::make_shared<mining::BlockTemplate>(*spec.block_template);
  changed->default_witness_commitment->back() ^= 1;
  wrong.block_template = changed;
  CHECK(says(word_on(node, wrong), "bad-witness-merkle-match"));

  changed = std::make_shared<mining::BlockTemplate>(*spec.block_template);
  changed->coinbase_value.value += 1;
  wrong.block_template = changed;
  wrong.outputs[0].value = changed->coinbase_value;
  CHECK(says(word_on(node, wrong), "bad-cb-amount"));

  wrong = spec;
  changed = std::make_shared<mining::BlockTemplate>(*spec.block_template);
  changed->height += 1;
  wrong.block_template = changed;
  CHECK(says(word_on(node, wrong), "bad-cb-height"));

  // Another tip by now: no word on the block.
  node.generate(1);
  CHECK_EQ(word_on(node, spec), "unsure");
}

TEST_CASE("a signet whose challenge needs no solution is mined on" * needs_bitcoind()) {
  uv::Loop loop;
  RegtestNode node(loop, *test::find_bitcoind(),
                   {"-signet", "-signetchallenge=51", "-connect=0", "-dnsseed=0"});
  test::TemporaryFolder data;
  NodeThread pool(
      loop,
      {.nodes = {node.config(true)}, .data_dir = data.path(), .network = bitcoin::Network::signet});
  REQUIRE(pool.wait_for_jobs(1));
  CHECK_EQ(pool.jobs[0]->height(), 1);
  CHECK_EQ(pool.jobs[0]->nbits(), 0x1e0377aeu);
  REQUIRE(pool.jobs[0]->block_template->signet_challenge);
  pool.post(test::find_block(pool.jobs[0]));  // some 2^22 hashes
  REQUIRE(pool.wait([&] { return !pool.outcomes.empty(); }));
  CHECK(pool.outcomes[0].status == BlockStatus::accepted);
  CHECK_EQ(pool.outcomes[0].detail, "");
  CHECK_EQ(node.height(), 1);
  CHECK_EQ(pool.status.error, "");
}

TEST_CASE("the default signet is refused, for a reason" * needs_bitcoind()) {
  uv::Loop loop;
  RegtestNode node(loop, *test::find_bitcoind(), {"-signet", "-connect=0", "-dnsseed=0"});
  test::TemporaryFolder data;
  NodeThread pool(loop, {.nodes = {node.config(false)},
                         .data_dir = data.path(),
                         .network = bitcoin::Network::signet});
  REQUIRE(pool.wait([&] { return pool.status.error.find("BIP325") != std::string::npos; }));
  CHECK_NE(pool.status.error.find("the pool can't mine on this signet"), std::string::npos);
  CHECK(pool.jobs.empty());
}

}  // namespace pool
