#include "tests/sim/sim_disk.h"

#include "common/base/assert.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace sim {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view temporary_suffix = ".tmp";
constexpr std::size_t sector = 512;

std::string make_folder() {
  const fs::path memory = "/dev/shm";
  std::error_code error;
  const fs::path above = fs::is_directory(memory, error) ? memory : fs::temp_directory_path();
  std::string name = (above / "pool_sim.XXXXXX").string();
  ASSERT(::mkdtemp(name.data()) != nullptr);
  return name;
}

}  // namespace

SimDisk::SimDisk(Environment& env) : env_(env), folder_(make_folder()) {}

SimDisk::~SimDisk() {
  std::error_code error;
  fs::remove_all(folder_, error);
}

pool::FileCalls SimDisk::calls() {
  pool::FileCalls calls = pool::system_file_calls();
  calls.open = [this](const char* path, int flags) { return open(path, flags); };
  calls.write = [this](int fd, const void* bytes, std::size_t count) {
    return write(fd, bytes, count);
  };
  calls.sync = [this](int fd) { return sync(fd); };
  return calls;
}

std::string SimDisk::without_folder(std::string text) const {
  for (auto at = text.find(folder_); at != std::string::npos; at = text.find(folder_)) {
    text.erase(at, folder_.size() + 1);
  }
  return text;
}

void SimDisk::cut_power(const char* where) {
  armed_ = false;
  env_.transcript.note("disk", "power cut", 0, where);
  throw PowerCut{};
}

int SimDisk::open(const char* path, int flags) {
  if ((flags & O_CREAT) != 0 && (full_ || chance(env_.random, env_.faults.write_fails))) {
    env_.transcript.note("disk", "open fails", 0, full_ ? "full" : "error");
    errno = full_ ? ENOSPC : EIO;
    return -1;
  }
  const int fd = ::open(path, flags, 0640);
  if (fd < 0) return fd;
  // One of this name that could not be finished is gone.
  std::erase_if(files_, [path](const auto& file) { return file.second.path == path; });
  open_[fd] = next_file_;
  files_[next_file_++] = {path, 0, {}, false};
  return fd;
}

long SimDisk::write(int fd, const void* bytes, std::size_t count) {
  const bool cut = armed_;
  const bool fails = full_ || chance(env_.random, env_.faults.write_fails);
  const bool is_short = !cut && !fails && chance(env_.random, 10 * env_.faults.write_fails);
  std::size_t taken = count;
  if (cut || fails || is_short) taken = env_.random.below(count) + (is_short ? 1 : 0);
  const long written = ::write(fd, bytes, taken);
  ASSERT(written == static_cast<long>(taken));
  const auto* first = static_cast<const std::uint8_t*>(bytes);
  base::append(files_.at(open_.at(fd)).unsynced, base::ByteSpan(first, taken));
  if (cut) cut_power("in a write");
  if (!fails) return written;
  env_.transcript.note("disk", "write fails", taken, full_ ? "full" : "error");
  errno = full_ ? ENOSPC : EIO;
  return -1;
}

int SimDisk::sync(int fd) {
  File& file = files_.at(open_.at(fd));
  if (armed_ && env_.random.below(2) == 0) cut_power("before a sync is done");
  if (chance(env_.random, env_.faults.sync_fails)) {
    file.lying = true;
    env_.transcript.note("disk", "sync fails", file.unsynced.size(), "");
    errno = EIO;
    return -1;
  }
  if (!file.lying) {
    file.synced += file.unsynced.size();
    file.unsynced.clear();
  }
  if (armed_) cut_power("as a sync is done");
  return 0;
}

void SimDisk::crash(bool power_cut) {
  armed_ = false;
  for (auto& [number, file] : files_) {
    const bool finished = file.path.ends_with(temporary_suffix) && !fs::exists(file.path);
    if (finished) file.path.resize(file.path.size() - temporary_suffix.size());  // renamed
    const bool there = fs::exists(file.path);
    if (there && env_.broken == Break::lose_synced && file.synced > 0) {
      const std::uint64_t taken = std::min<std::uint64_t>(file.synced, 600);
      base::Bytes& unsynced = file.unsynced;
      unsynced.insert(unsynced.begin(), taken, 0);
      file.synced -= taken;
    }
    if (there && power_cut) lose_unsynced(file);
  }
  // What is left is on disk; later writes go to files of their own.
  files_.clear();
  open_.clear();
}

// Sectors reach the disk in any order, and the file's length may be ahead of them. A file that was
// cut after a failed write may be as long as before once more: nobody has synced that.
void SimDisk::lose_unsynced(File& file) {
  const std::size_t kept = env_.random.below(file.unsynced.size() + 1);
  env_.transcript.note("disk", "lost", file.unsynced.size() - kept,
                       fs::path(file.path).filename().string());
  base::Bytes tail(file.unsynced.begin(), file.unsynced.begin() + static_cast<long>(kept));
  for (std::size_t at = 0; at < tail.size(); at += sector) {
    if (env_.random.below(4) != 0) continue;
    const std::size_t end = std::min(at + sector, tail.size());
    std::fill(tail.begin() + static_cast<long>(at), tail.begin() + static_cast<long>(end), 0);
  }
  const int fd = ::open(file.path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT(fd >= 0);
  ASSERT(::ftruncate(fd, static_cast<off_t>(file.synced)) == 0);
  ASSERT(::pwrite(fd, tail.data(), tail.size(), static_cast<off_t>(file.synced)) ==
         static_cast<ssize_t>(tail.size()));
  ::close(fd);
}

}  // namespace sim
