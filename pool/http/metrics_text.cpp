#include "pool/http/metrics_text.h"

#include "common/base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pool {
namespace {

constexpr std::int64_t microseconds_per_second = 1'000'000;

bool is_name(std::string_view text) {
  const bool starts_well = !text.empty() && (text.front() < '0' || text.front() > '9');
  return starts_well && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

// A value in a bigger unit, which is a power of ten: exact as far as a double goes.
std::string scaled(std::uint64_t value, std::int64_t unit) {
  if (unit == 1) return fmt::format("{}", value);
  return number(static_cast<double>(value) / static_cast<double>(unit));
}

void append_escaped(std::string& out, std::string_view text, bool quotes_too) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (quotes_too && c == '"')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

}  // namespace

void MetricsText::begin(std::string_view name, std::string_view help, std::string_view kind) {
  ASSERT(is_name(name));
  name_ = name;
  text_ += fmt::format("# HELP {} ", name);
  append_escaped(text_, help, false);
  text_ += fmt::format("\n# TYPE {} {}\n", name, kind);
}

// `bound` is the label le's value; empty: there is none.
void MetricsText::line(std::string_view suffix, Labels labels, std::string_view bound,
                       std::string_view value) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  const auto label = [&](std::string_view name, std::string_view content) {
    ASSERT(is_name(name));
    text_ += separator;
    text_ += fmt::format("{}=\"", name);
    append_escaped(text_, content, true);
    text_ += '"';
    separator = ',';
  };
  for (const auto& [name, content] : labels) label(name, content);
  if (!bound.empty()) label("le", bound);
  if (separator == ',') text_ += '}';
  text_ += fmt::format(" {}\n", value);
}

void MetricsText::sample(std::uint64_t value, Labels labels) {
  line("", labels, {}, fmt::format("{}", value));
}

void MetricsText::sample(double value, Labels labels) { line("", labels, {}, number(value)); }

void MetricsText::seconds(std::int64_t microseconds, Labels labels) {
  sample(static_cast<double>(microseconds) / microseconds_per_second, labels);
}

template <class AnyHistogram>
void MetricsText::buckets(const AnyHistogram& counts, std::int64_t unit, Labels labels) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < AnyHistogram::bucket_count; ++i) {
    below += counts.count_in(i);
    const bool last = i + 1 == AnyHistogram::bucket_count;
    const std::string bound =
        last ? "+Inf" : scaled(static_cast<std::uint64_t>(AnyHistogram::bound(i)), unit);
    line("_bucket", labels, bound, fmt::format("{}", below));
  }
  line("_sum", labels, {}, scaled(counts.sum(), unit));
  line("_count", labels, {}, fmt::format("{}", below));
}

void MetricsText::sample(const LatencyHistogram& times, Labels labels) {
  buckets(times, microseconds_per_second, labels);
}

void MetricsText::sample(const DepthHistogram& depths, Labels labels) {
  buckets(depths, 1, labels);
}

}  // namespace pool
