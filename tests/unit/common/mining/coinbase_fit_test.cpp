#include "common/mining/coinbase_fit.h"

#include "common/bitcoin/script.h"
#include "common/bitcoin/transaction.h"
#include "tests/unit/common/mining/vectors.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using mining::BlockTemplate;
using mining::JobError;
using mining::JobSpec;

namespace {

constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();
constexpr std::int64_t reward = 1'000'000;
const base::Bytes no_sigops(22, 0x00);  // OP_0s, no CHECKSIG
const base::Bytes one_sigop = bitcoin::p2pkh_script(base::Bytes(20, 7));

// Four outputs of which the last three each have one sigop, and a tag of 11 bytes.
JobSpec spec_over(const std::shared_ptr<BlockTemplate>& block_template) {
  JobSpec spec;
  spec.block_template = block_template;
  spec.outputs = {{bitcoin::Sats{reward - 6}, no_sigops}};
  for (int i = 1; i <= 3; ++i) spec.outputs.push_back({bitcoin::Sats{i}, one_sigop});
  spec.coinbase_tag = "/phasepool/";
  return spec;
}

std::shared_ptr<BlockTemplate> empty_template(bool segwit = true) {
  auto block_template = std::make_shared<BlockTemplate>();
  block_template->height = 100;
  block_template->coinbase_value = bitcoin::Sats{reward};
  block_template->segwit = segwit;
  if (segwit) block_template->default_witness_commitment = bitcoin::witness_commitment_script({});
  return block_template;
}

std::size_t bytes_of(const bitcoin::CoinbaseParts& parts) {
  return parts.coinb1.size() + 12 + parts.coinb2.size();
}

// How many outputs but the commitment a coinbase has; checks that it pays the whole reward.
std::size_t outputs_of(const bitcoin::CoinbaseParts& parts, bool committed = true) {
  const auto parsed = bitcoin::Transaction::parse(
      bitcoin::assemble_coinbase(parts, base::Bytes(4), base::Bytes(8)));
  REQUIRE(parsed);
  std::int64_t sum = 0;
  for (const auto& output : parsed->outputs) sum += output.value.value;
  CHECK_EQ(sum, reward);
  return parsed->outputs.size() - (committed ? 1 : 0);
}

bool has_tag(const bitcoin::CoinbaseParts& parts) {
  return base::to_hex(parts.coinb2).starts_with("0b" + base::to_hex(base::as_bytes("/phasepool/")));
}

bitcoin::CoinbaseParts fit(const JobSpec& spec, std::size_t bytes_max = unbounded) {
  auto parts = mining::fit_coinbase(spec, bytes_max);
  REQUIRE(parts);
  return *parts;
}

}  // namespace

TEST_CASE("a block's use of its limits: header, count, coinbase with its witness, transactions") {
  BlockTemplate block_template = *empty_template();
  block_template.txids.resize(252);  // with the coinbase 253: the count takes three bytes
  block_template.transactions.resize(1000);
  block_template.transactions_weight = 3000;
  block_template.transactions_sigops = 40;
  mining::BlockUse use = mining::block_use(block_template, 200, 5);
  CHECK_EQ(use.weight, 4 * (80 + 3 + 200) + 36 + 3000);
  CHECK_EQ(use.bytes, 80 + 3 + 200 + 36 + 1000);
  CHECK_EQ(use.sigops, 4 * 5 + 40);

  block_template.txids.resize(251);
  block_template.default_witness_commitment.reset();
  block_template.segwit = false;
  use = mining::block_use(block_template, 200, 5);
  CHECK_EQ(use.weight, 4 * (80 + 1 + 200) + 3000);
  CHECK_EQ(use.bytes, 80 + 1 + 200 + 1000);
  CHECK_EQ(use.sigops, 5 + 40);  // before segwit, counted once
}

TEST_CASE("each limit may be reached and not passed") {
  BlockTemplate block_template;
  block_template.weight_limit = 100;
  block_template.size_limit = 200;
  block_template.sigop_limit = 300;
  CHECK_FALSE(mining::over_limit(block_template, {100, 200, 300}));
  CHECK_EQ(mining::over_limit(block_template, {101, 200, 300}), JobError::block_too_heavy);
  CHECK_EQ(mining::over_limit(block_template, {100, 201, 300}), JobError::block_too_large);
  CHECK_EQ(mining::over_limit(block_template, {100, 200, 301}), JobError::too_many_sigops);
}

// Each limit in turn is set to what the coinbase takes with so many outputs, and one less.
TEST_CASE(
    "a coinbase is shortened to what the block has room for, output by output, then the tag") {
  struct Limit {
    const char* name;
    std::uint64_t BlockTemplate::*limit;
    std::uint64_t mining::BlockUse::*use;
    JobError error;
  };
  const Limit limits[] = {
      {"weight", &BlockTemplate::weight_limit, &mining::BlockUse::weight,
       JobError::block_too_heavy},
      {"size", &BlockTemplate::size_limit, &mining::BlockUse::bytes, JobError::block_too_large},
  };
  for (const bool segwit : {true, false}) {
    for (const Limit& limit : limits) {
      CAPTURE(segwit);
      CAPTURE(std::string(limit.name));
      const auto block_template = empty_template(segwit);
      block_template->transactions_weight = 4000;
      block_template->transactions.resize(1000);
      const JobSpec spec = spec_over(block_template);
      for (std::size_t outputs = 4; outputs >= 1; --outputs) {
        CAPTURE(outputs);
        const auto parts = fit(spec);
        REQUIRE_EQ(outputs_of(parts, segwit), outputs);
        CHECK(has_tag(parts));
        // Exactly enough for this one; then one less.
        block_template.get()->*limit.limit =
            mining::block_use(*block_template, bytes_of(parts), outputs - 1).*limit.use;
        CHECK_EQ(outputs_of(fit(spec), segwit), outputs);
        block_template.get()->*limit.limit -= 1;
      }
      const auto shortest = fit(spec);
      CHECK_EQ(outputs_of(shortest, segwit), 1);
      CHECK_FALSE(has_tag(shortest));
      block_template.get()->*limit.limit =
          mining::block_use(*block_template, bytes_of(shortest), 0).*limit.use;
      CHECK(mining::fit_coinbase(spec, unbounded));
      block_template.get()->*limit.limit -= 1;
      const auto refused = mining::fit_coinbase(spec, unbounded);
      REQUIRE_FALSE(refused);
      CHECK_EQ(refused.error(), limit.error);
    }
  }
}

TEST_CASE("sigops: outputs that have some are left out while the block has too many") {
  const auto block_template = empty_template();
  block_template->transactions_sigops = 79'988;
  const JobSpec spec = spec_over(block_template);
  for (const std::size_t outputs : {4U, 3U, 2U}) {
    CAPTURE(outputs);  // one sigop less fits each time; each counts four
    CHECK_EQ(outputs_of(fit(spec)), outputs);
    block_template->transactions_sigops += 3;
    CHECK_EQ(outputs_of(fit(spec)), outputs - 1);
    block_template->transactions_sigops += 1;
  }
  block_template->transactions_sigops = 80'000;
  CHECK_EQ(outputs_of(fit(spec)), 1);
  block_template->transactions_sigops = 80'001;
  const auto refused = mining::fit_coinbase(spec, unbounded);
  REQUIRE_FALSE(refused);
  CHECK_EQ(refused.error(), JobError::too_many_sigops);
}

TEST_CASE(
    "what is too long for a miner is given all the same, what is too much for a block is not") {
  const auto block_template = empty_template();
  const JobSpec spec = spec_over(block_template);
  const auto shortest = fit(spec, 1);
  CHECK_EQ(outputs_of(shortest), 1);
  CHECK_FALSE(has_tag(shortest));
  block_template->weight_limit = 4;
  CHECK_FALSE(mining::fit_coinbase(spec, 1));
}
