#include "pool/store/coherence_export.h"

#include "tests/loop/pool/store/coherence_work.h"

#include <doctest/doctest.h>

#include <optional>

using namespace store_test;

namespace {

struct Exported {
  explicit Exported(const std::string& database, const pool::ExportQuestion& question = {}) {
    const auto read = pool::read_coherence_export(
        database, question,
        {[this](const coherence::ChainRules& of) {
           CHECK_FALSE(rules.has_value());
           CHECK(blocks.empty());
           rules = of;
         },
         [this](const pool::CoherenceBlockRecord& block) {
           CHECK(proofs.empty());
           blocks.push_back(block);
         },
         [this](const pool::CoherenceProof& proof) { proofs.push_back(proof); }});
    if (!read) error = read.error();
  }
  std::optional<coherence::ChainRules> rules;
  std::vector<pool::CoherenceBlockRecord> blocks;
  std::vector<pool::CoherenceProof> proofs;
  std::string error;
};

pool::CoherenceBlockRecord without_time(pool::CoherenceBlockRecord block) {
  block.time_us = 0;
  return block;
}

}  // namespace

TEST_CASE("the chain is told from its first block on, each with its stretches, and the proofs") {
  ShippingStore store;
  CHECK_FALSE(Exported(store.database).rules.has_value());
  begin_chain(store.database);
  const auto first = prove(header_after({}, 1000), 0, 0xffffffffffffffff, 0xfffffffffffffff0);
  std::vector<pool::JournalStretch> stretches(3);
  for (std::uint8_t n = 0; n < 3; ++n) {
    stretches[n].stretch = {n * 7U, n + 1U, 5'000'000'000U + n, {}};
    stretches[n].stretch.head.fill(n);
    stretches[n].journal.fill(static_cast<std::uint8_t>(0xa0 + n));
  }
  const auto second = prove(header_after(first.work_hash, 1001), 1);
  const auto third = prove(header_after(second.work_hash, 1002), 2);
  const auto no_block = prove(header_after(third.work_hash, 1003), 3);
  const auto blocks = {block_of(first, stretches), block_of(second),
                       block_of(third, {{{1, 1, 1, {}}, {}}})};
  store.ship({first, *blocks.begin(), second, *(blocks.begin() + 1), no_block, third,
              *(blocks.begin() + 2)});
  const Exported all(store.database);
  CHECK_EQ(all.error, "");
  REQUIRE(all.rules.has_value());
  CHECK(*all.rules == coherence::ChainRules{420, 123, journal_test::easy_bits, 900});
  REQUIRE_EQ(all.blocks.size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(all.blocks[i] == without_time(*(blocks.begin() + static_cast<std::ptrdiff_t>(i))));
  }
  REQUIRE_EQ(all.proofs.size(), 3);
  CHECK(all.proofs[0] == pool::proof_of(first));
  CHECK(all.proofs[2] == pool::proof_of(third));
}

TEST_CASE("a period has all proofs in it, its first moment and not its last, beside the chain's") {
  ShippingStore store;
  begin_chain(store.database);
  std::vector<pool::JournalRecord> records;
  std::vector<pool::CoherenceProofRecord> proofs;
  std::uint64_t attempt = 0;
  for (std::int64_t n = 0; n < 1003; ++n) {  // more than are read at once
    proofs.push_back(prove(header_after({}, 1000), 0, 1, attempt));
    attempt = proofs.back().attempt + 1;
    proofs.back().time_us = start_us + n;
    records.emplace_back(proofs.back());
  }
  records.emplace_back(block_of(proofs.back()));
  store.ship(records);
  const auto time = [](const std::string& micros) { return "2026-01-21 12:53:20." + micros + "Z"; };
  const Exported some(store.database, {{}, time("000000"), time("001001")});
  REQUIRE_EQ(some.proofs.size(), 1002);
  for (std::size_t i = 0; i < 1001; ++i) REQUIRE(some.proofs[i] == pool::proof_of(proofs[i]));
  CHECK(some.proofs[1001] == pool::proof_of(proofs[1002]));
  const Exported middle(store.database, {{}, time("000500"), time("000501")});
  REQUIRE_EQ(middle.proofs.size(), 2);
  CHECK(middle.proofs[0] == pool::proof_of(proofs[500]));
}

TEST_CASE("what can't be answered is one line") {
  const std::string database = migrated_database();
  const Exported nonsense(database, {{}, "yesteryear", "now"});
  CHECK(nonsense.error.find("yesteryear") != std::string::npos);
  CHECK_EQ(nonsense.error.find('\n'), std::string::npos);
}
