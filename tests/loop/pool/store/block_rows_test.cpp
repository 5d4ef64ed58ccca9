#include "pool/store/block_rows.h"

#include "tests/loop/pool/store/shipped.h"

#include <doctest/doctest.h>

using namespace store_test;
using pool::BlockState;
using pool::SubmissionAnswer;

namespace {

bitcoin::BlockHash hash_of(std::uint8_t n) {
  bitcoin::BlockHash hash;
  hash.bytes.fill(n);
  return hash;
}

pool::BlockCandidateRecord candidate(std::uint8_t n, std::uint32_t height) {
  pool::BlockCandidateRecord block;
  block.time_us = start_us;
  block.address = "bcrt1qfinder";
  block.height = height;
  block.hash = hash_of(n);
  return block;
}

pool::ChainTipRecord tip(std::uint8_t n, std::uint32_t height, std::int64_t after_s) {
  return {start_us + after_s * second_us, height, hash_of(n),
          hash_of(static_cast<std::uint8_t>(n - 1))};
}

pool::BlockStateRecord state(std::uint8_t n, BlockState state, std::int64_t after_s = 0) {
  return {start_us + after_s * second_us, hash_of(n), state, 200};
}

struct Store : ShippingStore {
  // "status confirmations matures_in" of the block, "-" for null.
  std::string block(std::uint8_t n) const {
    return ask(
        "SELECT concat_ws(' ', status, coalesce(confirmations::text, '-'),"
        " coalesce(matures_in::text, '-')) FROM block_confirmations WHERE hash = '\\x" +
        hash_of(n).display_hex() + "'");
  }
};

}  // namespace

TEST_CASE("confirmations follow the newest tip, and the hundredth makes a coinbase mature") {
  Store store;
  store.ship({candidate(1, 200),
              pool::BlockOutcomeRecord{start_us, hash_of(1), pool::BlockStatus::accepted, ""}});
  CHECK_EQ(store.block(1), "accepted - -");  // nothing is known of the chain
  store.ship({tip(1, 200, 1)});
  CHECK_EQ(store.block(1), "accepted - -");  // nor of the block's place in it
  store.ship({state(1, BlockState::in_chain, 1)});
  CHECK_EQ(store.block(1), "accepted 1 99");
  store.ship({tip(2, 201, 2)});
  CHECK_EQ(store.block(1), "accepted 2 98");
  store.ship({tip(3, 298, 3)});
  CHECK_EQ(store.block(1), "accepted 99 1");
  store.ship({tip(4, 299, 4), state(1, BlockState::confirmed, 4)});
  CHECK_EQ(store.block(1), "confirmed 100 0");
  store.ship({tip(5, 1200, 5)});
  CHECK_EQ(store.block(1), "confirmed 1001 0");
}

TEST_CASE("a block in the chain has no confirmations before a tip is known") {
  Store store;
  store.ship({candidate(1, 200), state(1, BlockState::in_chain)});
  CHECK_EQ(store.block(1), "accepted - -");
}

TEST_CASE("a block is orphaned and comes back") {
  Store store;
  store.ship({candidate(1, 200), state(1, BlockState::in_chain, 1), tip(1, 200, 1)});
  CHECK_EQ(store.block(1), "accepted 1 99");  // its outcome is not journalled yet
  store.ship({tip(9, 201, 2), state(1, BlockState::orphaned, 2)});
  CHECK_EQ(store.block(1), "orphaned - -");
  CHECK_EQ(store.ask("SELECT outcome_time FROM blocks"), "2026-01-21 12:53:22+00");
  // What a node said before, journalled after: the chain's word stands.
  store.ship({pool::BlockOutcomeRecord{start_us, hash_of(1), pool::BlockStatus::accepted, ""}});
  CHECK_EQ(store.block(1), "orphaned - -");
  store.ship({tip(2, 202, 3), state(1, BlockState::in_chain, 3)});
  CHECK_EQ(store.block(1), "accepted 3 97");
  CHECK_EQ(store.ask("SELECT count(*) FROM events"), "0");
}

TEST_CASE("a rejected or side-chain block that the chain takes up after all is accepted") {
  Store store;
  store.ship({candidate(1, 200), candidate(2, 200), tip(1, 200, 1),
              pool::BlockOutcomeRecord{1, hash_of(1), pool::BlockStatus::rejected, "why"},
              pool::BlockOutcomeRecord{1, hash_of(2), pool::BlockStatus::submitted, "elsewhere"},
              state(1, BlockState::in_chain), state(2, BlockState::in_chain)});
  CHECK_EQ(store.block(1), "accepted 1 99");
  CHECK_EQ(store.block(2), "accepted 1 99");
  CHECK_EQ(store.ask("SELECT string_agg(detail, '') FROM blocks"), "");
}

TEST_CASE("the tip is the one heard of last: lower ones too, and old ones again") {
  Store store;
  const std::string newest = "SELECT height FROM newest_chain_tip";
  CHECK_EQ(store.ask(newest), "");
  store.ship({candidate(1, 200), state(1, BlockState::in_chain), tip(4, 203, 1)});
  CHECK_EQ(store.block(1), "accepted 4 96");
  store.ship({tip(9, 202, 2)});  // the chain went back
  CHECK_EQ(store.block(1), "accepted 3 97");
  store.ship({tip(4, 203, 3)});  // and forth again
  CHECK_EQ(store.block(1), "accepted 4 96");
  CHECK_EQ(store.ask("SELECT count(*) FROM chain_tips"), "2");
  store.ship({tip(1, 199, 4)});  // lower than the block, which was in the chain a moment ago
  CHECK_EQ(store.block(1), "accepted 1 99");
}

TEST_CASE("a tip from a clock that was ahead does not stay the newest") {
  Store store;
  store.ship({tip(1, 100, 1'000'000'000)});
  CHECK_EQ(store.ask("SELECT time <= now() FROM chain_tips"), "t");
  const std::int64_t now_us = std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count();
  store.ship({pool::ChainTipRecord{now_us + second_us, 101, hash_of(2), hash_of(1)}});
  CHECK_EQ(store.ask("SELECT height FROM newest_chain_tip"), "101");
}

TEST_CASE("answers and states wait for their block's row") {
  Store store;
  store.ship(
      {pool::BlockSubmissionRecord{start_us, hash_of(1), "a:1", SubmissionAnswer::accepted, ""},
       tip(1, 200, 1), state(1, BlockState::orphaned, 7)});
  CHECK_EQ(store.ask("SELECT count(*) FROM blocks"), "0");
  store.ship({candidate(1, 200)});
  CHECK_EQ(store.block(1), "orphaned - -");
  CHECK_EQ(store.ask("SELECT outcome_time FROM blocks"), "2026-01-21 12:53:27+00");
  CHECK_EQ(store.ask("SELECT page_blocks(1)->0->'submissions'->0->>'answer'"), "accepted");
}

TEST_CASE("a node's last answer counts, each node has its own, and any text fits") {
  Store store;
  const auto answer = [](const char* node, SubmissionAnswer given, std::string detail) {
    return pool::BlockSubmissionRecord{start_us, hash_of(1), node, given, std::move(detail)};
  };
  store.ship({candidate(1, 200), answer("b:1", SubmissionAnswer::unreachable, "timeout"),
              answer("a:1", SubmissionAnswer::duplicate, ""),
              answer("b:1", SubmissionAnswer::rejected, std::string("\0\xff'\"", 4)),
              answer("c:1", SubmissionAnswer::inconclusive, "x")});
  CHECK_EQ(
      store.ask("SELECT string_agg(concat_ws(' ', s->>'node', s->>'answer', s->>'detail'), ', ')"
                " FROM json_array_elements(page_blocks(1)->0->'submissions') s"),
      "a:1 duplicate , b:1 rejected \\x00\\xff'\", c:1 inconclusive x");
}

TEST_CASE("every record may come twice") {
  Store store;
  const std::vector<pool::JournalRecord> records{
      candidate(1, 200),
      pool::BlockSubmissionRecord{start_us, hash_of(1), "a:1", SubmissionAnswer::accepted, ""},
      pool::BlockOutcomeRecord{start_us, hash_of(1), pool::BlockStatus::accepted, ""},
      tip(1, 200, 1),
      state(1, BlockState::in_chain, 1),
      tip(4, 299, 3),
      state(1, BlockState::confirmed, 3)};
  const std::string all =
      "SELECT (SELECT string_agg(b::text, '') FROM blocks b) ||"
      " (SELECT string_agg(t::text, '' ORDER BY height) FROM chain_tips t) ||"
      " (SELECT string_agg(s::text, '') FROM block_states s) ||"
      " (SELECT string_agg(s::text, '') FROM block_submissions s)";
  store.ship(records);
  const std::string once = store.ask(all);
  // Each of them once more, and later ones that say nothing new.
  for (const pool::JournalRecord& record : records) {
    if (std::holds_alternative<pool::BlockStateRecord>(record)) continue;
    store.ship({record});
  }
  store.ship({records.back(), state(1, BlockState::confirmed, 500)});
  CHECK_EQ(store.ask(all), once);
  CHECK_EQ(store.block(1), "confirmed 100 0");
  CHECK_EQ(store.ask("SELECT count(*) FROM events"), "0");
}
