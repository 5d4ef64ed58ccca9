#include "pool/tools/payout_inputs.h"

#include <doctest/doctest.h>

#include <string>

namespace {

pool::PayoutExport some_inputs() {
  pool::PayoutExport inputs;
  inputs.journals.push_back({2, std::string(32, 'a'), 0, 0, false, {}});
  inputs.journals.back().closed.push_back({0xffffffffffffffff, 1, 9, 2000, std::string(64, 'b')});
  inputs.runs.push_back({7,
                         "applied",
                         std::string(64, 'c'),
                         "text with \"quotes\"\nand lines\n",
                         "00",
                         "01",
                         {"02", "03"},
                         {}});
  inputs.runs.push_back(
      {8, "withdrawn", "", "", "", "", {}, {{101, "bc1qx", "99999999999999999999999"}}});
  return inputs;
}

}  // namespace

TEST_CASE("the list of an export's contents comes back as it was") {
  const std::string json = pool::write_payout_inputs(some_inputs());
  const auto inputs = pool::parse_payout_inputs(json);
  REQUIRE(inputs.has_value());
  CHECK_EQ(pool::write_payout_inputs(*inputs), json);
  CHECK_EQ(inputs->journals[0].closed[0].segment, 0xffffffffffffffff);
  CHECK_EQ(inputs->runs[0].text, "text with \"quotes\"\nand lines\n");
  CHECK_EQ(inputs->runs[0].merkle_branch, std::vector<std::string>{"02", "03"});
  CHECK_EQ(inputs->runs[1].credits[0].before_work, "99999999999999999999999");
}

TEST_CASE("what is not such a list is refused") {
  const std::string json = pool::write_payout_inputs(some_inputs());
  CHECK_EQ(pool::parse_payout_inputs("{").error(), "it is not JSON");
  CHECK_EQ(pool::parse_payout_inputs("[]").error().find("its format is not"), 0);
  CHECK_EQ(pool::parse_payout_inputs("{\"format\": \"other\"}").error().find("its format is not"),
           0);
  for (const char* key : {"journals", "uuid", "segment", "bytes", "sha256", "runs", "digest",
                          "text", "merkle_branch", "credited_before", "work"}) {
    CAPTURE(key);
    std::string without = json;
    const std::string quoted = "\"" + std::string(key) + "\"";
    without.replace(without.find(quoted), quoted.size(), "\"x\"");
    CHECK_FALSE(pool::parse_payout_inputs(without).has_value());
  }
}
