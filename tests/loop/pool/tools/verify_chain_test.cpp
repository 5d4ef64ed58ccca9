#include "pool/tools/verify_chain.h"

#include "tests/loop/pool/store/shipped.h"
#include "tests/loop/pool/tools/chain_world.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace chain_test;

TEST_CASE("a chain and its journal as they were made") {
  const World world;
  const Verdict verdict = world.verify();
  CHECK(verdict.all);
  CHECK(verdict.fails.empty());
  CHECK(verdict.summary == "6 blocks, tip " + base::to_hex(world.chain.blocks[5].hash) +
                               "; stretches of journals: 6 good, 0 not, 1 not here");
  Forger forger(world);
  forger.write();  // changes nothing
  CHECK(world.verify().all);
}

TEST_CASE("a changed, missing or moved block is told by its height") {
  const World world;
  pool::ProofChain bad = world.proof_chain();
  bad.blocks[3].bitcoin_tip.bytes[0] ^= 1;
  CHECK(world.verify(bad).fails.at(0).starts_with("block: 3: merkle_root is "));
  bad = world.proof_chain();
  bad.blocks[3].stretches[0].stretch.head[0] ^= 1;
  CHECK(world.verify(bad).fails.at(0).starts_with("block: 3: merkle_root is "));
  bad = world.proof_chain();
  bad.blocks.erase(bad.blocks.begin() + 2);
  CHECK(world.verify(bad).fails.at(0) ==
        "block: 3: expected height 2: a block is missing or out of order");
  bad = world.proof_chain();
  std::swap(bad.blocks[1], bad.blocks[2]);
  CHECK(world.verify(bad).fails.at(0) ==
        "block: 2: expected height 1: a block is missing or out of order");
  bad = world.proof_chain();
  bad.proofs.erase(bad.blocks[4].hash);
  CHECK(world.verify(bad).fails.at(0) ==
        "block: 4: its proof, " + base::to_hex(bad.blocks[4].hash) + ", is not here");
}

TEST_CASE("a chain mined anew as a whole is caught by a witness") {
  const World world;
  std::string log;
  for (std::uint32_t height = 0; height <= 6; ++height) {
    const crypto::Digest prev =
        height == 0 ? crypto::Digest{} : world.chain.blocks[height - 1].hash;
    log += std::to_string(height) + " " + base::to_hex(prev) + " 1769000000\n";
  }
  const std::string path = world.folder.path() + "/witness.log";
  write_file(path, base::as_bytes(log));
  CHECK(world.verify({path}).all);
  const std::string empty = world.folder.path() + "/empty.log";
  write_file(empty, {});
  const Verdict nothing = world.verify({empty});
  CHECK_FALSE(nothing.all);
  CHECK(nothing.fails.at(0) == "witness: " + empty + ": no job in it to hold the chain against");

  chain_test::ChainMaker anew;
  for (const auto& block : world.chain.blocks) {
    auto stretches = block.stretches;
    if (block.height == 3) stretches.clear();
    if (block.height == 4) stretches[0].stretch.first_sequence = 16;
    anew.add(stretches);
  }
  pool::ProofChain forged{anew.rules(), anew.blocks, {}};
  for (const auto& proof : anew.proofs) forged.proofs.emplace(proof.work_hash, proof);
  CHECK(world.verify(forged).all);
  Verdict verdict = world.verify(forged, {path});
  CHECK_FALSE(verdict.all);
  CHECK(verdict.fails.at(0) == "witness: " + path + " line 5: height 4 was mined on " +
                                   base::to_hex(world.chain.blocks[3].hash) + ", but block 3 is " +
                                   base::to_hex(anew.blocks[3].hash));
  pool::ProofChain cut = world.proof_chain();
  cut.blocks.resize(5);
  CHECK(world.verify(cut, {path})
            .fails.at(0)
            .ends_with("but the chain here has no block 5: it was cut, or is older than the log"));

  for (const char* line : {"x", "1", "1 00", "0 1769000000", "-1 00 5"}) {
    write_file(path, base::as_bytes(std::string(line) + "\n"));
    CHECK(world.verify({path}).fails.at(0).starts_with("witness: " + path + " line 1: expected "));
  }
  CHECK(world.verify({path + ".none"}).fails.at(0) == "witness: " + path + ".none: can't read it");
}

TEST_CASE("the chain of a database is the one that was shipped to it") {
  const World world;
  store_test::ShippingStore store;
  CHECK(pool::read_chain_rows(store.database).error() == "the database has no proof chain yet");
  store_test::ask(store.database, "SELECT begin_coherence_chain(10, 4, 545259519, 1769000000)");
  std::vector<pool::JournalRecord> records;
  for (std::size_t i = 0; i < world.chain.blocks.size(); ++i) {
    const pool::CoherenceProof& proof = world.chain.proofs[i];
    pool::CoherenceProofRecord record;
    record.address = share(1).address;
    record.worker_name = "w";
    record.chain_height = world.chain.blocks[i].height;
    record.header = world.chain.blocks[i].header;
    record.extranonce = proof.extranonce;
    record.attempt = proof.attempt;
    record.params = proof.params;
    record.target = proof.target;
    record.work = coherence::work_of(0, proof.target);
    record.certificate = proof.certificate;
    record.work_hash = proof.work_hash;
    records.emplace_back(record);
    records.emplace_back(world.chain.blocks[i]);
  }
  store.ship(records);
  const auto chain = pool::read_chain_rows(store.database);
  REQUIRE(chain);
  CHECK(chain->rules == world.chain.rules());
  CHECK(chain->blocks == world.chain.blocks);
  CHECK(chain->proofs == world.proof_chain().proofs);
  CHECK(world.verify(*chain).all);
}
