// The pool's folder: made where it is not there, private, and tried before anything needs it.
#include "pool/server/data_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace pool {
namespace {

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "phasepool_data_XXXXXX").string();
  Folder() { REQUIRE_NE(mkdtemp(path.data()), nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST_CASE("it is made, for its owner and group alone, and left empty") {
  const Folder folder;
  const std::string data = folder.path + "/a/b";
  REQUIRE(prepare_data_dir(data).has_value());
  struct stat made {};
  REQUIRE_EQ(stat(data.c_str(), &made), 0);
  CHECK_EQ(made.st_mode & 07777u, 0750u);
  CHECK(std::filesystem::is_empty(data));
  CHECK(prepare_data_dir(data).has_value());
}

TEST_CASE("what can't be made or written is named, with the reason") {
  const Folder folder;
  std::ofstream(folder.path + "/file") << "x";
  const auto below = prepare_data_dir(folder.path + "/file/data");
  REQUIRE_FALSE(below.has_value());
  CHECK_EQ(below.error(), "data_dir " + folder.path + "/file/data: can't be made: Not a directory");
  const auto unwritable = prepare_data_dir("/proc/self");
  REQUIRE_FALSE(unwritable.has_value());
  CHECK_NE(unwritable.error().find("data_dir /proc/self: can't be written: "), std::string::npos);
}

}  // namespace
}  // namespace pool
