#include "pool/core/payout_run.h"

#include <doctest/doctest.h>

namespace {

const std::string block_text =
    "phasepool-payout 1\n"
    "kind block\n"
    "block 6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000\n"
    "height 100\n"
    "end 1709294550000000\n"
    "scheme pplns\n"
    "pplns_window 2\n"
    "fee_ppm 10000\n"
    "coherence_ppm 0\n"
    "reward_sats 1001\n"
    "nbits 20051eb8\n"
    "window_work 100\n"
    "start share 1709294360000000 1 2 20\n"
    "work 100\n"
    "coherence_work 0\n"
    "fee_sats 10\n"
    "coherence_sats 0\n"
    "reserve_sats 0\n"
    "journal 1 01020304-0000-0000-0000-000000000000 7\n"
    "miner alice 40 0 0 397 0\n"
    "miner bob 40 0 0 396 0\n";

const std::string pps_text =
    "phasepool-payout 1\n"
    "kind pps\nblock -\nheight -\nend -5\nscheme pps\npplns_window 0.5\nfee_ppm 0\ncoherence_ppm "
    "1\n"
    "reward_sats 2700\nnbits -\nwindow_work -\nstart after 7 - - -\nwork 150\ncoherence_work 0\n"
    "fee_sats 27\ncoherence_sats 0\nreserve_sats 0\n"
    "credit 100 0a051eb8 900 "
    "115792089237316195423570985008687907853269984665640564039457584007913129"
    "639936 2700\n";

}  // namespace

TEST_CASE("a run's text comes back as it was, to the byte") {
  for (const std::string& text : {block_text, pps_text}) {
    const auto run = pool::parse_payout_text(text);
    REQUIRE(run.has_value());
    CHECK_EQ(pool::write_payout_text(*run), text);
  }
  const auto run = pool::parse_payout_text(block_text);
  CHECK_EQ(run->nbits, 0x20051eb8);
  CHECK_EQ(run->start.sequence, 2);
  CHECK_EQ(run->miners[1].share_sats.decimal(), "396");
  CHECK_EQ(run->journals[0].sequence, 7);
}

TEST_CASE("what is not a run's text is refused, wherever it is cut or changed") {
  for (std::size_t size = 0; size < block_text.size(); ++size) {
    const auto cut = pool::parse_payout_text(block_text.substr(0, size));
    // Cut behind a whole line of a list, it is a shorter run: the digest tells.
    if (cut) CHECK(block_text.substr(0, size).ends_with('\n'));
  }
  for (const auto& [from, to] :
       {std::pair{"payout 1", "payout 2"}, std::pair{"height 100", "height x"},
        std::pair{"fee_ppm 10000", "fee_ppm"}, std::pair{"work 100", "work -1"},
        std::pair{"miner bob", "minor bob"}}) {
    CAPTURE(to);
    std::string changed = block_text;
    changed.replace(changed.find(from), std::string_view(from).size(), to);
    CHECK_FALSE(pool::parse_payout_text(changed).has_value());
  }
}
