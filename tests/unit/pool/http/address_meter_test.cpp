#include "pool/http/address_meter.h"

#include <doctest/doctest.h>

#include <string>

using namespace pool;
using namespace std::chrono_literals;

namespace {

constexpr base::MonoTime start = base::MonoTime{} + 1h;
const AddressPrefix visitor = *AddressPrefix::parse("192.0.2.1");

std::string client(const char* peer, const char* forwarded = nullptr) {
  net::HttpHeaders headers;
  if (forwarded != nullptr) headers.emplace_back("x-forwarded-for", forwarded);
  const auto found = AddressMeter::client_of(base::IpAddress::parse(peer), headers);
  return found ? found->text() : "nobody";
}

}  // namespace

TEST_CASE("the peer is who asks, or whom a proxy on this machine names last") {
  CHECK_EQ(client("192.0.2.1"), "192.0.2.1");
  CHECK_EQ(client("2001:db8::7"), "2001:db8::/64");
  CHECK_EQ(client("192.0.2.1", "198.51.100.9"), "192.0.2.1");  // anybody can write that
  CHECK_EQ(client("127.0.0.1"), "nobody");
  CHECK_EQ(client("::1"), "nobody");
  CHECK_EQ(client("127.0.0.1", "192.0.2.1"), "192.0.2.1");
  CHECK_EQ(client("127.0.0.1", "198.51.100.9, 10.0.0.1 ,\t192.0.2.1 "), "192.0.2.1");
  CHECK_EQ(client("127.0.0.1", "192.0.2.1, unknown"), "nobody");
  CHECK_EQ(client("127.0.0.1", "127.0.0.1"), "nobody");
  CHECK_EQ(client("gone"), "nobody");
  // Of several fields the last one is the proxy's own.
  const net::HttpHeaders twice{{"x-forwarded-for", "198.51.100.9"},
                               {"x-forwarded-for", "192.0.2.1"}};
  CHECK_EQ(AddressMeter::client_of(base::IpAddress::parse("::1"), twice)->text(), "192.0.2.1");
}

TEST_CASE("requests of an address come back at their rate, and another's are its own") {
  AddressMeter meter;
  const auto burst = static_cast<int>(limits::http_requests_at_once_per_address);
  for (int i = 0; i < burst; ++i) REQUIRE(meter.on_request(visitor, start));
  CHECK_FALSE(meter.on_request(visitor, start));
  CHECK(meter.on_request(*AddressPrefix::parse("192.0.2.2"), start));
  const auto second = static_cast<int>(limits::http_requests_per_second_per_address);
  for (int i = 0; i < second; ++i) REQUIRE(meter.on_request(visitor, start + 1s));
  CHECK_FALSE(meter.on_request(visitor, start + 1s));
  // Those of one /64 are one.
  for (int i = 0; i < burst; ++i) {
    REQUIRE(meter.on_request(*AddressPrefix::parse("2001:db8::" + std::to_string(i + 1)), start));
  }
  CHECK_FALSE(meter.on_request(*AddressPrefix::parse("2001:db8::ffff"), start));
}

TEST_CASE("connections of an address are counted until they end") {
  AddressMeter meter;
  for (std::size_t i = 0; i < limits::http_connections_per_address_max; ++i) {
    REQUIRE(meter.on_connect(visitor));
  }
  CHECK_FALSE(meter.on_connect(visitor));
  CHECK(meter.on_connect(*AddressPrefix::parse("192.0.2.2")));
  meter.on_disconnect(visitor);
  CHECK(meter.on_connect(visitor));
  CHECK_FALSE(meter.on_connect(visitor));
}

TEST_CASE("what does not matter any more is forgotten, and a sea of addresses has its bound") {
  AddressMeter meter;
  REQUIRE(meter.on_connect(visitor));
  REQUIRE(meter.on_request(visitor, start));
  REQUIRE(meter.on_request(*AddressPrefix::parse("192.0.2.2"), start));
  CHECK_EQ(meter.addresses(), 2);
  meter.expire(start);
  CHECK_EQ(meter.addresses(), 2);
  meter.expire(start + 1s);
  CHECK_EQ(meter.addresses(), 1);  // who is connected
  for (std::size_t i = 0; i < 3 * limits::http_addresses_remembered_max; ++i) {
    const std::string text =
        "2001:db8:" + std::to_string(i / 9999) + ":" + std::to_string(i % 9999) + "::1";
    REQUIRE(meter.on_request(*AddressPrefix::parse(text), start));
    REQUIRE(meter.addresses() <= limits::http_addresses_remembered_max);
  }
  meter.on_disconnect(visitor);  // was not forgotten meanwhile
}
