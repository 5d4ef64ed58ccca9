// Jobs to headers, on the Stratum vectors; and the order of the search over small spaces.
#include "miner/work.h"

#include "common/stratum/codec.h"
#include "tests/unit/miner/golden.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

namespace miner {
namespace {

TEST_CASE("a job, an extranonce2 and an ntime become the header of the vectors") {
  const Work work = golden::work_v1();
  const base::Bytes extranonce2(8, 0);
  bitcoin::HeaderBytes header = build_header(work, extranonce2, 0x67b6f938);
  base::write_le32(std::span(header).subspan(76), golden::v1_nonce);
  CHECK_EQ(base::to_hex(header), golden::v1_header_hex);
  CHECK_EQ(bitcoin::hash_header(header).display_hex(), golden::v1_hash_display);

  const base::Bytes other = extranonce2_bytes(1, 8);
  CHECK_NE(build_header(work, other, 0x67b6f938), build_header(work, extranonce2, 0x67b6f938));
}

TEST_CASE("the scan job asks for the target's most significant word") {
  const bitcoin::HeaderBytes header{};
  struct Row {
    const char* why;
    double difficulty;
    std::uint32_t top_word_max;
  };
  const Row rows[] = {
      {"difficulty 1: the top word is zero", 1, 0},
      {"above 1 too: the rest is the caller's", 65536, 0},
      {"0xffff0000 shifted up by 16 bits", 1.0 / 65536, 0x0000ffff},
      {"the lowest difficulty admits nearly all", 1.0 / 4294967296.0, 0xffff0000},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto difficulty = bitcoin::Difficulty::from_double(row.difficulty);
    REQUIRE(difficulty.has_value());
    const auto target = bitcoin::Target256::from_difficulty(*difficulty);
    CHECK_EQ(build_scan_job(header, target).top_word_max, row.top_word_max);
  }
}

TEST_CASE("extranonce2 counts from its first byte and is padded with zeros") {
  CHECK_EQ(base::to_hex(extranonce2_bytes(0x0102, 4)), "02010000");
  CHECK_EQ(base::to_hex(extranonce2_bytes(0xab, 1)), "ab");
  CHECK_EQ(base::to_hex(extranonce2_bytes(0, 0)), "");
  CHECK_EQ(base::to_hex(extranonce2_bytes(0x0102030405, 12)), "050403020100000000000000");
}

TEST_CASE("workers' shares of small spaces: no unit twice, none left out") {
  struct Row {
    const char* why;
    std::uint32_t workers;
    WorkSpace space;
  };
  const Row rows[] = {
      {"one worker takes all", 1, {1, 1, 1}},
      {"two share evenly", 2, {1, 1, 1}},
      {"seven do not divide 256", 7, {1, 1, 1}},
      {"rolling ntime adds units", 3, {1, 1, 3}},
      {"rolling versions adds units", 3, {1, 4, 1}},
      {"both do", 5, {1, 8, 3}},
      {"more workers than values of extranonce2", 300, {1, 1, 2}},
      {"more workers than units: some get none", 300, {1, 1, 1}},
      {"no extranonce2 at all", 4, {0, 1, 601}},
      {"no extranonce2, but versions", 4, {0, 16, 601}},
      {"all the versions there are", 3, {0, 65536, 2}},
      {"two bytes", 5, {2, 1, 2}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const std::uint64_t extranonce2_values = std::uint64_t{1} << (8 * row.space.extranonce2_size);
    std::set<WorkUnit> seen;
    std::uint64_t total = 0;
    for (std::uint32_t worker = 0; worker < row.workers; ++worker) {
      const WorkShare share(worker, row.workers, row.space);
      for (std::uint64_t i = 0; i < share.size(); ++i) {
        const WorkUnit unit = share[i];
        REQUIRE_LT(unit.extranonce2, extranonce2_values);
        REQUIRE_LT(unit.version_group, row.space.version_groups);
        REQUIRE_LT(unit.ntime_offset, row.space.ntime_values);
        seen.insert(unit);
        ++total;
      }
    }
    const std::uint64_t all =
        extranonce2_values * row.space.version_groups * row.space.ntime_values;
    CHECK_EQ(total, all);
    CHECK_EQ(seen.size(), all);
  }
}

TEST_CASE("extranonce2 runs before versions, these before ntime; huge spaces do not overflow") {
  const WorkSpace huge{16, 1 << 16, ntime_roll_seconds_max + 1};
  const WorkShare first(0, 3, huge);
  const WorkShare second(1, 3, huge);
  CHECK_EQ(first[0], WorkUnit{0, 0, 0});
  CHECK_EQ(first[1], WorkUnit{3, 0, 0});
  CHECK_EQ(second[1], WorkUnit{4, 0, 0});
  CHECK_GT(first.size(), std::uint64_t{1} << 55);
  const WorkUnit last = first[first.size() - 1];
  CHECK_EQ(last.ntime_offset, ntime_roll_seconds_max);
  CHECK_EQ(last.version_group, 65535);
  CHECK_LT(last.extranonce2, std::uint64_t{1} << 32);
  CHECK_EQ(WorkShare(0, 1, {1, 2, 2})[256], WorkUnit{0, 1, 0});
  CHECK_EQ(WorkShare(0, 1, {1, 2, 2})[512], WorkUnit{0, 0, 1});
}

TEST_CASE("a cursor walks every unit once for each job, from where the last job left it") {
  const WorkShare share(1, 2, {1, 1, 2});  // 256 units
  UnitCursor cursor;
  CHECK_FALSE(cursor.next().has_value());
  cursor.start(share, 1);
  CHECK_EQ(cursor.next(), share[0]);
  CHECK_EQ(cursor.next(), share[1]);

  cursor.start(share, 2);  // another job: the numbers go on, and all units are there again
  std::set<WorkUnit> seen;
  CHECK_EQ(cursor.next(), share[2]);
  seen.insert(share[2]);
  while (const auto unit = cursor.next()) CHECK(seen.insert(*unit).second);
  CHECK_EQ(seen.size(), share.size());

  cursor.start(share, 2);  // the same headers under another name: nothing is left to try
  CHECK_FALSE(cursor.next().has_value());

  cursor.start(WorkShare(1, 2, {0, 1, 2}), 3);  // a much smaller space than the number has reached
  CHECK(cursor.next().has_value());
  CHECK_FALSE(cursor.next().has_value());

  cursor.start(WorkShare(5, 6, {0, 1, 2}), 4);  // a worker without units
  CHECK_FALSE(cursor.next().has_value());
}

}  // namespace
}  // namespace miner
