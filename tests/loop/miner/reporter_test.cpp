// The reporter on a loop: what happens is in files soon, bounded, and a disk that refuses is told
// once.
#include "miner/reporter.h"

#include "tests/loop/miner/waiting.h"
#include "tests/unit/miner/golden.h"
#include "tests/unit/miner/temporary_folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace miner {
namespace {

constexpr std::int64_t some_time = 1795410245;  // 2026-11-23T05:04:05Z
const std::string ledger = "Mining/Ledgers/Miners/2026/11/23/05/ledger_host-1.jsonl";
const std::string report =
    "Mining/System/System_Reports/Miners/Hourly/2026/11/23/05/system_report_host-1.json";
const std::string errors =
    "Mining/System/Error_Reports/Miners/Hourly/2026/11/23/05/errors_host-1.jsonl";

base::Instant at(std::int64_t second) {
  return {base::MonoTime(std::chrono::seconds(1000 + second)),
          base::WallTime(std::chrono::seconds(some_time + second))};
}

std::int64_t lines_of(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

struct Reporting {
  explicit Reporting(const std::filesystem::path& dir)
      : reporter(std::make_unique<Reporter>(
            loop, ReporterSettings{dir.string(), "host-1", "an-address.rig"},
            [this](std::string_view why) { problems.emplace_back(why); })) {}
  ~Reporting() { reporter.reset(); }

  uv::Loop loop;
  std::vector<std::string> problems;
  std::unique_ptr<Reporter> reporter;
};

Status status_after(int seconds, std::uint64_t hashes) {
  Status status;
  status.uptime = std::chrono::seconds(seconds);
  status.hashes = hashes;
  return status;
}

std::shared_ptr<FoundShare> golden_block() {
  auto share = std::make_shared<FoundShare>();
  share->work = std::make_shared<Work>(golden::work_v1());
  share->extranonce2 = base::Bytes(8, 0);
  share->ntime = 0x67b6f938;
  share->nonce = golden::v1_nonce;
  share->is_block = true;
  return share;
}

TEST_CASE("jobs, answers, problems and blocks are in files within a second's flush") {
  const TemporaryFolder folder;
  Reporting with(folder.path());
  const auto share = golden_block();
  with.reporter->on_work(*share->work, at(0));
  with.reporter->on_block(*share, at(0));
  with.reporter->on_event({ClientEventKind::accepted, "block accepted", share, nullptr}, at(0));
  with.reporter->on_event({ClientEventKind::rejected, "share rejected: low", share, nullptr},
                          at(0));
  with.reporter->on_event({ClientEventKind::problem, "no word"}, at(0));
  with.reporter->on_event({ClientEventKind::difficulty, "difficulty 2"}, at(0));
  with.reporter->on_status(status_after(1, 100), at(1));
  REQUIRE(wait_until(with.loop, [&] { return folder.has(report); }));
  const std::string lines = folder.text_of(ledger);
  CHECK_EQ(lines_of(lines), 4);  // the start, the job, both answers
  CHECK_NE(lines.find(R"("type":"attempt")"), std::string::npos);
  CHECK_NE(lines.find(R"("accepted":true)"), std::string::npos);
  CHECK_EQ(lines_of(folder.text_of(errors)), 2);
  CHECK_NE(folder.text_of(errors).find(R"("severity":"low")"), std::string::npos);
  const std::string proof =
      "Mining/Math_Proofs/2026/11/23/05/block_" + share->hash.display_hex() + ".json";
  REQUIRE(wait_until(with.loop, [&] { return folder.has(proof); }));
  CHECK_NE(folder.text_of(proof).find(golden::v1_header_hex), std::string::npos);
  CHECK(with.problems.empty());
}

TEST_CASE("an hour's report is of that hour alone; the end writes the last one") {
  const TemporaryFolder folder;
  {
    Reporting with(folder.path());
    with.reporter->on_status(status_after(5, 1000), at(0));
    with.reporter->on_status(status_after(3405, 5000), at(3400));  // the next hour
    with.reporter->on_give_up("no pool", at(3500));
    with.reporter->on_end(status_after(3505, 7000), at(3500));
  }
  CHECK_NE(folder.text_of(report).find(R"("hashes":5000,"hashes_total":5000)"), std::string::npos);
  const std::string next =
      "Mining/System/System_Reports/Miners/Hourly/2026/11/23/06/system_report_host-1.json";
  CHECK_NE(folder.text_of(next).find(R"("hashes":2000,"hashes_total":7000)"), std::string::npos);
  CHECK_NE(folder.text_of(next).find(R"("from":"2026-11-23T06:00:00Z")"), std::string::npos);
  CHECK_NE(
      folder.text_of("Mining/Ledgers/Miners/2026/11/23/06/ledger_host-1.jsonl").find("\"end\""),
      std::string::npos);
  CHECK_NE(folder
               .text_of("Mining/System/Error_Reports/Miners/Hourly/2026/11/23/06/"
                        "errors_host-1.jsonl")
               .find(R"("severity":"critical")"),
           std::string::npos);
}

TEST_CASE("an hour has so many lines and proofs, and its report says how many were left out") {
  const TemporaryFolder folder;
  {
    Reporting with(folder.path());
    with.reporter->on_status(status_after(0, 0), at(0));
    auto block = golden_block();
    for (std::uint32_t i = 0; i < report_errors_per_hour_max + 5; ++i) {
      with.reporter->on_event({ClientEventKind::problem, "again"}, at(1));
    }
    for (std::uint32_t i = 0; i < report_proofs_per_hour_max + 7; ++i) {
      base::write_le32(block->hash.bytes, i);
      with.reporter->on_block(*block, at(1));
    }
    with.reporter->on_end(status_after(2, 0), at(2));
  }
  CHECK_EQ(lines_of(folder.text_of(errors)), report_errors_per_hour_max);
  std::size_t proofs = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(folder.path() / "Mining/Math_Proofs/2026/11/23/05")) {
    proofs += file.is_regular_file() ? 1 : 0;
  }
  CHECK_EQ(proofs, report_proofs_per_hour_max);
  CHECK_NE(folder.text_of(report).find(R"("lines_left_out":12)"), std::string::npos);
}

TEST_CASE("an hour's lines have so many bytes, however long a pool makes them") {
  const TemporaryFolder folder;
  constexpr std::size_t lines = 400;
  {
    Reporting with(folder.path());
    with.reporter->on_status(status_after(0, 0), at(0));
    Work work = *golden_block()->work;
    work.notify.job_id = std::string(100'000, 'j');
    for (std::size_t i = 0; i < lines; ++i) {
      with.reporter->on_work(work, at(0));
      with.reporter->on_status(status_after(1, 0), at(0));
      // What waits for the disk has a limit of its own.
      if (i % 20 == 0) {
        REQUIRE(wait_until(with.loop, [&] {
          with.reporter->on_status(status_after(1, 0), at(0));
          return folder.has(ledger) && std::filesystem::file_size(folder.path() / ledger) >=
                                           std::min<std::size_t>(i, 300) * 100'000;
        }));
      }
    }
    with.reporter->on_end(status_after(2, 0), at(1));
  }
  const std::string text = folder.text_of(ledger);
  CHECK_LT(text.size(), report_lines_bytes_per_hour_max + 1000);  // the start and the end
  CHECK_GT(text.size(), report_lines_bytes_per_hour_max - 200'000);
}

TEST_CASE("a folder that can't be written is told once, and again after it went well") {
  const TemporaryFolder folder;
  { std::ofstream(folder.path() / "reports") << "a file"; }
  Reporting with(folder.path() / "reports");
  const auto tell = [&](int second) {
    with.reporter->on_event({ClientEventKind::problem, "x"}, at(second));
    with.reporter->on_status(status_after(second, 0), at(second));
  };
  int second = 0;
  REQUIRE(wait_until(with.loop, [&] {
    tell(++second);
    return with.problems.size() == 1;
  }));
  CHECK_NE(with.problems[0].find("mining goes on without them"), std::string::npos);
  for (int more = 0; more < 20; ++more) {
    tell(++second);
    with.loop.run_once_nowait();
  }
  CHECK_EQ(with.problems.size(), 1);
  std::filesystem::remove(folder.path() / "reports");
  REQUIRE(wait_until(with.loop, [&] {
    tell(++second);
    return folder.has("reports/" + errors);
  }));
}

}  // namespace
}  // namespace miner
