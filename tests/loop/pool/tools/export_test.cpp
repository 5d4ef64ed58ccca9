#include "pool/tools/export.h"

#include "tests/loop/pool/journal/journal_fixture.h"

#include <doctest/doctest.h>

using journal_test::TemporaryFolder;

// What an export holds is in tests/functional/test_export.py, with a pool's own runs.
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
