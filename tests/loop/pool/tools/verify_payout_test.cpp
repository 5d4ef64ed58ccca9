#include "pool/tools/verify_payout.h"

#include "common/crypto/sha256.h"
#include "pool/core/payout_run.h"
#include "pool/journal/journal_writer.h"
#include "pool/tools/payout_inputs.h"
#include "tests/loop/pool/journal/coherence_proofs.h"
#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace journal_test;
using base::Natural;

namespace {

// The PPS run of docs/payouts.md: its shares in a journal, and the run as a database would have it.
struct Export {
  Export() {
    inputs.journals.push_back({1, base::to_hex(test_uuid), 0, 0, false, {}});
    run.kind = "pps";
    run.end_us = 1000;
    run.scheme = "pps";
    run.pplns_window = "2";
    run.fee_ppm = 10'000;
    run.reward_sats = Natural(2700);
    run.start = {"after", 0, {}, {}, {}};
    run.work = Natural(150);
    run.fee_sats = Natural(27);
    run.journals = {{1, "01020304-0000-0000-0000-000000000000", 5}};
    run.credits = {{100, 0x20051eb8, Natural(900), Natural(150), Natural(2700)}};
    run.miners = {{"alice", Natural(80), {}, Natural(1440), Natural(1426), {}},
                  {"bob", Natural(50), {}, Natural(900), Natural(891), {}},
                  {"carol", Natural(20), {}, Natural(360), Natural(356), {}}};
    write_journal(0x20051eb8);
  }
  void write_journal(std::uint32_t nbits) {
    base::Bytes payloads;
    pool::append_payload(
        payloads, pool::HeightRecord{1, 100, {}, nbits, bitcoin::Sats{900}, bitcoin::Sats{900}});
    for (const auto& [address, work] :
         {std::pair{"alice", 80}, {"bob", 30}, {"carol", 20}, {"bob", 20}, {"bob", 999}}) {
      pool::ShareRecord record = share(1);
      record.address = address;
      record.height = 100;
      record.work = base::U256(static_cast<std::uint64_t>(work));
      pool::append_payload(payloads, record);
    }
    for (const auto& proof : proofs) pool::append_payload(payloads, proof);
    pool::WriterOptions options;
    options.folder = folder.path() + "/" + base::to_hex(test_uuid);
    options.journal = test_uuid;
    options.segment_bytes_max = 1'000'000;
    std::filesystem::remove_all(options.folder);
    std::filesystem::create_directories(options.folder);
    pool::JournalWriter writer(options, {});
    REQUIRE(writer.open_segment(1).has_value());
    writer.append(pool::JournalSource{0}, pool::AppendId{1}, payloads);
    REQUIRE(writer.flush(1).failed.empty());
  }
  // The complaints, with the run's digest as it should be.
  std::vector<std::string> verify() {
    const std::string text = pool::write_payout_text(run);
    inputs.runs = {{3,
                    "applied",
                    base::to_hex(crypto::sha256(base::as_bytes(text))),
                    text,
                    "",
                    "",
                    {},
                    before}};
    write_file(folder.path() + "/payout_inputs.json",
               base::as_bytes(pool::write_payout_inputs(inputs)));
    std::vector<std::string> fails;
    const bool all = pool::verify_payout(folder.path(), [&](const pool::VerifyLine& line) {
      if (!line.ok) fails.push_back(line.text);
    });
    CHECK_EQ(all, fails.empty());
    return fails;
  }

  TemporaryFolder folder;
  pool::PayoutExport inputs;
  pool::PayoutRun run;
  std::vector<pool::ExportedCredit> before;
  std::vector<pool::CoherenceProofRecord> proofs;  // of records 7, 8, …
};

// 10 % of the run go to coherence work: 270 of 2700, to alice and dave by 1 to 2.
struct CoherentExport : Export {
  CoherentExport() {
    const auto header = header_after({}, 1000);
    for (std::uint64_t n = 0; n < 5; ++n) {
      proofs.push_back(prove(header, 0, n));
      proofs.back().address = n == 1 ? "alice" : "dave";
      proofs.back().time_us = static_cast<std::int64_t>(n);
    }
    proofs[4].time_us = 1001;  // and the first one's is 0: both are outside
    run.coherence_ppm = 100'000;
    run.coherence_work = Natural(3 * 2692);
    run.coherence_sats = Natural(270);
    run.journals[0].sequence = 11;
    run.work = Natural(1149);
    run.credits[0].work = Natural(1149);
    run.credits[0].value_sats = run.reward_sats = Natural(20682);
    run.fee_sats = Natural(206);
    run.coherence_sats = Natural(2068);
    run.miners = {{"alice", Natural(80), Natural(2692), Natural(1440), Natural(1282), Natural(689)},
                  {"bob", Natural(1049), {}, Natural(18882), Natural(16806), {}},
                  {"carol", Natural(20), {}, Natural(360), Natural(320), {}},
                  {"dave", {}, Natural(5384), {}, {}, Natural(1379)}};
    write_journal(0x20051eb8);
  }
};

}  // namespace

TEST_CASE("a run that follows from the shares is good; what came after it does not count") {
  Export sample;
  CHECK(sample.verify().empty());
}

TEST_CASE("a run that says anything else is not, and the line that differs is told") {
  Export sample;
  sample.run.miners[1].share_sats = Natural(892);
  const auto fails = sample.verify();
  REQUIRE_EQ(fails.size(), 2);
  CHECK_EQ(fails[0],
           "3: line 22 of its text is \"miner bob 50 0 900 892 0\", but the shares say \"miner bob "
           "50 0 900 891 0\"");
}

TEST_CASE("what earlier runs credited is not credited again") {
  Export sample;
  sample.before = {{100, "alice", "80"}};
  CHECK(sample.verify()[0].find("but the shares say \"reward_sats 1260\"") != std::string::npos);
  sample.before = {{100, "alice", "x"}};
  CHECK_EQ(sample.verify()[0], "3: x is no work");
}

TEST_CASE("coherence work has its part, computed from the proofs of the window") {
  CoherentExport sample;
  CHECK_EQ(sample.verify(), std::vector<std::string>());
  sample.run.miners[3].coherence_sats = Natural(1380);
  CHECK(sample.verify()[0].find("but the shares say \"miner dave 0 5384 0 0 1379\"") !=
        std::string::npos);
}

TEST_CASE("a proof that counts and is not what it says is found") {
  CoherentExport sample;
  const auto fails_with = [&](const std::string& part) {
    sample.write_journal(0x20051eb8);
    const auto fails = sample.verify();
    REQUIRE_FALSE(fails.empty());
    CAPTURE(fails[0]);
    CHECK(fails[0].find(part) != std::string::npos);
  };
  const pool::CoherenceProofRecord good = sample.proofs[2];
  const std::string at = "record 9 of journal " + base::to_hex(test_uuid) + ": ";
  sample.proofs[2].work = base::U256(2693);
  fails_with(at + "it is credited with 2693 rounds, but its target is worth 2692");
  sample.proofs[2] = good;
  sample.proofs[2].target = base::U256(1);
  fails_with(at + "it does not meet its target");
  sample.proofs[2] = good;
  sample.proofs[2].certificate[300] ^= 1;
  fails_with(at + "its work hash is not that of its header and certificate");
  sample.proofs[2] = good;
  sample.proofs[2].certificate[8] = 64;
  fails_with(at + "oscillator");
  sample.proofs[2] = good;
  sample.proofs[2].params = 6;
  fails_with(at + "params 00000006 are none");
  // One that does not count is not the run's business.
  sample.proofs[2] = good;
  sample.proofs[4].params = 6;
  sample.write_journal(0x20051eb8);
  CHECK(sample.verify().empty());
}

TEST_CASE("a price that no pool noted is found") {
  Export sample;
  sample.write_journal(0x1d00ffff);
  CHECK(sample.verify()[0].find("at height 100 it pays 900 sats at nbits 20051eb8, which no pool "
                                "noted there") != std::string::npos);
}

TEST_CASE("a segment that is not the one the database knew is found") {
  Export sample;
  sample.inputs.journals[0].closed.push_back({1, 1, 6, 300, std::string(64, '0')});
  bool told = false;
  for (const std::string& fail : sample.verify()) {
    told = told || fail.find("as the database has it, found ") != std::string::npos;
  }
  CHECK(told);
}

TEST_CASE("a folder without a list of contents is told") {
  const TemporaryFolder folder;
  std::string fail;
  CHECK_FALSE(
      pool::verify_payout(folder.path(), [&](const pool::VerifyLine& line) { fail = line.text; }));
  CHECK_EQ(fail, folder.path() + "/payout_inputs.json: can't read it");
}
