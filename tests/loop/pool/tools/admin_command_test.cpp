// `phasepool admin` where there is no pool; with one: tests/functional/test_admin.py.
#include "pool/tools/admin_command.h"

#include "pool/tools/admin_token.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

using namespace pool;

TEST_CASE("an order that can't be given ends with 1") {
  std::string folder = (std::filesystem::temp_directory_path() / "admin_command_XXXXXX").string();
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  Config config;
  config.data_dir = folder;
  AdminCommand command;
  command.order = "status";
  config.http.admin_listen = "";
  CHECK_EQ(admin_command(config, command), 1);  // no listener
  config.http.admin_listen = "127.0.0.1:1";
  CHECK_EQ(admin_command(config, command), 1);  // no token
  REQUIRE(prepare_admin_token(folder));
  CHECK_EQ(admin_command(config, command), 1);  // nobody listens
  std::filesystem::remove_all(folder);
}
