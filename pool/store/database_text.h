// Values in the text forms that PostgreSQL reads, and connection strings. Pure functions.
#pragma once

#include "common/base/bytes.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// Text that PostgreSQL accepts: bytes that are not UTF-8, and NUL, become the four characters \xNN,
// so that different names stay different. Cut at a character's end, to at most `bytes_max`.
std::string database_text(std::string_view bytes, std::size_t bytes_max);

// Times outside the years 1 to 9999 become the nearest inside: PostgreSQL would refuse the most
// extreme.
std::int64_t clamped_time(std::int64_t time_us);
// Appends a timestamptz in UTC, "2026-01-31 12:00:00.123456+00", within those bounds.
void append_timestamp(std::string& out, std::int64_t time_us);
std::string timestamp_text(std::int64_t time_us);
// Days since 1970 (UTC) of a time, within the same bounds.
std::int64_t day_of(std::int64_t time_us);
// "2026-01-31" of a day.
std::string date_text(std::int64_t day);

// Shortest text that reads back as the same double; NaN and Infinity as PostgreSQL spells them.
void append_double(std::string& out, double value);
std::string double_text(double value);

// "\x0123…", bytea's hex form; `reversed` gives a hash in display order.
std::string bytea_text(base::ByteSpan bytes);
std::string reversed_bytea_text(base::ByteSpan bytes);

// An array literal of texts: {"a","b"}.
std::string array_text(const std::vector<std::string>& values);

// A library's message as one line without control characters.
std::string one_line(std::string_view text);

// The connection string with time limits on connecting and on dead peers, where it sets none
// itself.
std::string with_connection_defaults(const std::string& database, std::string_view application);
// For messages: what stands for a password replaced by "***".
std::string without_password(const std::string& database);

}  // namespace pool
