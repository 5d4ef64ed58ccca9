#include "pool/tools/export.h"

#include "pool/tools/verify_coherence.h"
#include "pool/tools/verify_payout.h"
#include "tests/loop/pool/journal/journal_fixture.h"
#include "tests/loop/pool/store/coherence_work.h"

#include <doctest/doctest.h>

using namespace store_test;
using journal_test::TemporaryFolder;

namespace {

constexpr std::int64_t minute_us = 60 * second_us;

pool::HeightRecord height(std::uint32_t number, std::int64_t time_us) {
  return {time_us, number, {}, 0x207fffff, bitcoin::Sats{5'000}, bitcoin::Sats{5'000}};
}

pool::ShareRecord a_share(std::uint64_t n, const std::string& address) {
  pool::ShareRecord share = journal_test::share(n);
  share.address = address;
  share.height = 100;
  share.work = base::U256(2);
  share.time_us = start_us + static_cast<std::int64_t>(n) * second_us;
  return share;
}

// A journal with shares, proofs and blocks of the proof chain, and the PPS run made of it.
struct World {
  World() {
    begin_chain(database);
    std::vector<pool::JournalRecord> records{
        pool::PayoutSchemeRecord{start_us - minute_us, "pps", "2", 10'000, 200'000,
                                 bitcoin::Sats{1}},
        height(100, start_us)};
    crypto::Digest tip{};
    for (std::uint32_t n = 0; n < 6; ++n) {
      records.emplace_back(a_share(n + 1, n % 2 == 0 ? "bcrt1qalice" : "bcrt1qbob"));
      auto proof = prove(header_after(tip, 1000 + n), n, n + 7);
      proof.address = n < 4 ? "bcrt1qcarol" : "bcrt1qalice";
      proof.time_us = start_us + n * minute_us + 1;
      records.emplace_back(proof);
      if (n >= 3) continue;  // three are blocks of the chain, three are not
      records.emplace_back(block_of(proof, {{{1, n * 3 + 1, n * 3 + 3, {}}, {}}}));
      tip = proof.work_hash;
    }
    records.emplace_back(height(101, start_us + 5 * minute_us));  // before the last proof
    feed.append(records);
    RunningStore store(database, feed);
    store.advance(feed);
    store.wait_stored(feed);
    store.stop();
    command.database = database;
    command.folders = {feed.data_dir()};
    command.question.runs = {std::stol(ask(database, "SELECT create_pps_run(100)"))};
    command.out = out.path();
  }
  bool verifies_payout() {
    text.clear();
    return pool::verify_payout(out.path(), [&](const pool::VerifyLine& line) {
      text += (line.ok ? "ok " : "FAIL ") + line.part + " " + line.text + "\n";
    });
  }
  bool verifies_proofs() {
    text.clear();
    return pool::verify_coherence({out.path() + "/coherence_proofs.jsonl"},
                                  [&](const pool::VerifyLine& line) {
                                    text += (line.ok ? "ok " : "FAIL ") + line.text + "\n";
                                  });
  }

  std::string database = migrated_database();
  JournalFeed feed;
  TemporaryFolder out;
  pool::ExportCommand command;
  std::string text;  // what verifying said
};

}  // namespace

// More of what an export holds is in tests/functional/test_export.py, with a pool's own runs.
TEST_CASE("without its database an export ends with one line, and writes nothing") {
  const TemporaryFolder folder;
  pool::ExportCommand command;
  command.database = "host=" + folder.path() + " dbname=none";
  command.out = folder.path() + "/out";
  command.question.runs = {1};
  const auto lines = pool::export_payouts(command);
  REQUIRE_FALSE(lines.has_value());
  CHECK_EQ(lines.error().find('\n'), std::string::npos);
  CHECK_FALSE(std::filesystem::exists(command.out));
}

TEST_CASE("a run with a coherence part verifies from its export alone, and so does every proof") {
  World world;
  CHECK_EQ(ask(world.database,
               "SELECT string_agg(concat_ws(' ', address, coherence_work, coherence_sats), ', '"
               " ORDER BY address) FROM payout_items"),
           "bcrt1qalice 2692 1200, bcrt1qbob 0 0, bcrt1qcarol 10768 4800");
  const auto lines = pool::export_payouts(world.command);
  if (!lines) FAIL(lines.error());
  CHECK_EQ(lines->at(1), world.out.path() + "/coherence_chain.jsonl: 3 blocks");
  CHECK_EQ(lines->at(2), world.out.path() + "/coherence_proofs.jsonl: 5 proofs");
  const bool good = world.verifies_payout();
  CAPTURE(world.text);
  CHECK(good);
  CHECK(world.text.find("from 6 shares and 5 coherence proofs") != std::string::npos);
  CHECK(world.verifies_proofs());
  // Nothing of the proofs can be changed unseen.
  const std::string path = world.out.path() + "/coherence_proofs.jsonl";
  std::ifstream file(path);
  std::string proofs((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t attempt = proofs.find("\"attempt\":\"") + 26;
  proofs[attempt] = proofs[attempt] == '0' ? '1' : '0';
  journal_test::write_file(path, base::as_bytes(proofs));
  CHECK_FALSE(world.verifies_proofs());
}

TEST_CASE("when the proofs are gone from the database, the journal still has them") {
  World world;
  ask(world.database,
      "DELETE FROM coherence_proofs p WHERE NOT EXISTS"
      " (SELECT FROM coherence_chain c WHERE c.proof_id = p.id)");
  const auto lines = pool::export_payouts(world.command);
  REQUIRE(lines.has_value());
  CHECK_EQ(lines->at(2), world.out.path() + "/coherence_proofs.jsonl: 3 proofs");
  const bool good = world.verifies_payout();
  CAPTURE(world.text);
  CHECK(good);
}

TEST_CASE("where no chain was begun and nobody made a proof, there is no file of them") {
  const std::string database = migrated_database();
  const TemporaryFolder out;
  pool::ExportCommand command;
  command.database = database;
  command.question.from = "2026-01-01";
  command.question.to = "2026-02-01";
  command.out = out.path();
  REQUIRE(pool::export_payouts(command).has_value());
  CHECK(std::filesystem::exists(out.path() + "/payout_inputs.json"));
  for (const auto& entry : std::filesystem::directory_iterator(out.path())) {
    CHECK_EQ(entry.path().filename(), "payout_inputs.json");
  }
}
