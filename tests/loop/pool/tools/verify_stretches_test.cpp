#include "pool/tools/verify_stretches.h"

#include "tests/loop/pool/tools/chain_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace chain_test;

TEST_CASE("a changed share is found in its stretch, though everything was made to fit") {
  for (std::uint64_t share = 1; share <= 30; share += 4) {
    CAPTURE(share);
    const World world;
    Forger forger(world);
    auto& record = forger.records(1 + (share - 1) / 10)[(share - 1) % 10];
    std::get<pool::ShareRecord>(record).worker_name = "x9";
    forger.write();
    const std::uint64_t block = (share - 1) / 5;
    const std::string where = "block " + std::to_string(block) + ", stretch of pool 1, records " +
                              std::to_string(block * 5 + 1) + " to " +
                              std::to_string(block * 5 + 5) + " of journal " + test_uuid_hex +
                              ": the chain has the head ";
    CHECK(world.stretch_told().starts_with(where));
  }
}

TEST_CASE("removed, swapped and added shares are found in their stretch") {
  struct Row {
    const char* why;
    std::size_t segment;
    std::function<void(std::vector<pool::JournalRecord>&)> change;
    const char* told;
  };
  const Row rows[] = {
      {"removed", 2, [](auto& records) { records.erase(records.begin() + 7); },
       "block 3, stretch of pool 1, records 16 to 20 of journal "},
      {"the last removed", 3, [](auto& records) { records.pop_back(); },
       "block 5, stretch of pool 1, records 26 to 30 of journal "},
      {"the first removed", 1, [](auto& records) { records.erase(records.begin()); },
       "block 0, stretch of pool 1, records 1 to 5 of journal "},
      {"swapped", 1, [](auto& records) { std::swap(records[5], records[9]); },
       "block 1, stretch of pool 1, records 6 to 10 of journal "},
      {"moved from one stretch into another", 3,
       [](auto& records) { std::swap(records[1], records[8]); },
       "block 4, stretch of pool 1, records 21 to 25 of journal "},
      {"added", 3, [](auto& records) { records.insert(records.begin() + 9, records[0]); },
       "block 5, stretch of pool 1, records 26 to 30 of journal "}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const World world;
    Forger forger(world);
    row.change(forger.records(row.segment));
    forger.write();
    CHECK(world.stretch_told().starts_with(row.told));
  }
}

TEST_CASE("what comes behind the last commitment may grow; a journal cut short is told") {
  const World world;
  Forger forger(world);
  forger.records(3).emplace_back(share(31));
  forger.write();
  CHECK(world.verify().all);
  forger.records(3).resize(8);
  forger.write();
  CHECK(world.stretch_told() == "block 5, stretch of pool 1, records 26 to 30 of journal " +
                                    test_uuid_hex +
                                    ": the journal here ends with record 28: records are missing");
}

TEST_CASE("deleted segments can't be checked, and are no fault; one between others is") {
  const World world;
  std::filesystem::remove(world.segment(1));
  Verdict verdict = world.verify();
  CHECK(verdict.all);
  CHECK(verdict.summary.ends_with("4 good, 0 not, 3 not here"));
  const World other;
  std::filesystem::remove(other.segment(2));
  verdict = other.verify();
  CHECK_FALSE(verdict.all);
  CHECK(verdict.summary.ends_with("4 good, 2 not, 1 not here"));
}

namespace {

// The chain with another journal in place of the one here: no hash commits to a journal's uuid.
pool::ProofChain relabelled(const World& world, std::size_t from_block = 0) {
  pool::ProofChain chain = world.proof_chain();
  for (std::size_t i = from_block; i < chain.blocks.size(); ++i) {
    chain.blocks[i].stretches[0].journal.fill(0x55);
  }
  return chain;
}

}  // namespace

TEST_CASE("a changed journal is told, though the chain's stretches are said to be of another") {
  const World world;
  Forger forger(world);
  std::get<pool::ShareRecord>(forger.records(2)[3]).worker_name = "x9";
  forger.write();
  Verdict verdict = world.verify(relabelled(world));
  CHECK_FALSE(verdict.all);
  REQUIRE(verdict.fails.size() == 2);
  CHECK(verdict.fails[0].starts_with("journal: records 1 to 30 of journal " + test_uuid_hex +
                                     " are in no block of the chain: "));
  CHECK(verdict.summary.ends_with("0 good, 0 not, 7 not here"));
  // From one of the blocks on: no journal begins in the middle.
  verdict = world.verify(relabelled(world, 2));
  CHECK_FALSE(verdict.all);
  CHECK(verdict.fails[0] ==
        "block: 2: its stretch of journal 55555555555555555555555555555555 begins at record 11, "
        "expected 1");
}

TEST_CASE("a changed journal is told, though its records were renumbered past the stretches") {
  const World world;
  Forger forger(world);
  std::get<pool::ShareRecord>(forger.records(2)[3]).worker_name = "x9";
  forger.write_from(31);
  const Verdict verdict = world.verify();
  CHECK_FALSE(verdict.all);
  REQUIRE(verdict.fails.size() == 2);
  CHECK(
      verdict.fails[0].starts_with("journal: no block commits to any of the records here, 31 to "
                                   "60 of journal " +
                                   test_uuid_hex));
  CHECK(verdict.summary.ends_with("0 good, 0 not, 7 not here"));
}

TEST_CASE("a journal that no block commits to is no fault where nothing could be committed to") {
  const World world;
  ChainMaker empty;
  empty.add();
  pool::ProofChain chain{empty.rules(), empty.blocks, {}};
  for (const auto& proof : empty.proofs) chain.proofs.emplace(proof.work_hash, proof);
  CHECK(world.verify(chain).all);
  // Nor is a segment without a record yet, whatever came before it.
  pool::StretchCounts counts;
  std::vector<std::string> said;
  const auto report = [&](const pool::VerifyLine& line) {
    if (line.part == "journal") said.push_back(line.text);
  };
  Forger forger(world);
  forger.records(3).clear();
  forger.write();
  std::filesystem::remove(world.segment(1));
  std::filesystem::remove(world.segment(2));
  std::vector<pool::CoherenceBlockRecord> blocks{world.chain.blocks[0]};
  CHECK(pool::verify_stretches(blocks, {world.folder.path()}, report, counts));
  REQUIRE_FALSE(said.empty());
  CHECK(said.back().find("can't be checked") != std::string::npos);
}

TEST_CASE("records behind the last commitment are told to be in no block yet") {
  const World world;
  Forger forger(world);
  forger.records(3).emplace_back(share(31));
  forger.records(3).emplace_back(share(32));
  forger.write();
  std::vector<std::string> said;
  pool::StretchCounts counts;
  CHECK(pool::verify_stretches(
      world.chain.blocks, {world.folder.path()},
      [&](const pool::VerifyLine& line) { said.push_back(line.text); }, counts));
  const auto told = [&](const std::string& text) {
    return std::any_of(said.begin(), said.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  };
  CHECK(told("; records 31 to 32 are in no block yet"));
}

TEST_CASE("no journal at all: the chain alone is verified") {
  const World world;
  std::filesystem::remove_all(world.folder.path() + "/journal");
  const Verdict verdict = world.verify();
  CHECK(verdict.all);
  CHECK(verdict.summary.ends_with("0 good, 0 not, 7 not here"));
}

TEST_CASE("a head may be of a segment that has no record yet") {
  const World world;
  pool::ProofChain chain = world.proof_chain();
  const base::Bytes second = file_bytes(world.segment(2));
  const auto head = crypto::sha256(base::ByteSpan(second).first(pool::segment_header_bytes));
  std::vector<pool::CoherenceBlockRecord> blocks{chain.blocks[1]};
  blocks[0].stretches[0].stretch.head = head;
  pool::StretchCounts counts;
  const auto ignore = [](const pool::VerifyLine&) {};
  CHECK(pool::verify_stretches(blocks, {world.folder.path()}, ignore, counts));
  CHECK(counts.good == 1);
  blocks[0].stretches[0].stretch.head[0] ^= 1;
  CHECK_FALSE(pool::verify_stretches(blocks, {world.folder.path()}, ignore, counts));
  CHECK(counts.wrong == 1);
}
