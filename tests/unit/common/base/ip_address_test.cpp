#include "common/base/ip_address.h"

#include <doctest/doctest.h>

#include <string>

using base::IpAddress;

TEST_CASE("every written form of an address is read, and written in one form") {
  struct Row {
    const char* why;
    const char* text;
    const char* canonical;
  };
  const Row rows[] = {
      {"plain", "192.0.2.1", "192.0.2.1"},
      {"least", "0.0.0.0", "0.0.0.0"},
      {"most", "255.255.255.255", "255.255.255.255"},
      {"unspecified", "::", "::"},
      {"loopback", "::1", "::1"},
      {"gap at the end", "2001:db8::", "2001:db8::"},
      {"upper case", "2001:DB8::A", "2001:db8::a"},
      {"all eight groups", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"leading zeros go (RFC 5952 4.1)", "2001:0db8:0::0001", "2001:db8::1"},
      {"one zero group stays (4.2.2)", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"one zero group written as a gap", "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"the longest run (4.2.3)", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"the first of equal runs (4.2.3)", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"gap before the last group", "1:2:3:4:5:6::8", "1:2:3:4:5:6:0:8"},
      {"gap of two at the front", "::3:4:5:6:7:8", "::3:4:5:6:7:8"},
      {"IPv4 at the end", "64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"IPv4 inside IPv6 is IPv4", "::ffff:192.0.2.33", "192.0.2.33"},
      {"the same in hex", "::FFFF:c000:0221", "192.0.2.33"},
      {"IPv4-compatible is not", "::192.0.2.33", "::c000:221"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto address = IpAddress::parse(row.text);
    REQUIRE(address);
    CHECK_EQ(address->text(), row.canonical);
    CHECK(IpAddress::parse(address->text()) == address);
  }
}

TEST_CASE("what is not exactly one numeric address is refused") {
  const char* const rows[] = {"",
                              " ",
                              "1",
                              "1.2.3",
                              "1.2.3.4.5",
                              "1.2.3.",
                              ".1.2.3",
                              "1..2.3",
                              "256.1.1.1",
                              "1.2.3.1000",
                              "01.2.3.4",
                              "1.2.3.00",
                              "0x1.2.3.4",
                              "+1.2.3.4",
                              "-1.2.3.4",
                              "1.2.3.4 ",
                              " 1.2.3.4",
                              "localhost",
                              ":",
                              ":::",
                              "1::2::3",
                              "1:2:3:4:5:6:7",
                              "1:2:3:4:5:6:7:8:9",
                              "1:2:3:4:5:6:7:8::",
                              "::1:2:3:4:5:6:7:8",
                              "1:2:3:4::5:6:7:8",
                              "12345::",
                              "g::",
                              "1:",
                              ":1",
                              "1::2:",
                              ":1::2",
                              "fe80::1%eth0",
                              "[::1]",
                              "::1/64",
                              "1.2.3.4::",
                              "::1.2.3",
                              "::1.2.3.4:5",
                              "1:2:3:4:5:6:7:1.2.3.4",
                              "::-1",
                              "::0x1",
                              "1:2:3:4:5:6:7:",
                              "::ffff:1.2.3.4.5",
                              "::1.2.3.256"};
  for (const char* text : rows) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
  CHECK_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST_CASE("an address from a socket's bytes equals the one from text") {
  const std::uint8_t v4[] = {192, 0, 2, 1};
  CHECK(IpAddress::from_bytes(v4) == *IpAddress::parse("192.0.2.1"));
  CHECK(IpAddress::from_bytes(v4).is_v4());
  base::Bytes v6(16, 0);
  v6[0] = 0x20;
  v6[1] = 0x01;
  v6[15] = 9;
  CHECK(IpAddress::from_bytes(v6) == *IpAddress::parse("2001::9"));
  CHECK_FALSE(IpAddress::from_bytes(v6).is_v4());
  CHECK(IpAddress::parse("127.8.9.1")->is_loopback());
  CHECK(IpAddress::parse("::1")->is_loopback());
  CHECK_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
  CHECK_FALSE(IpAddress::parse("::2")->is_loopback());
}
