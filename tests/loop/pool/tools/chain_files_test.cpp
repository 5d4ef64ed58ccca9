#include "pool/tools/chain_files.h"

#include "tests/loop/pool/tools/chain_world.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

using namespace chain_test;

TEST_CASE("files of an export: read back, and verified with the journal beside them") {
  const World world;
  const std::string out = world.folder.path();
  std::string chain = pool::write_coherence_rules(world.chain.rules()) + "\n";
  std::string proofs =
      pool::write_coherence_proof(chain_test::mine({{}, 9, 0x00010000}, base::U256::max())) + "\n";
  for (const auto& block : world.chain.blocks) chain += pool::write_coherence_block(block) + "\n";
  for (const auto& proof : world.chain.proofs) proofs += pool::write_coherence_proof(proof) + "\n";
  write_file(out + "/coherence_chain.jsonl", base::as_bytes(chain));
  write_file(out + "/coherence_proofs.jsonl", base::as_bytes(proofs));
  std::filesystem::rename(out + "/journal", out + "/" + test_uuid_hex);
  const auto read = pool::read_chain_files(out);
  REQUIRE(read);
  CHECK(read->rules == world.chain.rules());
  CHECK(read->blocks == world.chain.blocks);
  CHECK(read->proofs == world.proof_chain().proofs);
  CHECK(pool::verify_chain_command(
            {.folder = out, .database = {}, .journals = {}, .witnesses = {}}) == 0);
  std::filesystem::remove(out + "/coherence_proofs.jsonl");
  CHECK(pool::verify_chain_command(
            {.folder = out, .database = {}, .journals = {}, .witnesses = {}}) == 1);
  write_file(out + "/coherence_proofs.jsonl", base::as_bytes("{}\n"));
  CHECK(pool::read_chain_files(out).error() ==
        out + "/coherence_proofs.jsonl line 1: type is missing, not \"coherence\"");
  write_file(out + "/coherence_chain.jsonl", base::as_bytes(""));
  CHECK(pool::read_chain_files(out).error() ==
        out + "/coherence_chain.jsonl: it is empty; expected the chain's rules");
}

TEST_CASE("a chain without blocks has no proofs, and needs no file of them") {
  const journal_test::TemporaryFolder folder;
  const std::string& out = folder.path();
  const ChainMaker chain;
  write_file(out + "/coherence_chain.jsonl",
             base::as_bytes(pool::write_coherence_rules(chain.rules()) + "\n"));
  const auto read = pool::read_chain_files(out);
  REQUIRE(read);
  CHECK(read->blocks.empty());
  CHECK(pool::verify_chain_command(
            {.folder = out, .database = {}, .journals = {}, .witnesses = {}}) == 0);
  // A file that is there is read all the same.
  write_file(out + "/coherence_proofs.jsonl", base::as_bytes("{}\n"));
  CHECK_FALSE(pool::read_chain_files(out));
}
