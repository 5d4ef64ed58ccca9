#include "common/mining/proposal.h"

#include "common/bitcoin/header.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/transaction.h"
#include "common/mining/job_builder.h"
#include "tests/unit/common/mining/vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

using mining::BlockTemplate;
using mining::JobSpec;

namespace {

const base::Bytes payout_script = *base::from_hex("0014a248cf2f99f449511b22bab1a3d001719f84cd09");

JobSpec spec_for(const std::string& file) {
  auto parsed = mining::parse_block_template(mining_test::vector_text(file));
  REQUIRE(parsed);
  JobSpec spec;
  spec.id = mining::JobId(mining::job_id_step);
  spec.outputs = {{parsed->coinbase_value, payout_script}};
  spec.coinbase_tag = "/phasepool/";
  spec.version_mask = 0x1fffe000;
  spec.ntime = parsed->curtime + 45;  // a job that was given out again
  spec.block_template = std::make_shared<BlockTemplate>(std::move(*parsed));
  return spec;
}

std::shared_ptr<const mining::Job> build(const JobSpec& spec) {
  auto job = mining::build_job(spec);
  REQUIRE(job);
  return *job;
}

// A block's transactions one by one: Transaction::parse() takes exactly one.
std::vector<bitcoin::Transaction> transactions_of(base::ByteSpan bytes, std::size_t count,
                                                  const std::vector<std::size_t>& sizes) {
  std::vector<bitcoin::Transaction> out;
  REQUIRE_EQ(sizes.size(), count);
  for (const std::size_t size : sizes) {
    REQUIRE_LE(size, bytes.size());
    auto parsed = bitcoin::Transaction::parse(bytes.first(size));
    REQUIRE(parsed);
    out.push_back(std::move(*parsed));
    bytes = bytes.subspan(size);
  }
  CHECK(bytes.empty());
  return out;
}

}  // namespace

TEST_CASE("a proposal is the whole block: header, coinbase with its witness, all transactions") {
  for (const char* file : {"gbt_core_regtest.json", "gbt_bcoin_regtest.json"}) {
    CAPTURE(std::string(file));
    const auto json = mining_test::vector_json(file);
    const auto job = build(spec_for(file));
    const base::Bytes block = mining_test::bytes(mining::proposal_block_hex(*job));
    const std::size_t count = 1 + json["transactions"].Size();
    REQUIRE_LT(count, 253);
    CHECK_EQ(block[80], count);
    std::size_t others = 0;
    std::vector<std::size_t> sizes{0};
    for (const auto& listed : json["transactions"].GetArray()) {
      sizes.push_back(listed["data"].GetStringLength() / 2);
      others += sizes.back();
    }
    sizes[0] = block.size() - 81 - others;
    const auto transactions = transactions_of(base::ByteSpan(block).subspan(81), count, sizes);

    std::vector<bitcoin::Hash256> leaves;
    leaves.reserve(transactions.size());
    for (const auto& each : transactions) leaves.emplace_back(each.txid().bytes);
    bitcoin::HeaderBytes header_bytes;
    std::copy_n(block.begin(), header_bytes.size(), header_bytes.begin());
    const auto header = bitcoin::Header::parse(header_bytes);
    CHECK_EQ(header.merkle_root, bitcoin::merkle_root(leaves));
    CHECK_EQ(header.prev_hash, job->prev_hash());
    CHECK_EQ(header.version, job->version);
    CHECK_EQ(header.nbits, job->nbits());
    CHECK_EQ(header.ntime, job->block_template->curtime);  // not the job's
    REQUIRE_EQ(transactions[0].inputs.size(), 1);
    REQUIRE_EQ(transactions[0].inputs[0].witness.size(), 1);
    CHECK_EQ(transactions[0].inputs[0].witness[0], base::Bytes(32));
    CHECK_EQ(transactions[0].outputs.back().script_pubkey,
             *job->block_template->default_witness_commitment);
  }
}

TEST_CASE("before segwit a proposal's coinbase has no witness") {
  JobSpec spec = spec_for("gbt_core_regtest.json");
  auto bare = std::make_shared<BlockTemplate>(*spec.block_template);
  bare->default_witness_commitment.reset();
  bare->txids.clear();
  bare->transactions.clear();
  spec.block_template = bare;
  const base::Bytes block = mining_test::bytes(mining::proposal_block_hex(*build(spec)));
  const auto coinbase = bitcoin::Transaction::parse(base::ByteSpan(block).subspan(81));
  REQUIRE(coinbase);
  CHECK_FALSE(coinbase->has_witness());
}

TEST_CASE("what makes a new kind of block, and what does not") {
  struct Row {
    const char* why;
    bool new_kind;
    std::function<void(JobSpec&, BlockTemplate&)> change;
  };
  const Row rows[] = {
      {"nothing", false, [](JobSpec&, BlockTemplate&) {}},
      {"height and times", false,
       [](JobSpec& spec, BlockTemplate& made) {
         made.height += 300'000;  // its push is longer, too
         made.curtime += 10;
         made.mintime += 10;
         spec.ntime += 20;
       }},
      {"the previous block and the bits", false,
       [](JobSpec&, BlockTemplate& made) {
         made.prev_hash.bytes.fill(3);
         made.nbits = 0x207ffffe;
       }},
      {"other transactions, and so another commitment and value", false,
       [](JobSpec& spec, BlockTemplate& made) {
         made.txids.clear();
         made.transactions.clear();
         made.default_witness_commitment = bitcoin::witness_commitment_script({});
         made.coinbase_value = spec.outputs[0].value = bitcoin::Sats{7};
       }},
      {"the job's id and unique push", false,
       [](JobSpec& spec, BlockTemplate&) { spec.coinbase_unique += 5; }},
      {"a version bit", true, [](JobSpec&, BlockTemplate& made) { made.version ^= 4; }},
      {"a bit that miners roll", true,
       [](JobSpec&, BlockTemplate& made) { made.version ^= 0x4000; }},
      {"the mask", true,
       [](JobSpec& spec, BlockTemplate& made) {
         spec.version_mask = 0;
         made.version |= 0x2000;
       }},
      {"a rule", true, [](JobSpec&, BlockTemplate& made) { made.rules.emplace_back("new"); }},
      {"no commitment any more", true,
       [](JobSpec&, BlockTemplate& made) { made.default_witness_commitment.reset(); }},
      {"a limit", true, [](JobSpec&, BlockTemplate& made) { made.weight_limit -= 1; }},
      {"a signet", true,
       [](JobSpec&, BlockTemplate& made) { made.signet_challenge = base::Bytes{0x51}; }},
      {"the tag", true, [](JobSpec& spec, BlockTemplate&) { spec.coinbase_tag = "/other/"; }},
      {"a further output", true,
       [](JobSpec& spec, BlockTemplate&) {
         spec.outputs.push_back({bitcoin::Sats{0}, payout_script});
       }},
      {"another payout script", true,
       [](JobSpec& spec, BlockTemplate&) { spec.outputs[0].script_pubkey = {0x51}; }},
  };
  const JobSpec plain = spec_for("gbt_core_regtest.json");
  const std::string kind = mining::proposal_kind(*build(plain));
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    JobSpec spec = plain;
    auto changed = std::make_shared<BlockTemplate>(*plain.block_template);
    row.change(spec, *changed);
    spec.block_template = changed;
    CHECK_EQ(mining::proposal_kind(*build(spec)) != kind, row.new_kind);
  }
}
