// The table of options: each with a name of its own, and each in the help.
#include "miner/options_table.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace miner {
namespace {

TEST_CASE("every option has a key of its own and stands in the help") {
  const std::string help = parse_options({"--help"}).error().text;
  std::set<std::string_view> keys;
  for (const OptionRow& row : option_table()) {
    CAPTURE(row.names);
    CHECK(keys.insert(row.key()).second);
    CHECK_NE(help.find("--" + std::string(row.key())), std::string::npos);
    CHECK_FALSE(row.help.empty());
    CHECK_EQ(row.value.empty(), std::holds_alternative<bool Texts::*>(row.member));
  }
  CHECK(keys.contains("url"));
  CHECK(keys.contains("ca-file"));  // not its other name
  CHECK_FALSE(keys.contains("cert"));
}

}  // namespace
}  // namespace miner
