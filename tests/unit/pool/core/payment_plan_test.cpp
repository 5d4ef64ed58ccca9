#include "pool/core/payment_plan.h"

#include "common/base/random.h"
#include "common/bitcoin/script.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using bitcoin::Sats;
using pool::make_plan;
using pool::MinerBalance;
using pool::PlanOptions;

namespace {

std::string address_of(std::uint8_t n) {
  const base::Bytes hash(20, n);
  return bitcoin::address_of_script(bitcoin::witness_script(0, hash), bitcoin::Network::regtest);
}

MinerBalance owed(std::uint8_t n, std::int64_t sats) { return {n, address_of(n), Sats(sats)}; }

PlanOptions options(std::int64_t minimum, std::size_t outputs_max = 500) {
  PlanOptions out;
  out.network = bitcoin::Network::regtest;
  out.minimum = Sats(minimum);
  out.outputs_max = outputs_max;
  return out;
}

}  // namespace

TEST_CASE("dust as Bitcoin Core's policy has it") {
  const base::Bytes hash20(20, 1);
  const base::Bytes hash32(32, 1);
  CHECK_EQ(pool::dust_threshold(bitcoin::p2pkh_script(hash20)).value, 546);
  CHECK_EQ(pool::dust_threshold(bitcoin::p2sh_script(hash20)).value, 540);
  CHECK_EQ(pool::dust_threshold(bitcoin::witness_script(0, hash20)).value, 294);
  CHECK_EQ(pool::dust_threshold(bitcoin::witness_script(0, hash32)).value, 330);
  CHECK_EQ(pool::dust_threshold(bitcoin::witness_script(1, hash32)).value, 330);
}

TEST_CASE("balances from the minimum on are paid whole, the largest first") {
  const auto plan =
      make_plan({owed(1, 999), owed(2, 1000), owed(3, 5000), owed(4, 0)}, options(1000));
  REQUIRE_EQ(plan.payments.size(), 1);
  REQUIRE_EQ(plan.payments[0].size(), 2);
  CHECK_EQ(plan.payments[0][0].miner_id, 3);
  CHECK_EQ(plan.payments[0][0].amount.value, 5000);
  CHECK_EQ(plan.payments[0][0].address, address_of(3));
  CHECK_EQ(plan.payments[0][1].miner_id, 2);
  CHECK_EQ(plan.below_minimum, 1);
  CHECK_EQ(plan.below_minimum_sats.value, 999);
  CHECK_EQ(plan.total().value, 6000);
  CHECK(make_plan({}, options(1)).payments.empty());
}

TEST_CASE("what nodes would not relay or nobody could receive is left out, and told") {
  std::string upper = address_of(5);
  std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
  const auto plan = make_plan({owed(1, 293),
                               owed(2, 294),
                               {3, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Sats(9999)},
                               {4, "nobody", Sats(9998)},
                               owed(5, 7000),
                               {6, upper, Sats(6000)}},
                              options(1));
  CHECK_EQ(plan.outputs(), 2);
  REQUIRE_EQ(plan.left_out.size(), 4);
  const char* const reasons[] = {"not valid on regtest", "not valid on regtest", "another spelling",
                                 "dust"};
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(plan.left_out[i].why);
    CHECK_NE(plan.left_out[i].why.find(reasons[i]), std::string::npos);
  }
}

TEST_CASE("only the wanted addresses, and those that nothing is owed to are named") {
  PlanOptions wanted = options(1);
  wanted.addresses = {address_of(2), address_of(9)};
  const auto plan = make_plan({owed(1, 5000), owed(2, 5000)}, wanted);
  CHECK_EQ(plan.outputs(), 1);
  CHECK_EQ(plan.payments[0][0].miner_id, 2);
  REQUIRE_EQ(plan.unknown.size(), 1);
  CHECK_EQ(plan.unknown[0], address_of(9));
}

TEST_CASE("nobody is lost or doubled where payments are cut, and the order of rows is no matter") {
  base::Random random(42);
  for (int round = 0; round < 200; ++round) {
    std::vector<MinerBalance> balances;
    std::map<std::int64_t, std::int64_t> expected;
    const auto count = static_cast<std::uint8_t>(random.next() % 40);
    for (std::uint8_t n = 1; n <= count; ++n) {
      const auto sats = static_cast<std::int64_t>(random.next() % 4000);
      balances.push_back(owed(n, sats));
      if (sats >= 1000) expected[n] = sats;
    }
    const std::size_t outputs_max = 1 + random.next() % 7;
    const auto plan = make_plan(balances, options(1000, outputs_max));
    std::map<std::int64_t, std::int64_t> paid;
    for (const auto& payment : plan.payments) {
      CHECK_FALSE(payment.empty());
      CHECK_LE(payment.size(), outputs_max);
      for (const auto& output : payment) {
        CHECK(paid.emplace(output.miner_id, output.amount.value).second);
      }
    }
    CHECK(paid == expected);
    std::reverse(balances.begin(), balances.end());
    const auto again = make_plan(balances, options(1000, outputs_max));
    REQUIRE_EQ(again.payments.size(), plan.payments.size());
    for (std::size_t i = 0; i < plan.payments.size(); ++i) {
      REQUIRE_EQ(again.payments[i].size(), plan.payments[i].size());
      for (std::size_t k = 0; k < plan.payments[i].size(); ++k) {
        CHECK_EQ(again.payments[i][k].miner_id, plan.payments[i][k].miner_id);
      }
    }
  }
}
