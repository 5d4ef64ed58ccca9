#include "pool/http/parameters.h"

#include "pool/core/worker_name.h"
#include "pool/http/json_members.h"
#include "pool/http/responses.h"

#include <algorithm>
#include <charconv>

namespace pool {
namespace {

constexpr std::size_t shown_bytes_max = 100;  // of a value that is told back

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// No name that the pool knows has any.
bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

void Parameters::wrong(std::string_view name, std::string_view value, std::string_view expected) {
  if (error_) return;
  error_ = error_response(400, "bad_parameter",
                          std::string(name) + " is \"" + clean_text(value, shown_bytes_max) +
                              "\", expected " + std::string(expected),
                          "the parameters are described in /api/v1/openapi.json");
}

std::string Parameters::checked_integer(std::string_view name, std::string_view value,
                                        std::int64_t least, std::int64_t most) {
  const auto number = parse_integer(value);
  if (number && *number >= least && *number <= most) return std::to_string(*number);
  wrong(name, value, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return std::to_string(least);
}

std::string Parameters::integer(std::string_view name, std::int64_t fallback, std::int64_t least,
                                std::int64_t most) {
  const auto value = request_.query(name);
  return value ? checked_integer(name, *value, least, most) : std::to_string(fallback);
}

std::optional<std::string> Parameters::integer_or_none(std::string_view name, std::int64_t least,
                                                       std::int64_t most) {
  const auto value = request_.query(name);
  if (!value) return std::nullopt;
  return checked_integer(name, *value, least, most);
}

std::string Parameters::choice(std::string_view name, std::span<const std::string_view> choices) {
  const auto value = request_.query(name);
  if (!value) return std::string(choices.front());
  const auto found = std::find(choices.begin(), choices.end(), *value);
  if (found != choices.end()) return std::string(*found);
  std::string expected = "one of";
  for (const std::string_view each : choices) expected += " " + std::string(each);
  wrong(name, *value, expected);
  return std::string(choices.front());
}

std::optional<std::string> Parameters::text(std::string_view name, std::size_t bytes_max) {
  auto value = request_.query(name);
  if (!value) return std::nullopt;
  if (value->size() > bytes_max || has_control_characters(*value)) {
    wrong(name, *value,
          "a text of at most " + std::to_string(bytes_max) + " bytes without control characters");
    value->clear();
  }
  return valid_utf8(*value);  // PostgreSQL takes no other text
}

std::string Parameters::checked_address(std::string_view name, std::string_view value,
                                        bitcoin::Network network) {
  auto address = bitcoin::parse_address(value, network);
  if (address) return std::move(address->text);
  wrong(name, value,
        "an address of " + std::string(bitcoin::network_name(network)) + " (" +
            std::string(bitcoin::describe(address.error())) + ")");
  return {};
}

std::string Parameters::address(std::string_view name, bitcoin::Network network) {
  const auto value = request_.query(name);
  return checked_address(name, value.value_or(""), network);
}

std::string Parameters::address_segment(std::size_t place, bitcoin::Network network) {
  return checked_address("address", request_.segments.at(place), network);
}

std::string Parameters::hash_segment(std::size_t place) {
  std::string value = request_.segments.at(place);
  if (value.size() != 64 || !std::all_of(value.begin(), value.end(), is_hex_digit)) {
    wrong("hash", value, "a block hash of 64 hex digits");
    return std::string(64, '0');
  }
  for (char& c : value) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return value;
}

std::string Parameters::integer_segment(std::size_t place, std::string_view name,
                                        std::int64_t least, std::int64_t most) {
  return checked_integer(name, request_.segments.at(place), least, most);
}

}  // namespace pool
