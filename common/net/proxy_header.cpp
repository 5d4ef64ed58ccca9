#include "common/net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace net {
namespace {

using Parsed = base::Result<std::optional<ProxyHeader>, ProxyError>;

constexpr std::string_view v1_start = "PROXY ";
constexpr std::size_t v1_line_bytes_max = 107;  // with CR LF
constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v2_fixed_bytes = 16;
constexpr std::size_t v2_tcp4_bytes = 12;
constexpr std::size_t v2_tcp6_bytes = 36;
constexpr std::size_t v2_unix_bytes = 216;

bool may_become(std::string_view bytes, std::string_view start) {
  const std::size_t common = std::min(bytes.size(), start.size());
  return bytes.substr(0, common) == start.substr(0, common);
}

// ---------------------------------------------------------------- version 1, a line of text

// The part of `line` before the next blank, which goes too. A second blank makes an empty word.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, port);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (text.empty() || leading_zero || error != std::errc{} || end != last) return std::nullopt;
  return port;
}

std::optional<base::IpAddress> parse_address(std::string_view text, bool v6) {
  const bool looks_like_v6 = text.find(':') != std::string_view::npos;
  if (looks_like_v6 != v6) return std::nullopt;
  return base::IpAddress::parse(text);
}

// `line` has neither "PROXY " nor CR LF.
base::Result<std::optional<ProxySource>, ProxyError> parse_v1_line(std::string_view line) {
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return std::nullopt;  // whatever else stands there is to be ignored
  const bool v6 = family == "TCP6";
  if (!v6 && family != "TCP4") return base::err(ProxyError::bad_line);
  if (std::count(line.begin(), line.end(), ' ') != 3) return base::err(ProxyError::bad_line);
  const auto source = parse_address(take_word(line), v6);
  const auto destination = parse_address(take_word(line), v6);
  if (!source || !destination) return base::err(ProxyError::bad_address);
  const auto source_port = parse_port(take_word(line));
  const auto destination_port = parse_port(line);
  if (!source_port || !destination_port) return base::err(ProxyError::bad_port);
  return ProxySource{*source, *source_port};
}

Parsed parse_v1(std::string_view text) {
  if (text.size() < v1_start.size()) return std::nullopt;
  const std::string_view window = text.substr(0, v1_line_bytes_max);
  const std::size_t end = window.find('\r');
  if (window.substr(0, end).find('\n') != std::string_view::npos) {
    return base::err(ProxyError::bad_line);
  }
  if (end == std::string_view::npos || end + 1 == window.size()) {
    if (window.size() == v1_line_bytes_max) return base::err(ProxyError::line_too_long);
    return std::nullopt;
  }
  if (window[end + 1] != '\n') return base::err(ProxyError::bad_line);
  const auto source = parse_v1_line(window.substr(v1_start.size(), end - v1_start.size()));
  if (!source) return base::err(source.error());
  return ProxyHeader{*source, end + 2};
}

// ---------------------------------------------------------------- version 2, binary

std::uint16_t read_be16(base::ByteSpan bytes) {
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

// How many bytes of addresses a family has; nothing when there is no such family or transport.
std::optional<std::size_t> address_bytes(std::uint8_t family_and_transport) {
  if ((family_and_transport & 0x0f) > 2) return std::nullopt;  // UNSPEC, STREAM, DGRAM
  switch (family_and_transport >> 4) {
    case 0:  // AF_UNSPEC
      return 0;
    case 1:
      return v2_tcp4_bytes;
    case 2:
      return v2_tcp6_bytes;
    case 3:
      return v2_unix_bytes;
    default:
      return std::nullopt;
  }
}

Parsed parse_v2(base::ByteSpan bytes) {
  if (bytes.size() > v2_signature.size()) {
    const std::uint8_t version_and_command = bytes[v2_signature.size()];
    if (version_and_command >> 4 != 2) return base::err(ProxyError::bad_version);
    if ((version_and_command & 0x0f) > 1) return base::err(ProxyError::bad_command);
  }
  if (bytes.size() < v2_fixed_bytes) return std::nullopt;
  const bool local = (bytes[12] & 0x0f) == 0;
  const std::size_t length = read_be16(bytes.subspan(14));
  const std::size_t whole = v2_fixed_bytes + length;
  if (whole > proxy_header_bytes_max) return base::err(ProxyError::too_long);
  if (!local) {  // of LOCAL, the rest is to be ignored
    const auto needed = address_bytes(bytes[13]);
    if (!needed) return base::err(ProxyError::bad_family);
    if (length < *needed) return base::err(ProxyError::too_short);
  }
  if (bytes.size() < whole) return std::nullopt;
  constexpr std::uint8_t tcp4 = 0x11;
  constexpr std::uint8_t tcp6 = 0x21;
  ProxyHeader header{std::nullopt, whole};
  if (local) return header;
  const base::ByteSpan addresses = bytes.subspan(v2_fixed_bytes);
  if (bytes[13] == tcp4) {  // source, destination, source port, destination port
    header.source = ProxySource{base::IpAddress::from_bytes(addresses.first(4)),
                                read_be16(addresses.subspan(8))};
  } else if (bytes[13] == tcp6) {
    header.source = ProxySource{base::IpAddress::from_bytes(addresses.first(16)),
                                read_be16(addresses.subspan(32))};
  }
  return header;
}

}  // namespace

std::string_view describe(ProxyError error) {
  switch (error) {
    case ProxyError::no_header:
      return "no PROXY header";
    case ProxyError::line_too_long:
      return "the PROXY line has no end within 107 bytes";
    case ProxyError::bad_line:
      return "the PROXY line is malformed";
    case ProxyError::bad_address:
      return "an address in the PROXY line is malformed";
    case ProxyError::bad_port:
      return "a port in the PROXY line is malformed";
    case ProxyError::bad_version:
      return "the PROXY header's version is not 2";
    case ProxyError::bad_command:
      return "the PROXY header's command is neither LOCAL nor PROXY";
    case ProxyError::bad_family:
      return "the PROXY header's address family is unknown";
    case ProxyError::too_short:
      return "the PROXY header is shorter than its addresses";
    case ProxyError::too_long:
      return "the PROXY header is too long";
  }
  return "unknown";
}

Parsed parse_proxy_header(base::ByteSpan so_far) {
  const std::string_view text = base::as_text(so_far);
  if (may_become(text, v1_start)) return parse_v1(text);
  if (may_become(text, v2_signature)) return parse_v2(so_far);
  return base::err(ProxyError::no_header);
}

}  // namespace net
