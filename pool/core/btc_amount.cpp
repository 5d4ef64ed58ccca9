#include "pool/core/btc_amount.h"

#include <cstdint>

namespace pool {
namespace {

constexpr std::int64_t sats_per_coin = 100'000'000;
constexpr std::size_t decimals = 8;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<bitcoin::Sats> parse_btc(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view part =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  const bool point_alone = point != std::string_view::npos && part.empty();
  if (whole.empty() || whole.size() > decimals || part.size() > decimals || point_alone) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (const char c : whole) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  for (std::size_t i = 0; i < decimals; ++i) {
    if (i < part.size() && !is_digit(part[i])) return std::nullopt;
    value = value * 10 + (i < part.size() ? part[i] - '0' : 0);
  }
  if (value > bitcoin::max_money.value) return std::nullopt;
  return bitcoin::Sats(negative ? -value : value);
}

std::string btc_text(bitcoin::Sats amount) {
  const bool negative = amount.value < 0;
  const std::int64_t value = negative ? -amount.value : amount.value;
  std::string part = std::to_string(value % sats_per_coin);
  part.insert(0, decimals - part.size(), '0');
  return (negative ? "-" : "") + std::to_string(value / sats_per_coin) + "." + part;
}

}  // namespace pool
