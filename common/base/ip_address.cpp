#include "common/base/ip_address.h"

#include "common/base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <system_error>

namespace base {
namespace {

constexpr std::size_t v4_offset = 12;
constexpr std::array<std::uint8_t, v4_offset> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t groups_max = 8;

bool parse_v4(std::string_view text, std::span<std::uint8_t, 4> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t end = i + 1 < out.size() ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return false;
    const std::string_view digits = text.substr(0, end);
    if (digits.size() > 1 && digits.front() == '0') return false;
    const char* const last = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), last, out[i]);
    if (error != std::errc{} || stop != last) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

// The groups of a text that has no "::": appends two bytes for each, four for an IPv4 tail. False
// when it isn't one. `tail_allowed`: a dotted quad may end it.
bool parse_groups(std::string_view text, bool tail_allowed, Bytes& out) {
  if (text.empty()) return true;
  while (true) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && tail_allowed && group.find('.') != std::string_view::npos) {
      std::array<std::uint8_t, 4> v4{};
      if (!parse_v4(group, v4)) return false;
      append(out, v4);
      return out.size() <= 2 * groups_max;
    }
    std::uint16_t value = 0;
    const char* const end = group.data() + group.size();
    const auto [stop, error] = std::from_chars(group.data(), end, value, 16);
    if (group.empty() || group.size() > 4 || error != std::errc{} || stop != end) return false;
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value & 0xff));
    if (out.size() > 2 * groups_max) return false;
    if (last) return true;
    text.remove_prefix(colon + 1);
  }
}

bool parse_v6(std::string_view text, IpAddress::V6Bytes& out) {
  const std::size_t gap = text.find("::");
  Bytes front;
  Bytes back;
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, true, front) || front.size() != out.size()) return false;
  } else {
    const std::string_view before = text.substr(0, gap);
    const std::string_view after = text.substr(gap + 2);
    if (!parse_groups(before, false, front) || !parse_groups(after, true, back)) return false;
    // "::" stands for at least one group of zeros.
    if (front.size() + back.size() > out.size() - 2) return false;
  }
  out.fill(0);
  std::copy(front.begin(), front.end(), out.begin());
  std::copy(back.rbegin(), back.rend(), out.rbegin());
  return true;
}

// RFC 5952: the longest run of two or more zero groups, the first of equals, becomes "::".
std::string v6_text(const IpAddress::V6Bytes& bytes) {
  std::array<unsigned, groups_max> groups{};
  for (std::size_t i = 0; i < groups_max; ++i) {
    groups[i] = static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  }
  std::size_t gap_at = groups_max;
  std::size_t gap_size = 1;
  for (std::size_t i = 0; i < groups_max; ++i) {
    std::size_t end = i;
    while (end < groups_max && groups[end] == 0) ++end;
    if (end - i > gap_size) {
      gap_at = i;
      gap_size = end - i;
    }
  }
  std::string text;
  for (std::size_t i = 0; i < groups_max; ++i) {
    if (i == gap_at) {
      text += "::";
      i += gap_size - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += fmt::format("{:x}", groups[i]);
  }
  return text;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress address;
  if (text.find(':') != std::string_view::npos) {
    if (!parse_v6(text, address.bytes_)) return std::nullopt;
    return address;
  }
  std::array<std::uint8_t, 4> v4{};
  if (!parse_v4(text, v4)) return std::nullopt;
  return from_bytes(v4);
}

IpAddress IpAddress::from_bytes(ByteSpan bytes) {
  IpAddress address;
  if (bytes.size() == 4) {
    std::copy(v4_prefix.begin(), v4_prefix.end(), address.bytes_.begin());
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin() + v4_offset);
  } else {
    ASSERT(bytes.size() == address.bytes_.size());
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  }
  return address;
}

bool IpAddress::is_v4() const {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[v4_offset] == 127;
  V6Bytes loopback{};
  loopback.back() = 1;
  return bytes_ == loopback;
}

std::string IpAddress::text() const {
  if (!is_v4()) return v6_text(bytes_);
  return fmt::format("{}.{}.{}.{}", bytes_[12], bytes_[13], bytes_[14], bytes_[15]);
}

}  // namespace base
