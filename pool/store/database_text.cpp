#include "pool/store/database_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace pool {
namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::int64_t first_day = -719'162;  // 0001-01-01
constexpr std::int64_t last_day = 2'932'896;  // 9999-12-31

// Bytes of the UTF-8 character at the start of `bytes`; 0 when there is none.
// Source: Unicode 15, table 3-7 (well-formed UTF-8 byte sequences).
std::size_t utf8_length(std::string_view bytes) {
  const auto byte = [&](std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  const auto in = [](unsigned value, unsigned low, unsigned high) {
    return value >= low && value <= high;
  };
  const auto tail = [&](std::size_t i) { return in(byte(i), 0x80, 0xbf); };
  const unsigned first = byte(0);
  if (in(first, 0x01, 0x7f)) return 1;
  if (in(first, 0xc2, 0xdf)) return tail(1) ? 2 : 0;
  if (in(first, 0xe0, 0xef)) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return in(byte(1), low, high) && tail(2) ? 3 : 0;
  }
  if (in(first, 0xf0, 0xf4)) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return in(byte(1), low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  std::array<char, 20> digits{};
  for (std::size_t i = width; i-- > 0; value /= 10) {
    digits[i] = static_cast<char>('0' + value % 10);
  }
  out.append(digits.data(), width);
}

void append_date(std::string& out, std::int64_t day) {
  const std::chrono::year_month_day date{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}}};
  append_padded(out, static_cast<int>(date.year()), 4);
  out.push_back('-');
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out.push_back('-');
  append_padded(out, static_cast<unsigned>(date.day()), 2);
}

bool is_uri(std::string_view database) {
  return database.starts_with("postgresql://") || database.starts_with("postgres://");
}

// Where the '@' after user and password stands in a URI: npos without one. As libpq has it, the
// first
// '@' before the first '/'; a password may hold a '?'.
std::size_t find_credentials_end(std::string_view uri) {
  const std::size_t start = uri.find("://") + 3;
  const std::size_t at = uri.find_first_of("@/", start);
  return at != std::string_view::npos && uri[at] == '@' ? at : std::string_view::npos;
}

// Where a URI's query begins, at its '?'; npos without one.
std::size_t find_query(std::string_view uri) {
  const std::size_t credentials_end = find_credentials_end(uri);
  return uri.find('?', credentials_end == std::string_view::npos ? 0 : credentials_end);
}

// Where the value of `key=` starts, for each place it stands at; npos when there is none.
std::size_t find_setting(std::string_view text, std::string_view key, std::size_t from) {
  const std::string wanted = std::string(key) + "=";
  while (true) {
    const std::size_t at = text.find(wanted, from);
    if (at == std::string_view::npos) return at;
    if (at == 0 || text[at - 1] == ' ' || text[at - 1] == '?' || text[at - 1] == '&') {
      return at + wanted.size();
    }
    from = at + 1;
  }
}

std::size_t value_end(std::string_view text, std::size_t start, bool uri) {
  if (uri) return std::min(text.find('&', start), text.size());
  if (start < text.size() && text[start] == '\'') {
    std::size_t at = start + 1;
    while (at < text.size() && text[at] != '\'') at += text[at] == '\\' ? 2 : 1;
    return std::min(at + 1, text.size());
  }
  std::size_t at = start;
  while (at < text.size() && text[at] != ' ') at += text[at] == '\\' ? 2 : 1;
  return std::min(at, text.size());
}

}  // namespace

std::string database_text(std::string_view bytes, std::size_t bytes_max) {
  std::string out;
  while (!bytes.empty()) {
    std::size_t length = utf8_length(bytes);
    std::string piece(bytes.substr(0, std::max<std::size_t>(length, 1)));
    if (length == 0) {
      piece = "\\x" + base::to_hex(base::as_bytes(piece));
      length = 1;
    }
    if (out.size() + piece.size() > bytes_max) break;
    out += piece;
    bytes.remove_prefix(length);
  }
  return out;
}

std::int64_t clamped_time(std::int64_t time_us) {
  return std::clamp(time_us, first_day * day_us, (last_day + 1) * day_us - 1);
}

std::int64_t day_of(std::int64_t time_us) {
  const std::int64_t time = clamped_time(time_us);
  return (time >= 0 ? time : time - (day_us - 1)) / day_us;
}

std::string date_text(std::int64_t day) {
  std::string out;
  append_date(out, std::clamp(day, first_day, last_day));
  return out;
}

void append_timestamp(std::string& out, std::int64_t time_us) {
  const std::int64_t day = day_of(time_us);
  const std::int64_t us = clamped_time(time_us) - day * day_us;
  append_date(out, day);
  out.push_back(' ');
  append_padded(out, us / 3'600'000'000, 2);
  out.push_back(':');
  append_padded(out, us / 60'000'000 % 60, 2);
  out.push_back(':');
  append_padded(out, us / 1'000'000 % 60, 2);
  out.push_back('.');
  append_padded(out, us % 1'000'000, 6);
  out += "+00";
}

std::string timestamp_text(std::int64_t time_us) {
  std::string out;
  append_timestamp(out, time_us);
  return out;
}

void append_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
  } else {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
  }
}

std::string double_text(double value) {
  std::string out;
  append_double(out, value);
  return out;
}

std::string bytea_text(base::ByteSpan bytes) { return "\\x" + base::to_hex(bytes); }

std::string reversed_bytea_text(base::ByteSpan bytes) {
  return "\\x" + base::to_reversed_hex(bytes);
}

std::string array_text(const std::vector<std::string>& values) {
  std::string out = "{";
  for (const std::string& value : values) {
    if (out.size() > 1) out.push_back(',');
    out.push_back('"');
    for (const char c : value) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  out.push_back('}');
  return out;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (!control) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string with_connection_defaults(const std::string& database, std::string_view application) {
  const std::pair<std::string_view, std::string_view> defaults[] = {
      {"connect_timeout", "5"},      {"fallback_application_name", application},
      {"tcp_user_timeout", "15000"}, {"keepalives_idle", "10"},
      {"keepalives_interval", "5"},  {"keepalives_count", "3"}};
  std::string out = database;
  const bool uri = is_uri(database);
  const std::size_t settings = uri ? find_query(database) : 0;
  bool has_query = settings != std::string::npos;
  for (const auto& [key, value] : defaults) {
    if (find_setting(database, key, settings) != std::string::npos) continue;
    if (uri) {
      out += has_query ? '&' : '?';
      has_query = true;
    } else if (!out.empty()) {
      out += ' ';
    }
    out += std::string(key) + "=" + std::string(value);
  }
  return out;
}

std::string without_password(const std::string& database) {
  std::string out = database;
  const bool uri = is_uri(out);
  if (uri) {
    // scheme://user:password@host. Where more than one '@' stands before path and query, the last
    // ends what is hidden: whoever forgot to escape one meant it to be in the password.
    const std::size_t start = out.find("://") + 3;
    const std::size_t first_at = find_credentials_end(out);
    const std::size_t colon = out.find(':', start);
    if (first_at != std::string::npos && colon < first_at) {
      const std::size_t at = out.rfind('@', out.find_first_of("/?", first_at));
      out.replace(colon + 1, at - colon - 1, "***");
    }
  }
  for (const std::string_view key : {"password", "sslpassword"}) {
    std::size_t from = 0;
    while ((from = find_setting(out, key, from)) != std::string::npos) {
      out.replace(from, value_end(out, from, uri) - from, "***");
    }
  }
  return out;
}

}  // namespace pool
