#include "pool/core/payout_recompute.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using base::Natural;
using pool::PayoutProof;
using pool::PayoutRecompute;
using pool::PayoutRun;
using pool::PayoutShare;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t noon = 1'709'294'400 * second;

// The example of docs/payouts.md.
std::vector<PayoutShare> example() {
  const auto share = [](std::int64_t after_noon_s, std::uint64_t sequence, const char* address,
                        std::uint64_t work, std::uint32_t height = 100) {
    return PayoutShare{
        noon + after_noon_s * second, 1, sequence, height, address, base::U256(work), false};
  };
  std::vector<PayoutShare> shares = {share(-80, 1, "alice", 40),     share(-40, 2, "bob", 30),
                                     share(30, 3, "carol", 20),      share(70, 4, "alice", 40),
                                     share(110, 5, "bob", 10),       share(150, 6, "bob", 10),
                                     share(151, 7, "alice", 10, 101)};
  shares[5].is_block = true;
  return shares;
}

PayoutRun claimed(const std::string& scheme) {
  PayoutRun run;
  run.kind = "block";
  run.block = "00";
  run.height = 100;
  run.end_us = noon + 150 * second;
  run.scheme = scheme;
  run.pplns_window = "2";
  run.fee_ppm = 10'000;
  run.reward_sats = Natural(1001);
  run.nbits = 0x20051eb8;
  run.start.kind = "all";
  run.journals = {{1, "u", 7}};
  if (scheme == "pplns") {
    run.start = {"share", noon - 40 * second, 1, 2, Natural(999)};
  } else if (scheme == "prop") {
    run.start = {"after", noon, std::nullopt, std::nullopt, std::nullopt};
  }
  return run;
}

// Around the windows' edges; the last one was stored after the runs.
std::vector<PayoutProof> example_proofs() {
  return {{noon - 40 * second - 1, 1, 10, "alice", base::U256(1000)},
          {noon - 40 * second, 1, 11, "bob", base::U256(2)},
          {noon, 1, 12, "dave", base::U256(4)},
          {noon + 1, 1, 13, "dave", base::U256(1)},
          {noon + 150 * second, 1, 14, "dave", base::U256(6)},
          {noon + 150 * second + 1, 1, 15, "alice", base::U256(50)},
          {noon + 1, 1, 21, "alice", base::U256(70)},
          {noon + 1, 2, 1, "alice", base::U256(90)}};
}

base::Result<PayoutRun, std::string> recompute(const PayoutRun& run,
                                               std::vector<PayoutShare> shares = example(),
                                               PayoutRecompute::CreditedBefore before = {},
                                               std::vector<PayoutProof> proofs = {}) {
  std::optional<PayoutRun> first;
  // In any order.
  for (int turn = 0; turn < 3; ++turn) {
    PayoutRecompute once(run, before);
    for (const PayoutShare& share : shares) once.add(share);
    for (const PayoutProof& proof : proofs) once.add(proof);
    const auto result = once.finish();
    if (!result) return result;
    if (first) CHECK_EQ(*first == *result, true);
    first = *result;
    if (!shares.empty()) std::rotate(shares.begin(), shares.begin() + 2, shares.end());
    if (!proofs.empty()) std::rotate(proofs.begin(), proofs.begin() + 3, proofs.end());
  }
  return *first;
}

std::string amounts(const base::Result<PayoutRun, std::string>& run) {
  if (!run) return run.error();
  std::string text;
  for (const auto& miner : run->miners) {
    text += miner.address + " " + miner.work.decimal() + " " + miner.share_sats.decimal() + "; ";
  }
  return text;
}

std::string coherence(const base::Result<PayoutRun, std::string>& run) {
  if (!run) return run.error();
  std::string text;
  for (const auto& miner : run->miners) {
    text += miner.address + " " + miner.coherence_work.decimal() + " " +
            miner.coherence_sats.decimal() + "; ";
  }
  return text;
}

}  // namespace

TEST_CASE("the example's schemes give what the page says") {
  const auto pplns = recompute(claimed("pplns"));
  CHECK_EQ(amounts(pplns), "alice 40 397; bob 40 396; carol 20 198; ");
  CHECK_EQ(pplns->window_work->decimal(), "100");
  CHECK_EQ(pplns->start.work->decimal(), "20");
  CHECK_EQ(pplns->fee_sats.decimal(), "10");
  CHECK_EQ(pplns->work.decimal(), "100");
  const auto prop = recompute(claimed("prop"));
  CHECK_EQ(amounts(prop), "alice 40 495; bob 20 248; carol 20 248; ");
  CHECK_FALSE(prop->window_work.has_value());
  CHECK_EQ(amounts(recompute(claimed("solo"))), "bob 1 991; ");
  const auto pps = recompute(claimed("pps"));
  CHECK_EQ(amounts(pps), "");
  CHECK_EQ(pps->reserve_sats.decimal(), "1001");
  CHECK(pps->fee_sats.is_zero());
}

TEST_CASE("a PPS run credits what earlier ones did not, at its value") {
  PayoutRun run = claimed("pps");
  run.kind = "pps";
  run.credits = {{100, 0x20051eb8, Natural(900), {}, {}}};
  const auto first = recompute(run);
  CHECK_EQ(amounts(first), "alice 80 1426; bob 50 891; carol 20 356; ");
  CHECK_EQ(first->reward_sats.decimal(), "2700");
  CHECK_EQ(first->fee_sats.decimal(), "27");
  CHECK_EQ(first->credits[0].work.decimal(), "150");
  // Runs in between, at the value rounded down each time, come to the same.
  const auto later =
      recompute(run, example(), {{{100, "alice"}, Natural(80)}, {{100, "bob"}, Natural(11)}});
  CHECK_EQ(later->credits[0].work.decimal(), "59");
  CHECK_EQ(later->credits[0].value_sats.decimal(), "1062");  // 900 - 198 and 360
  CHECK_EQ(later->miners.size(), 2);
}

TEST_CASE("a window that does not begin where it says is refused") {
  PayoutRun run = claimed("pplns");
  run.start.sequence = 3;
  run.start.time_us = noon + 30 * second;
  CHECK(recompute(run).error().find(
            "does not begin where it says: behind that lie 60, and 20 there") != std::string::npos);
  run.start.sequence = 1;
  run.start.time_us = noon - 80 * second;
  CHECK(recompute(run).error().find("behind that lie 110, and 40 there") != std::string::npos);
  run.start.sequence = 99;
  CHECK(recompute(run).error().find("not in these segments") != std::string::npos);
  run.start = {"all", {}, {}, {}, {}};
  CHECK(recompute(run).error().find(
            "its window holds all shares, 150 of work, but is to hold 100") != std::string::npos);
}

TEST_CASE("a window larger than all there is holds all") {
  PayoutRun run = claimed("pplns");
  run.pplns_window = "4";
  run.start = {"all", {}, {}, {}, {}};
  CHECK_EQ(amounts(recompute(run)), "alice 80 529; bob 50 330; carol 20 132; ");
}

TEST_CASE("where only a minute's sums were left, its miners count in proportion") {
  PayoutRun run = claimed("pplns");
  run.start = {"minute", noon - 60 * second, {}, {}, Natural(1)};
  auto shares = example();
  shares[0].time_us = noon - 50 * second;  // alice 40 and bob 30 in one minute, of which 20 count
  const auto result = recompute(run, shares);
  CHECK_EQ(result->start.work->decimal(), "20");
  CHECK_EQ(amounts(result), "alice 51 506; bob 29 287; carol 20 198; ");
  shares[0].work = base::U256(100'000);  // beside which another's 1 comes to nothing: no line
  shares.push_back(shares[0]);
  shares.back().address = "dave";
  shares.back().sequence = 0;
  shares.back().work = base::U256(1);
  CHECK_EQ(amounts(recompute(run, shares)), "alice 60 595; bob 20 198; carol 20 198; ");
}

TEST_CASE("what came too late, or through a journal that the run does not know, does not count") {
  PayoutRun run = claimed("prop");
  run.journals[0].sequence = 4;
  CHECK_EQ(amounts(recompute(run)), "alice 40 661; carol 20 330; ");
  auto shares = example();
  shares[3].journal = 2;
  CHECK_EQ(amounts(recompute(claimed("prop"), shares)), "bob 20 496; carol 20 495; ");
}

TEST_CASE("what can't be recomputed says why") {
  PayoutRun run = claimed("solo");
  auto shares = example();
  shares[5].is_block = false;
  CHECK(recompute(run, shares).error().find("found its block is not in these") !=
        std::string::npos);
  run = claimed("prop");
  CHECK_EQ(recompute(run, {}).error(), "991 among weights that are all 0");
  run.coherence_ppm = 990'001;
  CHECK_EQ(recompute(run).error(),
           "its fee of 10000 ppm and coherence part of 990001 ppm are more than all");
}

TEST_CASE("coherence work has its part: all proofs of the window, whole") {
  // The window begins with the share of noon - 40 s; 10 % go to coherence work.
  PayoutRun run = claimed("pplns");
  run.coherence_ppm = 100'000;
  run.journals = {{1, "u", 20}};
  const auto proofs = example_proofs();
  const auto pplns = recompute(run, example(), {}, proofs);
  CHECK_EQ(pplns->coherence_work.decimal(), "13");  // not noon - 41 s, nor what came late
  CHECK_EQ(pplns->coherence_sats.decimal(), "100");
  CHECK_EQ(amounts(pplns), "alice 40 357; bob 40 356; carol 20 178; dave 0 0; ");
  CHECK_EQ(coherence(pplns), "alice 0 0; bob 2 15; carol 0 0; dave 11 85; ");
  // PROP: behind the block before, at whose very microsecond a proof does not count.
  run = claimed("prop");
  run.coherence_ppm = 100'000;
  run.journals = {{1, "u", 20}};
  CHECK_EQ(coherence(recompute(run, example(), {}, proofs)),
           "alice 0 0; bob 0 0; carol 0 0; dave 7 100; ");
  // SOLO: the same, beside the finder's share.
  run = claimed("solo");
  run.start = {"after", noon, {}, {}, {}};
  run.coherence_ppm = 100'000;
  run.journals = {{1, "u", 20}};
  const auto solo = recompute(run, example(), {}, proofs);
  CHECK_EQ(amounts(solo), "bob 1 891; dave 0 0; ");
  CHECK_EQ(coherence(solo), "bob 0 0; dave 7 100; ");
  // Nobody made a proof: nothing is set aside for them.
  CHECK_EQ(amounts(recompute(run)), "bob 1 991; ");
  // A window of all there is, and one that begins with a minute.
  run = claimed("pplns");
  run.coherence_ppm = 100'000;
  run.journals = {{1, "u", 20}};
  run.pplns_window = "4";
  run.start = {"all", {}, {}, {}, {}};
  CHECK_EQ(coherence(recompute(run, example(), {}, proofs)),
           "alice 1000 99; bob 2 0; carol 0 0; dave 11 1; ");
  run.pplns_window = "2";
  run.start = {"minute", noon - 60 * second, {}, {}, Natural(1)};
  auto shares = example();
  shares[0].time_us = noon - 50 * second;
  CHECK_EQ(recompute(run, shares, {}, proofs)->coherence_work.decimal(), "1013");
}

TEST_CASE("a block under PPS has no coherence part, a PPS run has one by time") {
  PayoutRun run = claimed("pps");
  run.coherence_ppm = 100'000;
  run.journals = {{1, "u", 20}};
  const auto block = recompute(run, example(), {}, example_proofs());
  CHECK(block->coherence_work.is_zero());
  CHECK_EQ(amounts(block), "");
  run.kind = "pps";
  run.credits = {{100, 0x20051eb8, Natural(900), {}, {}}};
  run.start = {"after", noon - 40 * second, {}, {}, {}};
  const auto credited = recompute(run, example(), {}, example_proofs());
  CHECK_EQ(credited->coherence_sats.decimal(), "270");
  CHECK_EQ(coherence(credited), "alice 0 0; bob 0 0; carol 0 0; dave 11 270; ");
  CHECK_EQ(amounts(credited), "alice 80 1282; bob 50 801; carol 20 320; dave 0 0; ");
}

TEST_CASE("all may go to coherence work, and work may be of any size") {
  PayoutRun run = claimed("prop");
  run.fee_ppm = 0;
  run.coherence_ppm = 1'000'000;
  run.journals = {{1, "u", 20}};
  auto proofs = example_proofs();
  for (PayoutProof& proof : proofs) proof.work = base::U256::max();
  const auto result = recompute(run, {}, {}, proofs);
  CHECK_EQ(amounts(result), "dave 0 0; ");
  CHECK_EQ(coherence(result),
           "dave " + (Natural(base::U256::max()) * Natural(2)).decimal() + " 1001; ");
}
