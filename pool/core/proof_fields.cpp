#include "pool/core/proof_fields.h"

#include "common/stratum/fields.h"
#include "common/stratum/json_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace pool {

namespace json = stratum::json;

namespace {

std::string hex_of(std::size_t size) { return fmt::format("{} hex digits", 2 * size); }

}  // namespace

void ProofFields::bytes(std::string_view name, std::span<std::uint8_t> out) {
  const std::string_view text = hex_text(name, out.size());
  if (ok() && !base::decode_hex(text, out)) wrong(name, hex_of(out.size()));
}

base::Bytes ProofFields::bytes_up_to(std::string_view name, std::size_t most) {
  const json::Value value = object_.member(name);
  const std::string expected = fmt::format("bytes in hex, at most {} of them", most);
  if (!value.is(json::JsonKind::string) || value.text().size() > 2 * most) {
    wrong(name, expected);
    return {};
  }
  auto read = base::from_hex(value.text());
  if (!read) {
    wrong(name, expected);
    return {};
  }
  return std::move(*read);
}

void ProofFields::numeral(std::string_view name, base::U256& out) {
  std::array<std::uint8_t, 32> value{};
  bytes(name, value);
  std::reverse(value.begin(), value.end());
  out = base::U256::from_le_bytes(value);
}

void ProofFields::hash(std::string_view name, bitcoin::BlockHash& out) {
  const std::string_view text = hex_text(name, out.bytes.size());
  if (!ok()) return;
  const auto parsed = bitcoin::BlockHash::from_display_hex(text);
  if (!parsed) return wrong(name, hex_of(out.bytes.size()));
  out = *parsed;
}

std::uint64_t ProofFields::integer(std::string_view name, std::uint64_t most) {
  const json::Value value = object_.member(name);
  const auto number =
      value.is(json::JsonKind::number) ? stratum::parse_decimal(value.text()) : std::nullopt;
  if (number && *number <= most) return *number;
  wrong(name, fmt::format("an integer of at most {}", most));
  return 0;
}

std::string ProofFields::text(std::string_view name, std::size_t bytes_max) {
  const json::Value value = object_.member(name);
  if (value.is(json::JsonKind::string) && value.text().size() <= bytes_max) {
    return std::string(value.text());
  }
  wrong(name, fmt::format("a string of at most {} bytes", bytes_max));
  return {};
}

json::Value ProofFields::list(std::string_view name, std::size_t items_max) {
  const json::Value value = object_.member(name);
  if (!value.is(json::JsonKind::array) || value.item_count() > items_max) {
    wrong(name, fmt::format("a list of at most {}", items_max));
    return {};
  }
  return value;
}

void ProofFields::expect_text(std::string_view name, std::string_view expected) {
  const json::Value value = object_.member(name);
  if (!value.is(json::JsonKind::string) || value.text() != expected) {
    wrong(name, fmt::format("\"{}\"", expected));
  }
}

void ProofFields::wrong(std::string_view name, std::string_view expected) {
  if (!ok()) return;
  const json::Value value = object_.member(name);
  const std::string found =
      value.is(json::JsonKind::missing) ? std::string("missing") : json::excerpt(value.raw());
  why_ = fmt::format("{}{} is {}, not {}", where_, name, found, expected);
}

std::string_view ProofFields::hex_text(std::string_view name, std::size_t size) {
  const json::Value value = object_.member(name);
  if (!value.is(json::JsonKind::string)) wrong(name, "a string of " + hex_of(size));
  return value.text();
}

}  // namespace pool
