#include "pool/server/data_dir.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace pool {
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

}  // namespace pool
