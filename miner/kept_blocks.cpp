#include "miner/kept_blocks.h"

#include "common/bitcoin/block.h"
#include "common/bitcoin/block_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace miner {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_start = "phaseminer-block-";
constexpr std::string_view name_end = ".hex";

std::string problem(std::string_view path, std::string_view what, int error) {
  return fmt::format("{} {}: {}", path, what, std::generic_category().message(error));
}

// Zero, or the system's reason.
int write_synced(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return errno;
  int error = 0;
  const ssize_t written = ::write(file, text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) error = written < 0 ? errno : ENOSPC;
  if (error == 0 && ::fsync(file) != 0) error = errno;
  if (::close(file) != 0 && error == 0) error = errno;
  return error;
}

// A renamed file's name is on the disk only when its folder is.
int sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return errno;
  int error = ::fsync(folder) != 0 ? errno : 0;
  if (error == EINVAL) error = 0;  // a file system that has no such thing
  (void)::close(folder);
  return error;
}

bool is_ours(const std::string& name) {
  return name.starts_with(name_start) && name.ends_with(name_end);
}

}  // namespace

std::string KeptBlocks::path_of(const bitcoin::BlockHash& hash) const {
  return fmt::format("{}/{}{}{}", folder_, name_start, hash.display_hex(), name_end);
}

base::Result<void, std::string> KeptBlocks::keep(const SoloBlock& block) const {
  const std::string path = path_of(block.hash);
  const std::string fresh = path + ".new";
  if (const int error = write_synced(fresh, block.hex); error != 0) {
    (void)::unlink(fresh.c_str());
    return base::err(problem(path, "can't be written", error));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return base::err(problem(path, "can't be written", errno));
  }
  if (const int error = sync_folder(folder_); error != 0) {
    return base::err(problem(folder_, "can't be synced", error));
  }
  return {};
}

void KeptBlocks::remove(const bitcoin::BlockHash& hash) const {
  (void)::unlink(path_of(hash).c_str());
}

KeptBlocks::Listed KeptBlocks::list() const {
  Listed listed;
  std::vector<std::pair<fs::file_time_type, std::string>> files;
  std::error_code error;
  fs::directory_iterator at(folder_, error);
  for (; !error && at != fs::end(at); at.increment(error)) {
    if (!is_ours(at->path().filename().string())) continue;
    if (files.size() == files_listed_max) {
      listed.problems.push_back(
          fmt::format("{} has more than {} kept blocks: the others wait for the next start",
                      folder_, files_listed_max));
      break;
    }
    std::error_code gone;  // read() finds out
    files.emplace_back(at->last_write_time(gone), at->path().string());
  }
  if (error) listed.problems.push_back(problem(folder_, "can't be listed", error.value()));
  std::sort(files.begin(), files.end(), std::greater<>());
  for (auto& [time, path] : files) listed.paths.push_back(std::move(path));
  return listed;
}

base::Result<SoloBlock, std::string> KeptBlocks::read(const std::string& path) const {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) return base::err(problem(path, "can't be read", error.value()));
  if (bytes > file_bytes_max) {
    return base::err(fmt::format("{} is no block: {} bytes, at most {} were expected", path, bytes,
                                 file_bytes_max));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad() || text.size() != bytes) return base::err(path + " can't be read");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const auto raw = base::from_hex(text);
  const auto parsed = raw ? bitcoin::parse_block(*raw) : base::err(bitcoin::BlockError::truncated);
  if (!parsed) return base::err(path + " is no block in hex");
  SoloBlock block;
  block.hash = bitcoin::hash_header(parsed->header.serialize());
  if (fs::path(path_of(block.hash)).filename() != fs::path(path).filename()) {
    return base::err(fmt::format("{} is not the block it is named after, but {}", path,
                                 block.hash.display_hex()));
  }
  block.prev_hash = parsed->header.prev_hash;
  block.height = bitcoin::coinbase_height(parsed->transactions.front()).value_or(0);
  block.hex = std::move(text);
  return block;
}

}  // namespace miner
