// Figures as people read them, and text as HTML may hold it. web/js/format.js follows the same
// rules, so that a figure keeps its form when the script takes over; tests/unit/vectors/format.json
// holds both to them.
//
// Counts with commas; hash rate and difficulty with three significant digits and the SI letter;
// sats and BTC in threes with thin spaces; durations in at most two units. Unknown is "–".
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

struct Figure {
  std::string number;  // "3.42"
  std::string unit;    // "EH/s"; may be empty
};

inline constexpr std::string_view unknown_figure = "–";

std::string format_count(std::uint64_t value);     // "862,114"
Figure format_hashrate(double hashes_per_second);  // "3.42", "EH/s"
std::string format_difficulty(double difficulty);  // "92.7 T"
std::string format_btc(std::int64_t sats);         // "3.12 500 000", thin spaces
std::string format_sats(std::int64_t sats);        // "67 791", thin spaces
// A part of a round's expected work: "31.6 %", "131 %"; beyond ten rounds "18.4 M×".
std::string format_effort(double effort);
std::string format_signed_percent(double part);            // "+3.1 %", with a true minus sign
std::string format_duration(std::int64_t seconds);         // "10 h 12 min"
std::string format_latency(std::int64_t microseconds);     // "18 ms"
std::string format_percent(double part, double whole);     // "0.21 %"; "–" of nothing
std::string format_utc(std::int64_t unix_micros);          // "2026-01-31 12:00:00 UTC"
std::string format_utc_machine(std::int64_t unix_micros);  // "2026-01-31T12:00:00Z"
std::string format_day(std::int64_t unix_micros);          // "31 Jan, 12:00"
std::string format_clock(std::int64_t unix_micros);        // "12:00:00"
// The parse of an ISO 8601 time in UTC, "2026-01-31T12:00:00[.123]Z", to microseconds since 1970;
// nullopt when it is something else.
std::optional<std::int64_t> parse_utc(std::string_view text);
// Both ends of a long hex or address: "bc1q7f9…x0kd".
std::string shorten(std::string_view text, std::size_t head, std::size_t tail);

// Safe between tags and in double-quoted attributes.
std::string escape_html(std::string_view text);

}  // namespace pool
