#include "pool/http/address_meter.h"

#include <doctest/doctest.h>

#include <string>

using namespace pool;
using namespace std::chrono_literals;

namespace {

constexpr base::MonoTime start = base::MonoTime{} + 1h;
const AddressPrefix visitor = *AddressPrefix::parse("192.0.2.1");

std::string client(const char* peer, const char* forwarded = nullptr,
                   const AddressMeter& meter = AddressMeter()) {
  net::HttpHeaders headers;
  if (forwarded != nullptr) headers.emplace_back("x-forwarded-for", forwarded);
  const auto found = meter.client_of(base::IpAddress::parse(peer), headers);
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
  // Without the client's address all that comes through the proxy is the proxy's.
  CHECK_EQ(client("127.0.0.1", "192.0.2.1, unknown"), "127.0.0.1");
  CHECK_EQ(client("127.0.0.1", "[2001:db8::1"), "127.0.0.1");
  CHECK_EQ(client("127.0.0.1", "192.0.2.1:4711"), "192.0.2.1");
  CHECK_EQ(client("127.0.0.1", "[2001:db8::1]:443"), "2001:db8::/64");
  CHECK_EQ(client("127.0.0.1", "[2001:db8::1]"), "2001:db8::/64");
  CHECK_EQ(client("127.0.0.1", "2001:db8::1"), "2001:db8::/64");
  CHECK_EQ(client("127.0.0.1", "127.0.0.1"), "nobody");
  CHECK_EQ(client("127.0.0.1", "192.0.2.1, 127.0.0.1"), "192.0.2.1");  // two proxies here
  CHECK_EQ(client("127.0.0.1", ""), "nobody");
  CHECK_EQ(client("gone"), "nobody");
  // Of several fields the last one is the proxy's own.
  const net::HttpHeaders twice{{"x-forwarded-for", "198.51.100.9"},
                               {"x-forwarded-for", "192.0.2.1"}};
  CHECK_EQ(AddressMeter().client_of(base::IpAddress::parse("::1"), twice)->text(), "192.0.2.1");
}

TEST_CASE("proxies elsewhere are believed when the operator names them, as far as they go") {
  AddressMeter::Options options;
  options.proxies = {*AddressRange::parse("10.0.0.0/8"), *AddressRange::parse("2001:db8::/32")};
  const AddressMeter meter(options);
  CHECK_EQ(client("10.1.2.3", nullptr, meter), "nobody");
  CHECK_EQ(client("10.1.2.3", "192.0.2.1", meter), "192.0.2.1");
  CHECK_EQ(client("2001:db8::1", "192.0.2.1", meter), "192.0.2.1");
  CHECK_EQ(client("11.1.2.3", "192.0.2.1", meter), "11.1.2.3");
  // Behind each other: the first from the right that is none of them, whatever it claims itself.
  CHECK_EQ(client("127.0.0.1", "198.51.100.9, 192.0.2.1, 10.9.9.9,10.0.0.1", meter), "192.0.2.1");
  CHECK_EQ(client("10.1.2.3", "10.0.0.2, 10.0.0.1", meter), "nobody");
  const net::HttpHeaders fields{{"x-forwarded-for", "198.51.100.9, 192.0.2.1"},
                                {"x-forwarded-for", "10.0.0.1"}};
  CHECK_EQ(meter.client_of(base::IpAddress::parse("10.1.2.3"), fields)->text(), "192.0.2.1");
}

TEST_CASE("requests of an address come back at their rate, and another's are its own") {
  AddressMeter meter;
  const auto burst = static_cast<int>(limits::http_requests_per_second_per_address *
                                      limits::http_requests_burst_seconds);
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

TEST_CASE("what an address may take can be set, and a rate of zero is any number") {
  AddressMeter::Options options;
  options.connections_max = 2;
  options.requests_per_second = 1;
  AddressMeter meter(options);
  CHECK(meter.on_connect(visitor));
  CHECK(meter.on_connect(visitor));
  CHECK_FALSE(meter.on_connect(visitor));
  for (int i = 0; i < 10; ++i) REQUIRE(meter.on_request(visitor, start));
  CHECK_FALSE(meter.on_request(visitor, start));
  options.requests_per_second = 0;
  AddressMeter free(options);
  for (int i = 0; i < 10'000; ++i) REQUIRE(free.on_request(visitor, start));
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

TEST_CASE("watchers of an address are counted apart from connections, also a proxy's") {
  AddressMeter::Options options;
  options.connections_max = 2;
  AddressMeter meter(options);
  for (int i = 0; i < 2; ++i) REQUIRE(meter.on_watch(visitor));
  CHECK_FALSE(meter.on_watch(visitor));
  CHECK(meter.on_watch(*AddressPrefix::parse("192.0.2.2")));
  CHECK(meter.on_connect(visitor));
  meter.expire(start + 1h);
  meter.on_unwatch(visitor);  // was not forgotten
  CHECK(meter.on_watch(visitor));
  CHECK_FALSE(meter.on_watch(visitor));
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
