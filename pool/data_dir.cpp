#include "pool/data_dir.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace pool {
namespace {

// Only a digest is kept, since a connection string may hold a password.
std::string database_digest(const std::string& database) {
  return base::to_hex(crypto::sha256(base::as_bytes(database)));
}

std::filesystem::path note_of(const std::string& data_dir) {
  return std::filesystem::path(data_dir) / "served-database";
}

}  // namespace

base::Result<void, std::string> prepare_data_dir(const std::string& data_dir) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(data_dir, error);
  if (error) {
    return base::err(fmt::format("data_dir {}: can't be made: {}", data_dir, error.message()));
  }
  if (made) {
    using std::filesystem::perms;
    std::filesystem::permissions(data_dir, perms::owner_all | perms::group_read | perms::group_exec,
                                 error);
  }
  const std::filesystem::path probe = std::filesystem::path(data_dir) / ".writable";
  errno = 0;
  std::ofstream file(probe);
  file << "x" << std::flush;
  if (!file) {
    return base::err(
        fmt::format("data_dir {}: can't be written: {}", data_dir, std::strerror(errno)));
  }
  file.close();
  std::filesystem::remove(probe, error);
  return {};
}

bool has_served_database(const std::string& data_dir, const std::string& database) {
  std::ifstream file(note_of(data_dir));
  std::string digest;
  return std::getline(file, digest) && digest == database_digest(database);
}

base::Result<void, std::string> note_served_database(const std::string& data_dir,
                                                     const std::string& database) {
  std::ofstream file(note_of(data_dir), std::ios::trunc);
  file << database_digest(database) << '\n' << std::flush;
  if (!file) return base::err(fmt::format("data_dir {}: can't be written", data_dir));
  return {};
}

}  // namespace pool
