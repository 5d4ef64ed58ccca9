#include "common/mining/job.h"

#include <doctest/doctest.h>

#include <string>

using mining::JobId;

TEST_CASE("a job id is 16 hex digits and reads back") {
  struct Row {
    std::uint64_t id;
    const char* text;
  };
  const Row rows[] = {{0, "0000000000000000"},
                      {1, "0000000000000001"},
                      {0x18468e1f5fa5cbaa, "18468e1f5fa5cbaa"},
                      {0xffffffffffffffff, "ffffffffffffffff"}};
  for (const Row& row : rows) {
    CHECK_EQ(mining::job_id_text(JobId(row.id)), row.text);
    JobId back;
    REQUIRE(mining::parse_job_id(row.text, back));
    CHECK_EQ(back.value, row.id);
  }
}

TEST_CASE("only what job_id_text gives is a job id") {
  struct Row {
    const char* why;
    std::string text;
  };
  const Row rows[] = {
      {"empty", ""},
      {"15 digits", std::string(15, '1')},
      {"17 digits", std::string(17, '1')},
      {"upper case: two texts for one id would let a share count twice", "000000000000000A"},
      {"a blank in front", " 00000000000000a"},
      {"0x", "0x00000000000001"},
      {"a sign", "-000000000000001"},
      {"another pool's id", "875b4b7"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    JobId out;
    CHECK_FALSE(mining::parse_job_id(row.text, out));
  }
}
