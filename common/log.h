// LOG: one line per event, for the operator. Text ("2026-01-31T12:00:00.123Z info  block_accepted
// height=812 hash=000…") or one JSON object per line, as configured.
//
//   LOG(info, "block_accepted", {"height", 812}, {"hash", hash.display_hex()});
//
// An event is a stable snake_case name; fields are a key and a value. Control characters in values
// are escaped, so a peer can't forge lines. Per-peer events are counted, not logged: nothing a peer
// can do may write without bound.
// Thread: any. The sink is stderr, flushed per line at warning and above.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace logging {

enum class Level { trace, debug, info, warning, error, critical };
enum class Format { text, json };

// A field's value is text or a number; JSON shows which.
struct Field {
  std::string_view key;
  std::string value;
  bool is_text = true;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), is_text(false) {}
  template <std::integral T>
  Field(std::string_view k, T v) : key(k), value(std::to_string(v)), is_text(false) {}
  Field(std::string_view k, double v);
};

// Call once in main, before any thread starts. Before that: info, text.
void configure(Level level, Format format);
bool enabled(Level level);
// "trace", …, "critical" and "text"/"json"; false when unknown.
[[nodiscard]] bool level_from_name(std::string_view name, Level& out);
[[nodiscard]] bool format_from_name(std::string_view name, Format& out);

// The whole line without its newline, at most 4 KiB: long values are cut and end in "...", and
// fields for which there is no room are left out. Text values with a space, a quote, a backslash or
// an equals sign are quoted; control characters and bytes that are not UTF-8 read \xNN. Pure.
std::string format_line(Format format, std::chrono::system_clock::time_point now, Level level,
                        std::string_view event, std::initializer_list<Field> fields);

// Formats and writes one line, whatever the configured level: LOG asks enabled() first.
void write(Level level, std::string_view event, std::initializer_list<Field> fields);

}  // namespace logging

#define LOG(level, event, ...)                                         \
  do {                                                                 \
    if (::logging::enabled(::logging::Level::level)) {                 \
      ::logging::write(::logging::Level::level, event, {__VA_ARGS__}); \
    }                                                                  \
  } while (false)
