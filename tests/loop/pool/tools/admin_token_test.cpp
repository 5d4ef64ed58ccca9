#include "pool/tools/admin_token.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace pool;

namespace {

struct DataDir {
  DataDir() {
    std::string name = (std::filesystem::temp_directory_path() / "admin_token_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~DataDir() { std::filesystem::remove_all(path); }
  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(admin_token_path(path), std::ios::trunc) << text;
    REQUIRE_EQ(chmod(admin_token_path(path).c_str(), mode), 0);
  }
  std::string error() const {
    const auto token = prepare_admin_token(path);
    return token ? "" : token.error().substr(admin_token_path(path).size());
  }
  std::string path;
};

}  // namespace

TEST_CASE("the token is made once, random, for its owner's eyes") {
  const DataDir here;
  const DataDir there;
  const auto made = prepare_admin_token(here.path);
  REQUIRE(made);
  CHECK_EQ(made->size(), 64);
  CHECK_EQ(*prepare_admin_token(here.path), *made);
  CHECK_EQ(*read_admin_token(here.path), *made);
  CHECK_NE(*prepare_admin_token(there.path), *made);
  struct stat status {};
  REQUIRE_EQ(stat(admin_token_path(here.path).c_str(), &status), 0);
  CHECK_EQ(status.st_mode & 0777U, 0600U);
}

TEST_CASE("a token that others could use, or that is none, is refused with what to do") {
  const DataDir folder;
  const std::string good(32, 'a');
  folder.write(good + "\n");
  CHECK_EQ(*prepare_admin_token(folder.path), good);
  for (const mode_t mode : {0640, 0604, 0620, 0601}) {
    folder.write(good, mode);
    CHECK_NE(folder.error().find("others may use it"), std::string::npos);
  }
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string(31, 'a'), std::string(257, 'a'),
        good + " " + good, good + "\nmore", good + std::string(1, '\0')}) {
    CAPTURE(text);
    folder.write(text);
    CHECK_NE(folder.error().find("remove it"), std::string::npos);
  }
  std::filesystem::remove(admin_token_path(folder.path));
  CHECK_FALSE(read_admin_token(folder.path));
  std::filesystem::create_directory(admin_token_path(folder.path));
  CHECK_NE(folder.error().find("is not a file"), std::string::npos);
  std::filesystem::remove(admin_token_path(folder.path));
  std::filesystem::create_symlink("/etc/hostname", admin_token_path(folder.path));
  CHECK_FALSE(prepare_admin_token(folder.path));
  CHECK_FALSE(prepare_admin_token(folder.path + "/absent"));
}
