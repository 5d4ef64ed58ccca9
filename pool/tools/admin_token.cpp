#include "pool/tools/admin_token.h"

#include "common/base/bytes.h"
#include "common/uv/owned_fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace pool {
namespace {

constexpr std::size_t token_bytes = 32;  // random; twice as many hex digits
constexpr std::size_t token_characters_min = 32;
constexpr std::size_t token_characters_max = 256;

base::Result<std::string, std::string> make_token(const std::string& path, int file) {
  const uv::OwnedFd owned(file);
  std::array<std::uint8_t, token_bytes> random{};
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return base::err(fmt::format("{}: no randomness: {}", path, std::strerror(errno)));
  }
  std::string token = base::to_hex(random);
  const std::string line = token + "\n";
  const bool written = write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (!written || fsync(file) != 0) {
    const std::string why = std::strerror(errno);
    unlink(path.c_str());
    return base::err(fmt::format("{}: can't be written: {}", path, why));
  }
  return token;
}

bool is_token_character(char c) { return c > ' ' && c < 127; }

}  // namespace

std::string admin_token_path(const std::string& data_dir) { return data_dir + "/admin.token"; }

base::Result<std::string, std::string> read_admin_token(const std::string& data_dir) {
  const std::string path = admin_token_path(data_dir);
  const auto fail = [&](std::string_view why) {
    return base::err(fmt::format("{}: {}", path, why));
  };
  const uv::OwnedFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file.fd() < 0) return fail(std::strerror(errno));
  struct stat status {};
  if (fstat(file.fd(), &status) != 0) return fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("is not a file; remove it");
  if ((status.st_mode & 077U) != 0) {
    return fail(
        fmt::format("others may use it (mode {:03o}); remove it, and a new one is made at "
                    "the next start, or chmod 600 it",
                    status.st_mode & 0777U));
  }
  std::string text(token_characters_max + 2, '\0');
  const ssize_t got = read(file.fd(), text.data(), text.size());
  if (got < 0) return fail(std::strerror(errno));
  text.resize(static_cast<std::size_t>(got));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.size() < token_characters_min || text.size() > token_characters_max ||
      !std::all_of(text.begin(), text.end(), is_token_character)) {
    return fail(
        fmt::format("is not a token of {} to {} characters; remove it, and a new one is "
                    "made at the next start",
                    token_characters_min, token_characters_max));
  }
  return text;
}

base::Result<std::string, std::string> prepare_admin_token(const std::string& data_dir) {
  const std::string path = admin_token_path(data_dir);
  const int made =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (made >= 0) return make_token(path, made);
  if (errno != EEXIST) {
    return base::err(fmt::format("{}: can't be made: {}", path, std::strerror(errno)));
  }
  return read_admin_token(data_dir);
}

}  // namespace pool
