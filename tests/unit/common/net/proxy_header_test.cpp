#include "common/net/proxy_header.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using net::parse_proxy_header;
using net::ProxyError;

namespace {

constexpr std::string_view signature_hex = "0d0a0d0a000d0a515549540a";

std::string v2(const std::string& hex_after_signature) {
  const auto bytes = base::from_hex(std::string(signature_hex) + hex_after_signature);
  REQUIRE(bytes);
  return std::string(base::as_text(*bytes));
}

std::string hex_zeros(std::size_t bytes) { return std::string(2 * bytes, '0'); }

auto parse(std::string_view text) { return parse_proxy_header(base::as_bytes(text)); }

struct Good {
  const char* why;
  std::string bytes;
  const char* address;  // null: none
  std::uint16_t port;
};

// The first lines and the byte layout are the specification's own examples.
std::vector<Good> good_headers() {
  return {
      {"TCP4", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1", 56324},
      {"longest TCP4", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
       "255.255.255.255", 65535},
      {"longest TCP6",
       "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "65535 65535\r\n",
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535},
      {"TCP6", "PROXY TCP6 2001:DB8::1 ::1 1 0\r\n", "2001:db8::1", 1},
      {"TCP6, mapped", "PROXY TCP6 ::ffff:192.0.2.9 ::1 7 8\r\n", "192.0.2.9", 7},
      {"UNKNOWN alone", "PROXY UNKNOWN\r\n", nullptr, 0},
      {"UNKNOWN, 107 bytes",
       "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       nullptr, 0},
      {"v2 TCP over IPv4",
       v2("2111000c"
          "c0000201"
          "c6336407"
          "dc04"
          "0d05"),
       "192.0.2.1", 0xdc04},
      {"v2 TCP over IPv6",
       v2("21210024"
          "20010db8000000000000000000000001"
          "20010db8000000000000000000000002"
          "1234"
          "5678"),
       "2001:db8::1", 0x1234},
      {"v2 with an extension",
       v2("21110013"
          "c0000201"
          "c6336407"
          "dc04"
          "0d05"
          "040004"
          "00000000"),
       "192.0.2.1", 0xdc04},
      {"v2 LOCAL", v2("20000000"), nullptr, 0},
      {"v2 LOCAL with addresses, ignored",
       v2("2011000c"
          "c0000201c6336407dc040d05"),
       nullptr, 0},
      {"v2 LOCAL, odd family, ignored",
       v2("20ff0002"
          "abcd"),
       nullptr, 0},
      {"v2 UNSPEC", v2("21000000"), nullptr, 0},
      {"v2 UNSPEC with bytes, ignored",
       v2("21000003"
          "010203"),
       nullptr, 0},
      {"v2 UDP over IPv4",
       v2("2112000c"
          "c0000201c6336407dc040d05"),
       nullptr, 0},
      {"v2 Unix stream", v2("213100d8" + hex_zeros(216)), nullptr, 0},
      {"v2, the longest",
       v2("211107f0"
          "c0000201c6336407dc040d05" +
          hex_zeros(2032 - 12)),
       "192.0.2.1", 0xdc04},
  };
}

}  // namespace

TEST_CASE("a header is understood at its last byte and not before, and takes only its own bytes") {
  for (const Good& row : good_headers()) {
    CAPTURE(row.why);
    for (std::size_t size = 0; size < row.bytes.size(); ++size) {
      CAPTURE(size);
      const auto early = parse(std::string_view(row.bytes).substr(0, size));
      REQUIRE(early);
      CHECK_FALSE(*early);
    }
    for (const std::string& rest : {std::string(), std::string("{\"id\":1}\n"), row.bytes}) {
      const auto parsed = parse(row.bytes + rest);
      REQUIRE(parsed);
      REQUIRE(*parsed);
      CHECK_EQ((*parsed)->bytes, row.bytes.size());
      REQUIRE_EQ((*parsed)->source.has_value(), row.address != nullptr);
      if (row.address == nullptr) continue;
      CHECK_EQ((*parsed)->source->address.text(), row.address);
      CHECK_EQ((*parsed)->source->port, row.port);
    }
  }
}

TEST_CASE("what is malformed is refused, with the reason") {
  struct Bad {
    const char* why;
    std::string bytes;
    ProxyError error;
  };
  const Bad rows[] = {
      {"Stratum", "{\"id\":1", ProxyError::no_header},
      {"TLS", "\x16\x03\x01", ProxyError::no_header},
      {"HTTP", "GET / HTTP/1.1\r\n", ProxyError::no_header},
      {"HTTP that starts alike", "PROPFIND / HTTP/1.1\r\n", ProxyError::no_header},
      {"lower case", "proxy TCP4", ProxyError::no_header},
      {"half a signature", std::string("\r\n\r\n\0\r\nQUIX", 11), ProxyError::no_header},
      {"no family", "PROXY \r\n", ProxyError::bad_line},
      {"another family", "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", ProxyError::bad_line},
      {"family in lower case", "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", ProxyError::bad_line},
      {"UNKNOWN with a tail", "PROXY UNKNOWNX\r\n", ProxyError::bad_line},
      {"nothing after the family", "PROXY TCP4\r\n", ProxyError::bad_line},
      {"too few words", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", ProxyError::bad_line},
      {"too many words", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", ProxyError::bad_line},
      {"two blanks", "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", ProxyError::bad_line},
      {"blank at the end", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", ProxyError::bad_line},
      {"LF alone", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", ProxyError::bad_line},
      {"CR without LF", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rX", ProxyError::bad_line},
      {"not an address", "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", ProxyError::bad_address},
      {"leading zero", "PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n", ProxyError::bad_address},
      {"bad destination", "PROXY TCP4 1.2.3.4 host 1 2\r\n", ProxyError::bad_address},
      {"IPv6 as TCP4", "PROXY TCP4 ::1 ::1 1 2\r\n", ProxyError::bad_address},
      {"IPv4 as TCP6", "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", ProxyError::bad_address},
      {"port too high", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", ProxyError::bad_port},
      {"port with a sign", "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", ProxyError::bad_port},
      {"port with a leading zero", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", ProxyError::bad_port},
      {"bad destination port", "PROXY TCP4 1.2.3.4 1.2.3.4 1 x\r\n", ProxyError::bad_port},
      {"108 bytes", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", ProxyError::line_too_long},
      {"a line without end", "PROXY TCP4 " + std::string(96, '1'), ProxyError::line_too_long},
      {"version 1 in binary", v2("11"), ProxyError::bad_version},
      {"version 3", v2("31"), ProxyError::bad_version},
      {"command 2", v2("22"), ProxyError::bad_command},
      {"command 15", v2("2f11000c"), ProxyError::bad_command},
      {"family 4", v2("21410000"), ProxyError::bad_family},
      {"transport 3", v2("2113000c"), ProxyError::bad_family},
      {"IPv4 in 11 bytes", v2("2111000b"), ProxyError::too_short},
      {"IPv6 in 35 bytes", v2("21210023"), ProxyError::too_short},
      {"Unix in 215 bytes", v2("213100d7"), ProxyError::too_short},
      {"one byte too long", v2("211107f1"), ProxyError::too_long},
      {"64 KiB", v2("2111ffff"), ProxyError::too_long},
      {"64 KiB of LOCAL", v2("2000ffff"), ProxyError::too_long},
  };
  for (const Bad& row : rows) {
    CAPTURE(row.why);
    const auto parsed = parse(row.bytes);
    REQUIRE_FALSE(parsed);
    CHECK_EQ(describe(parsed.error()), describe(row.error));
  }
}

TEST_CASE("no header needs more than its limit, and every first byte decides") {
  // Once as many bytes are there as a header may have, the answer is never "more".
  for (const Good& row : good_headers()) {
    CAPTURE(row.why);
    std::string bytes = row.bytes;
    for (std::size_t at = 0; at < bytes.size() && at < 120; ++at) {
      for (const char changed : {'\0', '\xff', ' ', '\r', '\n', '1'}) {
        std::string damaged = bytes;
        damaged[at] = changed;
        damaged.resize(net::proxy_header_bytes_max, 'x');
        const auto parsed = parse(damaged);
        CHECK((!parsed || parsed->has_value()));
      }
    }
  }
  for (int first = 0; first < 256; ++first) {
    const char byte = static_cast<char>(first);
    CHECK_EQ(parse(std::string_view(&byte, 1)).has_value(), byte == 'P' || byte == '\r');
  }
}
