// Reports as text: where they belong, and what they say of a status, an error, a share, a block.
#include "miner/report_records.h"

#include "common/coherence/verify.h"
#include "miner/coherence_attempt.h"
#include "tests/unit/miner/golden.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <string>

namespace miner {
namespace {

constexpr std::int64_t some_time = 1795410245;  // 2026-11-23T05:04:05Z

rapidjson::Document parsed(const std::string& line) {
  CAPTURE(line);
  CHECK_EQ(line.find('\n'), line.size() - 1);
  rapidjson::Document document;
  document.Parse(line.c_str());
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

std::string text_of(const rapidjson::Value& value) { return value.GetString(); }

TEST_CASE("folders by kind and hour") {
  CHECK_EQ(utc_text(some_time), "2026-11-23T05:04:05Z");
  CHECK_EQ(report_folder(ReportKind::system, some_time),
           "Mining/System/System_Reports/Miners/Hourly/2026/11/23/05/");
  CHECK_EQ(report_folder(ReportKind::errors, some_time),
           "Mining/System/Error_Reports/Miners/Hourly/2026/11/23/05/");
  CHECK_EQ(report_folder(ReportKind::proofs, some_time), "Mining/Math_Proofs/2026/11/23/05/");
  CHECK_EQ(report_folder(ReportKind::ledger, some_time), "Mining/Ledgers/Miners/2026/11/23/05/");
  CHECK_EQ(report_folder(ReportKind::proofs, 0), "Mining/Math_Proofs/1970/01/01/00/");
}

TEST_CASE("an hour is the difference of two statuses") {
  ReportPeriod period;
  period.from = some_time;
  period.to = some_time + 100;
  period.at_start.hashes = 1000;
  period.at_start.counters.accepted = 5;
  period.at_start.counters.reject_reasons.count("stale");
  period.at_end = period.at_start;
  period.at_end.hashes = 51000;
  period.at_end.counters.accepted = 8;
  period.at_end.counters.rejected = 1;
  period.at_end.counters.reject_reasons.count("low");
  period.at_end.counters.best_share = 2.5;
  period.at_end.pools = {{"stratum+tcp://h:1", "a", true, 0, 0, 0}};
  period.lines_left_out = 3;
  const auto report = parsed(system_report("host-1", period));
  CHECK_EQ(text_of(report["miner"]), "host-1");
  CHECK_EQ(text_of(report["from"]), "2026-11-23T05:04:05Z");
  CHECK_EQ(report["seconds"].GetInt(), 100);
  CHECK_EQ(report["hashes"].GetInt(), 50000);
  CHECK_EQ(report["hash_rate"].GetInt(), 500);
  CHECK_EQ(report["seconds_per_hash"].GetDouble(), 0.002);
  CHECK_EQ(report["accepted"].GetInt(), 3);
  CHECK_EQ(report["success_rate"].GetDouble(), 0.75);
  CHECK_EQ(report["reject_reasons"].MemberCount(), 1);
  CHECK_EQ(report["reject_reasons"]["low"].GetInt(), 1);
  CHECK_EQ(text_of(report["pool"]), "stratum+tcp://h:1");
  CHECK_EQ(report["lines_left_out"].GetInt(), 3);
  CHECK_FALSE(report.HasMember("coherence"));

  // Nothing was done: no rates that are none.
  period.at_end = period.at_start;
  period.at_end.coherence.emplace().rounds = 700;
  period.to = period.from;
  const auto idle = parsed(system_report("host-1", period));
  CHECK(idle["seconds_per_hash"].IsNull());
  CHECK(idle["success_rate"].IsNull());
  CHECK(idle["pool"].IsNull());
  CHECK_EQ(idle["coherence"]["rounds"].GetInt(), 700);
}

TEST_CASE("an error report: id, severity, context; a peer's words can't break out of it") {
  ErrorReport error;
  error.unix_seconds = some_time;
  error.number = 0x1002a;
  error.severity = Severity::critical;
  error.component = "connection";
  error.message = "bad \"word\"\n\x1b";
  error.pool = "stratum+tcp://h:1";
  error.job_id = "1a";
  error.recovery_action = "none";
  const auto report = parsed(error_line(error));
  CHECK_EQ(text_of(report["id"]), "miner_err_20261123_050405_002A");
  CHECK_EQ(text_of(report["severity"]), "critical");
  CHECK_EQ(text_of(report["message"]), "bad \"word\"\n?");
  CHECK_EQ(text_of(report["context"]["job_id"]), "1a");
  CHECK_EQ(text_of(report["recovery_action"]), "none");
}

std::shared_ptr<const FoundShare> golden_share() {
  auto share = std::make_shared<FoundShare>();
  share->work = std::make_shared<Work>(golden::work_v1());
  share->extranonce2 = base::Bytes(8, 0);
  share->ntime = 0x67b6f938;
  share->nonce = golden::v1_nonce;
  const auto header = base::from_hex(golden::v1_header_hex).value();
  share->hash = bitcoin::BlockHash(crypto::sha256d(header));
  share->is_block = true;
  return share;
}

TEST_CASE("the ledger: what was begun, and what was sent with its answer") {
  const auto attempt = parsed(attempt_line(golden::work_v1(), 77, some_time));
  CHECK_EQ(text_of(attempt["type"]), "attempt");
  CHECK_EQ(text_of(attempt["job_id"]), "18468e1f5fa5cbaa");
  CHECK_EQ(text_of(attempt["nbits"]), "1e0377ae");
  CHECK_EQ(attempt["hashes_before"].GetInt(), 77);
  const auto sent = parsed(submission_line(
      {ClientEventKind::rejected, "block rejected: stale", golden_share(), nullptr}, some_time));
  CHECK_EQ(text_of(sent["hash"]), std::string(golden::v1_hash_display));
  CHECK_EQ(text_of(sent["nonce"]), "f15f1590");
  CHECK_EQ(text_of(sent["extranonce2"]), "0000000000000000");
  CHECK(sent["version_bits"].IsNull());
  CHECK(sent["block"].GetBool());
  CHECK_FALSE(sent["accepted"].GetBool());
  CHECK_EQ(text_of(sent["answer"]), "block rejected: stale");
  Status status;
  status.hashes = 9;
  CHECK_EQ(parsed(session_line("end", status, some_time))["hashes"].GetInt(), 9);
}

TEST_CASE("a block's record holds all that proves it") {
  const auto proof = parsed(block_proof(*golden_share(), "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2.rig.1",
                                        some_time * 1'000'000));
  CHECK_EQ(text_of(proof["type"]), "block_proof");
  CHECK_EQ(text_of(proof["header"]), std::string(golden::v1_header_hex));
  CHECK_EQ(text_of(proof["hash"]), std::string(golden::v1_hash_display));
  CHECK_EQ(proof["height"].GetInt(), 123);
  CHECK_EQ(proof["reward_sats"].GetInt64(), 5'000'000'000);
  CHECK_EQ(proof["merkle_branch"].Size(), 0);
  CHECK_EQ(text_of(proof["network"]), "mainnet");
  CHECK_EQ(text_of(proof["address"]), "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2");
  CHECK_EQ(text_of(proof["worker"]), "rig.1");
  CHECK_EQ(proof["time_us"].GetInt64(), some_time * 1'000'000);
  // The coinbase hashes to the header's merkle root: this block has no other transaction.
  const auto coinbase = base::from_hex(text_of(proof["coinbase"])).value();
  CHECK_EQ(base::to_hex(crypto::sha256d(coinbase)),
           std::string(golden::v1_header_hex).substr(72, 64));
}

TEST_CASE("a block with rolled version bits: they are in its record's header") {
  FoundShare share = *golden_share();
  Work work = *share.work;
  work.version_mask = 0x1fffe000;
  share.work = std::make_shared<Work>(work);
  share.version_bits = 0x00002000;
  const auto proof = parsed(block_proof(share, "not an address", 1));
  CHECK_EQ(text_of(proof["header"]).substr(0, 8), "00200020");
  CHECK_EQ(text_of(proof["network"]), "");
}

TEST_CASE("a coherence proof's record is true by itself") {
  auto work = std::make_shared<CoherenceWork>();
  work->job.params = coherence::params_of(0);
  work->job.extranonce = 0x0123456789abcdef;
  work->target = base::U256::max();
  AttemptOutcome outcome;
  std::uint64_t attempt = 0;
  while (!outcome.bloom) outcome = replay_attempt(work->job, attempt++, {});
  FoundProof found;
  found.work = work;
  found.claim = coherence::claim_of(attempt - 1, *outcome.bloom);
  found.work_hash = coherence::work_hash_of(work->job.header, found.claim);
  REQUIRE_FALSE(coherence::verify(work->job, found.claim, work->target).has_value());

  const auto proof = parsed(coherence_proof(found));
  CHECK_EQ(text_of(proof["type"]), "coherence");
  CHECK_EQ(text_of(proof["extranonce"]), "0123456789abcdef");
  CHECK_EQ(text_of(proof["target"]), std::string(64, 'f'));
  CHECK_EQ(text_of(proof["header92"]).size(), 184);
  CHECK_EQ(text_of(proof["work_hash"]), base::to_hex(found.work_hash));
  coherence::CertificateBytes certificate{};
  REQUIRE(base::decode_hex(text_of(proof["certificate"]), certificate));
  CHECK_EQ(base::to_hex(coherence::cert_hash_of(certificate)), base::to_hex(found.claim.cert_hash));
  const auto line = parsed(submission_line(
      {ClientEventKind::accepted, "ok", nullptr, std::make_shared<FoundProof>(found)}, some_time));
  CHECK_EQ(text_of(line["type"]), "coherence_submission");
  CHECK_EQ(text_of(line["work_hash"]), base::to_hex(found.work_hash));
  CHECK(line["accepted"].GetBool());
  CHECK_EQ(text_of(parsed(attempt_line(*work, 5, some_time))["type"]), "coherence_attempt");
}

}  // namespace
}  // namespace miner
