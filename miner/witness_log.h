// WitnessLog: which proof chain block each coherence job built on, as this miner was told.
//
// A line for each block: `height prev_hash time`, prev_hash in hex in the header's byte order, time
// in seconds since 1970 by the miner's clock. So a pool that rewrites its chain later can be found
// out (`phasepool verify chain --witness FILE`). A line is written when height or prev_hash is not
// that of the line before, also across restarts.
//
// Bounds: one line a block of the chain; lines_burst at once and one more each second; and
// bytes_max
//         in all. So a pool that makes up blocks as fast as it can has its lies on record for a
//         week before the log is full.
// Errors: none stop the miner. A file that can't be opened or written, one that is full:
//         told once, and again only after a line could be written in between. A file of another
//         kind is not touched; of a log nothing is ever cut off but the torn end of its last line.
// Thread: one, the miner loop's.
#pragma once

#include "common/crypto/sha256.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace miner {

class WitnessLog {
 public:
  static constexpr std::size_t bytes_max_usual = 64 * 1024 * 1024;
  static constexpr std::int64_t lines_burst = 600;

  explicit WitnessLog(std::string path, std::size_t bytes_max = bytes_max_usual);
  ~WitnessLog();
  WitnessLog(const WitnessLog&) = delete;
  WitnessLog& operator=(const WitnessLog&) = delete;

  // A problem to be told, if there is a new one; names the file.
  [[nodiscard]] std::optional<std::string> open();
  // `time`: seconds since 1970. Tries to open the file again where that failed.
  [[nodiscard]] std::optional<std::string> note(std::uint32_t height,
                                                const crypto::Digest& prev_hash, std::int64_t time);
  std::uint64_t lines_written() const { return lines_written_; }

 private:
  using Entry = std::pair<std::uint32_t, crypto::Digest>;

  std::optional<std::string> problem(std::string what);
  // False: this is no witness log.
  bool read_end();
  void refill_lines(std::int64_t time);

  const std::string path_;
  const std::size_t bytes_max_;
  int file_ = -1;
  std::size_t bytes_ = 0;
  std::optional<Entry> last_;
  std::uint64_t lines_written_ = 0;
  bool told_ = false;
  std::int64_t lines_left_ = lines_burst;
  std::int64_t refilled_at_ = 0;
  bool flood_told_ = false;  // until lines_left_ is full again
};

}  // namespace miner
