// LOG: see log.h. The line is put together here, escaped and bounded; spdlog is the sink.
#include "common/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <memory>

namespace logging {

namespace {

// A line longer than this loses the end of its long values. Peers' words reach lines in few places
// and are bounded there; this bound holds whatever those places do.
constexpr std::size_t line_bytes_max = 4096;
// Kept back for what has to close a line: quote, ellipsis, brace.
constexpr std::size_t line_end_bytes = 8;

struct LevelName {
  Level level;
  std::string_view name;
  std::string_view column;  // five wide
  spdlog::level::level_enum in_spdlog;
};

constexpr std::array<LevelName, 6> level_names = {{
    {Level::trace, "trace", "trace", spdlog::level::trace},
    {Level::debug, "debug", "debug", spdlog::level::debug},
    {Level::info, "info", "info ", spdlog::level::info},
    {Level::warning, "warning", "warn ", spdlog::level::warn},
    {Level::error, "error", "error", spdlog::level::err},
    {Level::critical, "critical", "crit ", spdlog::level::critical},
}};

const LevelName& name_of(Level level) { return level_names[static_cast<std::size_t>(level)]; }

std::atomic<Level> level_now{Level::info};
std::atomic<Format> format_now{Format::text};

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("phasepool",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);  // enabled() has decided already
    made->flush_on(spdlog::level::warn);
    return made;
  }();
  return *instance;
}

// "2026-01-31T12:00:00.123Z"
std::string timestamp(std::chrono::system_clock::time_point now) {
  const auto since_1970 = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch());
  const std::time_t seconds = since_1970.count() / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     since_1970.count() % 1000);
}

// Bytes of the UTF-8 character at the start of `text` (RFC 3629), 0 when there is none that may be
// shown: not UTF-8, or a control character (C0, DEL, C1).
std::size_t printable_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  std::uint32_t code = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  const bool c1_control = code >= 0x80 && code <= 0x9f;
  return overlong || surrogate || c1_control || code > 0x10ffff ? 0 : length;
}

// Appends `text`, escaped for the inside of quotes, until the line is full; then an ellipsis.
void append_escaped(std::string& line, std::string_view text, Format format) {
  while (!text.empty()) {
    if (line.size() + 2 * line_end_bytes > line_bytes_max) {
      line += "...";
      return;
    }
    const std::size_t length = printable_character(text);
    if (length == 0) {
      // In JSON the backslash is itself escaped: the reader sees the same \xNN as in text.
      line += format == Format::json ? "\\\\x" : "\\x";
      line += fmt::format("{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    if (text.front() == '"' || text.front() == '\\') line += '\\';
    line += text.substr(0, length);
    text.remove_prefix(length);
  }
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (std::size_t i = 0; i < value.size();) {
    const std::size_t length = printable_character(value.substr(i));
    const char c = value[i];
    if (length == 0 || c == ' ' || c == '"' || c == '\\' || c == '=') return true;
    i += length;
  }
  return false;
}

void append_text_field(std::string& line, const Field& field) {
  line += ' ';
  line += field.key;
  line += '=';
  const bool quoted = needs_quotes(field.value);
  if (quoted) line += '"';
  append_escaped(line, field.value, Format::text);
  if (quoted) line += '"';
}

void append_json_field(std::string& line, const Field& field) {
  line += ",\"";
  line += field.key;
  line += "\":";
  if (!field.is_text) {
    line += field.value;
    return;
  }
  line += '"';
  append_escaped(line, field.value, Format::json);
  line += '"';
}

bool has_room(const std::string& line, const Field& field) {
  // A value that has to be cut is cut in place; a number is whole or left out.
  const std::size_t whole = field.key.size() + (field.is_text ? 0 : field.value.size());
  return line.size() + whole + 3 * line_end_bytes <= line_bytes_max;
}

}  // namespace

Field::Field(std::string_view k, double v) : key(k), value(fmt::format("{}", v)) {
  is_text = !std::isfinite(v);  // JSON has no number for these
}

void configure(Level level, Format format) {
  level_now = level;
  format_now = format;
}

bool enabled(Level level) { return level >= level_now.load(std::memory_order_relaxed); }

bool level_from_name(std::string_view name, Level& out) {
  for (const LevelName& row : level_names) {
    if (row.name != name) continue;
    out = row.level;
    return true;
  }
  return false;
}

bool format_from_name(std::string_view name, Format& out) {
  if (name != "text" && name != "json") return false;
  out = name == "json" ? Format::json : Format::text;
  return true;
}

std::string format_line(Format format, std::chrono::system_clock::time_point now, Level level,
                        std::string_view event, std::initializer_list<Field> fields) {
  const bool json = format == Format::json;
  std::string line = json ? fmt::format(R"({{"time":"{}","level":"{}","event":"{}")",
                                        timestamp(now), name_of(level).name, event)
                          : fmt::format("{} {} {}", timestamp(now), name_of(level).column, event);
  for (const Field& field : fields) {
    if (!has_room(line, field)) break;
    json ? append_json_field(line, field) : append_text_field(line, field);
  }
  if (json) line += '}';
  return line;
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const auto now = std::chrono::system_clock::now();
  const std::string line = format_line(format_now, now, level, event, fields);
  logger().log(name_of(level).in_spdlog, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace logging
