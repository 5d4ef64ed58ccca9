#include "pool/http/process_facts.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace pool {
namespace {

constexpr const char* descriptors_folder = "/proc/self/fd";

std::int64_t microseconds(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
}

// Since Linux 6.2 the folder's size is the number of its entries; before, they are counted.
std::uint64_t open_descriptors() {
  struct stat folder {};
  if (::stat(descriptors_folder, &folder) == 0 && folder.st_size > 0) {
    return static_cast<std::uint64_t>(folder.st_size);
  }
  DIR* const entries = ::opendir(descriptors_folder);
  if (entries == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(entries)) count += entry->d_name[0] == '.' ? 0 : 1;
  ::closedir(entries);
  return count > 0 ? count - 1 : 0;  // one of them reads the folder
}

std::int64_t boot_time_us() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    std::int64_t seconds = 0;
    if (word == "btime" && file >> seconds) return seconds * 1'000'000;
  }
  return 0;
}

// proc(5): after the name, which is in parentheses and may hold anything, the third field follows.
void read_stat(ProcessFacts& facts) {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(text.substr(name_end + 1));
  constexpr int threads_field = 20;
  constexpr int start_field = 22;
  constexpr int virtual_field = 23;
  constexpr int resident_field = 24;
  std::string value;
  for (int field = 3; field <= resident_field && fields >> value; ++field) {
    const auto read = [&] { return std::strtoull(value.c_str(), nullptr, 10); };
    if (field == threads_field) facts.threads = read();
    if (field == virtual_field) facts.virtual_bytes = read();
    if (field == resident_field) {
      facts.resident_bytes = read() * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
    if (field == start_field) {
      const auto ticks = static_cast<std::int64_t>(read());
      facts.started_us = boot_time_us() + ticks * 1'000'000 / ::sysconf(_SC_CLK_TCK);
    }
  }
}

}  // namespace

ProcessFacts read_process_facts() {
  ProcessFacts facts;
  read_stat(facts);
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    facts.cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
  }
  facts.descriptors = open_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptors_max = limit.rlim_cur;
  return facts;
}

}  // namespace pool
