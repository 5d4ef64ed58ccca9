#include "pool/core/address_prefix.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace pool {
namespace {

constexpr std::size_t v6_prefix_bytes = 8;
constexpr unsigned v4_bits_before = 96;  // of the mapped form

}  // namespace

AddressPrefix::AddressPrefix(const base::IpAddress& address) : first_(address) {
  if (address.is_v4()) return;
  base::IpAddress::V6Bytes bytes = address.v6_bytes();
  std::fill(bytes.begin() + v6_prefix_bytes, bytes.end(), std::uint8_t{0});
  first_ = base::IpAddress::from_bytes(bytes);
}

std::optional<AddressPrefix> AddressPrefix::parse(std::string_view address) {
  const auto parsed = base::IpAddress::parse(address);
  if (!parsed) return std::nullopt;
  return AddressPrefix(*parsed);
}

std::string AddressPrefix::text() const {
  return first_.is_v4() ? first_.text() : first_.text() + "/64";
}

std::size_t AddressPrefix::hash() const {
  return std::hash<std::string_view>{}(base::as_text(first_.v6_bytes()));
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto network = base::IpAddress::parse(text.substr(0, slash));
  if (!network) return std::nullopt;
  // "::ffff:10.0.0.0/104" counts its bits as IPv6 does, though the address is IPv4's.
  const bool written_as_v6 = text.substr(0, slash).find(':') != std::string_view::npos;
  const unsigned before = written_as_v6 ? 0 : v4_bits_before;
  if (slash == std::string_view::npos) return AddressRange(*network, 128);
  unsigned bits = 0;
  const std::string_view digits = text.substr(slash + 1);
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, bits);
  if (digits.empty() || error != std::errc{} || end != last || bits > 128 - before) {
    return std::nullopt;
  }
  return AddressRange(*network, before + bits);
}

bool AddressRange::contains(const base::IpAddress& address) const {
  if (address.is_v4() != network_.is_v4()) return false;
  const auto& ours = network_.v6_bytes();
  const auto& theirs = address.v6_bytes();
  const std::size_t whole = bits_ / 8;
  if (!std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(whole),
                  theirs.begin())) {
    return false;
  }
  const unsigned rest = bits_ % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xff00u >> rest & 0xffu;
  return (ours[whole] & mask) == (theirs[whole] & mask);
}

}  // namespace pool
