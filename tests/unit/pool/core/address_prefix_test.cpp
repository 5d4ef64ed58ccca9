#include "pool/core/address_prefix.h"

#include <doctest/doctest.h>

#include <unordered_set>

using pool::AddressPrefix;
using pool::AddressRange;

TEST_CASE("an IPv4 address stands for itself, an IPv6 address for its /64") {
  struct Row {
    const char* address;
    const char* prefix;
  };
  const Row rows[] = {{"192.0.2.1", "192.0.2.1"},
                      {"::ffff:192.0.2.1", "192.0.2.1"},
                      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
                      {"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"},
                      {"::1", "::/64"}};
  for (const Row& row : rows) {
    CAPTURE(row.address);
    const auto prefix = AddressPrefix::parse(row.address);
    REQUIRE(prefix);
    CHECK_EQ(prefix->text(), row.prefix);
  }
  CHECK_FALSE(AddressPrefix::parse("example.com"));
  CHECK_FALSE(AddressPrefix::parse(""));
}

TEST_CASE("neighbours in a /64 are one, neighbours in IPv4 are not") {
  std::unordered_set<AddressPrefix> seen;
  seen.insert(*AddressPrefix::parse("2001:db8::1"));
  seen.insert(*AddressPrefix::parse("2001:db8::2"));
  CHECK_EQ(seen.size(), 1);
  seen.insert(*AddressPrefix::parse("2001:db8:0:1::1"));
  CHECK_EQ(seen.size(), 2);
  seen.insert(*AddressPrefix::parse("10.0.0.1"));
  seen.insert(*AddressPrefix::parse("10.0.0.2"));
  CHECK_EQ(seen.size(), 4);
}

TEST_CASE("a range holds what lies in it") {
  struct Row {
    const char* why;
    const char* range;
    const char* address;
    bool inside;
  };
  const Row rows[] = {{"a single address", "192.0.2.1", "192.0.2.1", true},
                      {"its neighbour", "192.0.2.1", "192.0.2.0", false},
                      {"first of a /24", "192.0.2.0/24", "192.0.2.0", true},
                      {"last of a /24", "192.0.2.0/24", "192.0.2.255", true},
                      {"past a /24", "192.0.2.0/24", "192.0.3.0", false},
                      {"low bits do not count", "192.0.2.77/24", "192.0.2.3", true},
                      {"odd width, inside", "10.64.0.0/10", "10.127.255.255", true},
                      {"odd width, outside", "10.64.0.0/10", "10.128.0.0", false},
                      {"everybody of IPv4", "0.0.0.0/0", "203.0.113.9", true},
                      {"everybody of IPv4 is nobody of IPv6", "0.0.0.0/0", "2001:db8::1", false},
                      {"everybody of IPv6 is nobody of IPv4", "::/0", "203.0.113.9", false},
                      {"everybody of IPv6", "::/0", "2001:db8::1", true},
                      {"a mapped peer", "192.0.2.0/24", "::ffff:192.0.2.9", true},
                      {"a mapped range", "::ffff:192.0.2.0/120", "192.0.2.9", true},
                      {"a mapped range's edge", "::ffff:192.0.2.0/120", "192.0.3.9", false},
                      {"one IPv6 address", "2001:db8::1", "2001:db8::1", true},
                      {"a /33, inside", "2001:db8:8000::/33", "2001:db8:ffff::", true},
                      {"a /33, outside", "2001:db8:8000::/33", "2001:db8:7fff::", false},
                      {"a /127", "2001:db8::2/127", "2001:db8::3", true}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto range = AddressRange::parse(row.range);
    REQUIRE(range);
    CHECK_EQ(range->contains(*base::IpAddress::parse(row.address)), row.inside);
  }
}

TEST_CASE("a range that is not one is refused") {
  for (const char* text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                           "10.0.0.0/ 8", "::/129", "10.0.0/8", "10.0.0.0/8/8", "host/8"}) {
    CAPTURE(text);
    CHECK_FALSE(AddressRange::parse(text));
  }
}
