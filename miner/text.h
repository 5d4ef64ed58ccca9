// Text for people and machines: rates and times with units, a peer's words made harmless, JSON
// strings. Thread: pure functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace miner {

// "13.98 MH/s": four significant digits, from H/s to EH/s.
std::string hash_rate_text(double hashes_per_second);
// "42 s", "3 min 07 s", "2 h 05 min", "4 d 02 h".
std::string duration_text(std::chrono::seconds duration);
// "1024", "0.0001220", "16.31 K", "84.49 T": four significant digits.
std::string difficulty_text(double difficulty);
// "0.86841": the order parameter of an r_q, five digits.
std::string order_text(std::uint16_t r_q);
// "61.23 M", "4.702 K", "12": a count or a rate of them, four significant digits.
std::string count_text(double count);

// At most `bytes_max` bytes of `text` with everything but printable ASCII replaced by '?', so that
// a pool can't steer a terminal or forge a line.
std::string printable(std::string_view text, std::size_t bytes_max);
// A JSON string literal with its quotes. Bytes that are not ASCII become '?'.
std::string json_string(std::string_view text);

}  // namespace miner
