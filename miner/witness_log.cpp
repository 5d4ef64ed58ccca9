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

constexpr std::size_t height_digits_max = 10;
constexpr std::size_t hash_digits = 64;
constexpr std::size_t time_digits_max = 20;
constexpr std::size_t line_bytes_max =
    height_digits_max + 1 + hash_digits + 1 + time_digits_max + 1;

using Entry = std::pair<std::uint32_t, crypto::Digest>;

// As many of these characters as there are, at most `most`.
std::size_t run_of(std::string_view characters, std::string_view text, std::size_t most) {
  const std::size_t end = text.find_first_not_of(characters);
  return std::min({end, text.size(), most});
}

constexpr std::string_view digits = "0123456789";
constexpr std::string_view hex_digits = "0123456789abcdef";

// What the start of a line must look like, however soon it ends.
bool is_start_of_line(std::string_view text) {
  const std::size_t height = run_of(digits, text, height_digits_max);
  if (height == 0) return false;
  text.remove_prefix(height);
  if (text.empty()) return true;
  if (!text.starts_with(' ')) return false;
  text.remove_prefix(1);
  const std::size_t hash = run_of(hex_digits, text, hash_digits);
  text.remove_prefix(hash);
  if (text.empty()) return true;
  if (hash < hash_digits || !text.starts_with(' ')) return false;
  text.remove_prefix(1);
  return run_of(digits, text, time_digits_max) == text.size();
}

// A whole line, without its newline.
std::optional<Entry> parse_line(std::string_view line) {
  const std::size_t height = line.find(' ');
  if (!is_start_of_line(line) || line.size() < height + 1 + hash_digits + 2) return std::nullopt;
  Entry entry;
  if (std::from_chars(line.data(), line.data() + height, entry.first).ec != std::errc() ||
      !base::decode_hex(line.substr(height + 1, hash_digits), entry.second)) {
    return std::nullopt;
  }
  return entry;
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
// does not grow out of it; but nothing is cut off a file that has no whole line: the start of a
// line looks like a key or a number of somebody else's.
bool WitnessLog::read_end() {
  std::array<char, 2 * line_bytes_max> end{};
  const std::size_t wanted = std::min(bytes_, end.size());
  if (wanted == 0) return true;
  const ssize_t read = ::pread(file_, end.data(), wanted, static_cast<off_t>(bytes_ - wanted));
  if (read != static_cast<ssize_t>(wanted)) return false;
  std::string_view text(end.data(), wanted);
  const std::size_t torn = text.size() - (text.rfind('\n') + 1);  // npos + 1 is 0
  if (torn == text.size()) return false;
  if (torn > 0 && !is_start_of_line(text.substr(text.size() - torn))) return false;
  text.remove_suffix(torn);
  last_ = parse_line(last_line(text));
  if (!last_) return false;
  if (torn > 0 && ::ftruncate(file_, static_cast<off_t>(bytes_ - torn)) != 0) return false;
  bytes_ -= torn;
  return true;
}

// A line for each second, whatever the clock did in between.
void WitnessLog::refill_lines(std::int64_t time) {
  const std::int64_t passed = std::max<std::int64_t>(time - refilled_at_, 0);
  lines_left_ += std::min(passed, lines_burst - lines_left_);
  refilled_at_ = time;
  if (lines_left_ == lines_burst) flood_told_ = false;
}

std::optional<std::string> WitnessLog::note(std::uint32_t height, const crypto::Digest& prev_hash,
                                            std::int64_t time) {
  if (auto told = open()) return told;
  const Entry entry{height, prev_hash};
  if (file_ < 0 || last_ == entry) return std::nullopt;
  refill_lines(time);
  if (lines_left_ == 0) {
    if (std::exchange(flood_told_, true)) return std::nullopt;
    return fmt::format(
        "witness log \"{}\": the pool names blocks faster than {} at once and one a second: not "
        "each is noted; mining goes on",
        path_, lines_burst);
  }
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
  --lines_left_;
  told_ = false;
  return std::nullopt;
}

}  // namespace miner
