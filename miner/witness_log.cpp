#include "miner/witness_log.h"

#include "common/base/bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace miner {
namespace {

constexpr std::size_t line_bytes_max = 10 + 1 + 64 + 1 + 20 + 1;  // the numbers at their longest

using Entry = std::pair<std::uint32_t, crypto::Digest>;

std::optional<Entry> parse_line(std::string_view line) {
  Entry entry;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), entry.first);
  const auto digits = static_cast<std::size_t>(end - line.data());
  if (error != std::errc() || line.size() < digits + 65 || line[digits] != ' ') {
    return std::nullopt;
  }
  if (!base::decode_hex(line.substr(digits + 1, 64), entry.second)) return std::nullopt;
  return entry;
}

bool is_part_of_line(std::string_view text) {
  return text.size() < line_bytes_max &&
         text.find_first_not_of("0123456789abcdef ") == std::string_view::npos;
}

// REQUIRES: text ends with a newline.
std::string_view last_line(std::string_view text) {
  text.remove_suffix(1);
  return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
}

}  // namespace

WitnessLog::WitnessLog(std::string path, std::size_t bytes_max)
    : path_(std::move(path)), bytes_max_(bytes_max) {}

WitnessLog::~WitnessLog() {
  if (file_ >= 0) ::close(file_);
}

std::optional<std::string> WitnessLog::problem(std::string what) {
  if (std::exchange(told_, true)) return std::nullopt;
  return fmt::format("witness log \"{}\": {}; mining goes on", path_, what);
}

std::optional<std::string> WitnessLog::open() {
  if (file_ >= 0) return std::nullopt;
  file_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
  if (file_ < 0) return problem(fmt::format("cannot be opened: {}", std::strerror(errno)));
  const off_t size = ::lseek(file_, 0, SEEK_END);
  if (size < 0) {
    const int error = errno;
    ::close(std::exchange(file_, -1));
    return problem(fmt::format("is not a file that can be read: {}", std::strerror(error)));
  }
  bytes_ = static_cast<std::size_t>(size);
  if (read_end()) return std::nullopt;
  ::close(std::exchange(file_, -1));
  return problem("is another kind of file, which is left as it is");
}

// Goes on after the last whole line. What a crash left of another is cut off, so that the next one
// does not grow out of it.
bool WitnessLog::read_end() {
  std::array<char, 2 * line_bytes_max> end{};
  const std::size_t wanted = std::min(bytes_, end.size());
  if (wanted == 0) return true;
  const ssize_t read = ::pread(file_, end.data(), wanted, static_cast<off_t>(bytes_ - wanted));
  if (read != static_cast<ssize_t>(wanted)) return false;
  std::string_view text(end.data(), wanted);
  const std::size_t torn = text.size() - (text.rfind('\n') + 1);  // npos + 1 is 0
  if (!is_part_of_line(text.substr(text.size() - torn))) return false;
  text.remove_suffix(torn);
  if (text.empty() ? bytes_ > torn : !(last_ = parse_line(last_line(text)))) return false;
  if (torn > 0 && ::ftruncate(file_, static_cast<off_t>(bytes_ - torn)) != 0) return false;
  bytes_ -= torn;
  return true;
}

std::optional<std::string> WitnessLog::note(std::uint32_t height, const crypto::Digest& prev_hash,
                                            std::int64_t time) {
  if (auto told = open()) return told;
  const Entry entry{height, prev_hash};
  if (file_ < 0 || last_ == entry) return std::nullopt;
  const std::string line = fmt::format("{} {} {}\n", height, base::to_hex(prev_hash), time);
  if (bytes_ + line.size() > bytes_max_) {
    return problem(fmt::format("is full with {} bytes of at most {}", bytes_, bytes_max_));
  }
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    const int error = written < 0 ? errno : ENOSPC;
    if (written > 0) (void)!::ftruncate(file_, static_cast<off_t>(bytes_));
    return problem(fmt::format("cannot be written: {}", std::strerror(error)));
  }
  bytes_ += line.size();
  last_ = entry;
  ++lines_written_;
  told_ = false;
  return std::nullopt;
}

}  // namespace miner
