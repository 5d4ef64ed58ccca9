#include "pool/core/address_guard.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace std::chrono_literals;
using pool::AddressGuard;
using pool::AddressLimits;
using pool::AddressPrefix;
using pool::Admission;
using pool::Ban;
using pool::Offence;

namespace {

constexpr base::MonoTime start = base::MonoTime{} + 1h;
const AddressPrefix farm = *AddressPrefix::parse("192.0.2.1");
const AddressPrefix other = *AddressPrefix::parse("192.0.2.2");

AddressPrefix numbered(unsigned i) {
  return *AddressPrefix::parse(fmt::format("2001:db8:{:x}:{:x}::1", i >> 16, i & 0xffff));
}

AddressLimits small_limits() {
  AddressLimits limits;
  limits.connections_per_address = 4;
  limits.handshakes_per_address = 2;
  limits.connects_per_minute_per_address = 60;
  limits.lines_per_second_per_address = 10;
  limits.ban_time = 600s;
  return limits;
}

}  // namespace

TEST_CASE("connections of an address are counted, those of another not") {
  AddressGuard guard(small_limits());
  for (int i = 0; i < 4; ++i) {
    REQUIRE_EQ(guard.on_connect(farm, start), Admission::ok);
    guard.on_mining(farm);
  }
  CHECK_EQ(guard.on_connect(farm, start), Admission::too_many_connections);
  CHECK_EQ(guard.on_connect(other, start), Admission::ok);
  guard.on_disconnect(farm, true);
  CHECK_EQ(guard.on_connect(farm, start), Admission::ok);
}

TEST_CASE("connections that do not mine have a limit of their own") {
  AddressGuard guard(small_limits());
  CHECK_EQ(guard.on_connect(farm, start), Admission::ok);
  CHECK_EQ(guard.on_connect(farm, start), Admission::ok);
  CHECK_EQ(guard.on_connect(farm, start), Admission::too_many_handshakes);
  guard.on_mining(farm);
  CHECK_EQ(guard.on_connect(farm, start), Admission::ok);
  CHECK_EQ(guard.on_connect(farm, start), Admission::too_many_handshakes);
  guard.on_disconnect(farm, false);
  CHECK_EQ(guard.on_connect(farm, start), Admission::ok);
}

TEST_CASE("who comes from another shard counts like everybody else, but for the rate") {
  AddressLimits limits = small_limits();
  limits.connects_per_minute_per_address = 1;
  AddressGuard guard(limits);
  CHECK_EQ(guard.on_connect(farm, start), Admission::ok);
  CHECK_EQ(guard.on_hand_over(farm, start), Admission::ok);
  CHECK_EQ(guard.on_hand_over(farm, start), Admission::too_many_handshakes);
  for (int i = 0; i < 2; ++i) guard.on_mining(farm);
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ(guard.on_hand_over(farm, start), Admission::ok);
    guard.on_mining(farm);
  }
  CHECK_EQ(guard.on_hand_over(farm, start), Admission::too_many_connections);
  // The ban was made after it had been let in.
  guard.on_disconnect(farm, true);
  guard.ban({farm, start + 1h, Offence::http});
  CHECK_EQ(guard.on_hand_over(farm, start), Admission::ok);
}

TEST_CASE("new connections have a rate, which a minute's worth may exceed at once") {
  AddressLimits limits = small_limits();
  AddressGuard guard(limits);
  for (int i = 0; i < 60; ++i) {
    REQUIRE_EQ(guard.on_connect(farm, start), Admission::ok);
    guard.on_disconnect(farm, false);
  }
  CHECK_EQ(guard.on_connect(farm, start), Admission::too_fast);
  CHECK_EQ(guard.on_connect(farm, start + 1s), Admission::ok);
  guard.on_disconnect(farm, false);
  CHECK_EQ(guard.on_connect(farm, start + 1s), Admission::too_fast);
  CHECK_EQ(guard.on_connect(other, start + 1s), Admission::ok);
}

TEST_CASE("a thousand miners behind one address come back within a second, and probe all day") {
  AddressGuard guard(AddressLimits{});
  for (int i = 0; i < 1000; ++i) REQUIRE_EQ(guard.on_connect(farm, start), Admission::ok);
  for (int i = 0; i < 1000; ++i) guard.on_mining(farm);
  // Each of them also probes twice a minute, for a day (in turns of a second).
  base::MonoTime now = start;
  for (int second = 0; second < 24 * 3600; ++second) {
    now += 1s;
    for (int i = 0; i < 33; ++i) {
      REQUIRE_EQ(guard.on_connect(farm, now), Admission::ok);
      guard.on_disconnect(farm, false);
    }
  }
  CHECK(guard.bans(now).empty());
}

TEST_CASE("lines have a rate per address, paid later when they come at once") {
  AddressGuard guard(small_limits());
  REQUIRE_EQ(guard.on_connect(farm, start), Admission::ok);
  REQUIRE_EQ(guard.on_connect(other, start), Admission::ok);
  for (int i = 0; i < 20; ++i) CHECK(guard.spend_line(farm, start));
  CHECK_FALSE(guard.spend_line(farm, start));
  CHECK_FALSE(guard.lines_allowed(farm, start));
  CHECK(guard.lines_allowed(farm, start + 100ms));
  CHECK(guard.spend_line(other, start));
  CHECK(guard.spend_line(numbered(7), start));  // nobody: not limited here
}

TEST_CASE("offences add up to a ban, which ends") {
  AddressGuard guard(small_limits());
  for (int i = 0; i < 9; ++i) CHECK_FALSE(guard.on_offence(farm, Offence::not_stratum, start));
  CHECK_EQ(guard.on_connect(farm, start), Admission::ok);
  const auto ban = guard.on_offence(farm, Offence::not_stratum, start);
  REQUIRE(ban);
  CHECK(ban->prefix == farm);
  CHECK(ban->until == start + 600s);
  CHECK_EQ(guard.on_connect(farm, start), Admission::banned);
  CHECK_EQ(guard.on_connect(farm, start + 600s - 1ms), Admission::banned);
  CHECK_EQ(guard.on_connect(farm, start + 600s), Admission::ok);
  CHECK_EQ(guard.on_connect(other, start), Admission::ok);
}

TEST_CASE("each offence weighs what it should, and old ones are forgotten") {
  struct Row {
    Offence offence;
    int until_ban;  // at once
  };
  const Row rows[] = {{Offence::http, 50},
                      {Offence::not_stratum, 10},
                      {Offence::line_too_long, 5},
                      {Offence::tls_failed, 20},
                      {Offence::false_proof, 5}};
  for (const Row& row : rows) {
    CAPTURE(name_of(row.offence));
    AddressGuard guard(small_limits());
    for (int i = 1; i < row.until_ban; ++i) {
      CHECK_FALSE(guard.on_offence(farm, row.offence, start));
    }
    CHECK(guard.on_offence(farm, row.offence, start));
  }
  AddressGuard guard(small_limits());
  for (int i = 0; i < 9; ++i) CHECK_FALSE(guard.on_offence(farm, Offence::not_stratum, start));
  // 90 points drain in nine minutes.
  for (int i = 0; i < 9; ++i) {
    CHECK_FALSE(guard.on_offence(farm, Offence::not_stratum, start + 540s));
  }
  CHECK(guard.on_offence(farm, Offence::not_stratum, start + 540s));
}

TEST_CASE("a health check by HTTP twice a minute is never banned") {
  AddressGuard guard(AddressLimits{});
  base::MonoTime now = start;
  for (int i = 0; i < 10'000; ++i) {
    CHECK_FALSE(guard.on_offence(farm, Offence::http, now));
    now += 30s;
  }
}

TEST_CASE(
    "one broken device does not shut out the farm around it, a swarm of strangers is shut out") {
  const auto offend_every_second = [](AddressGuard& guard) {
    base::MonoTime now = start;
    for (int i = 0; i < 24 * 3600; ++i) {
      now += 5s;
      if (guard.on_offence(farm, Offence::not_stratum, now)) return false;
    }
    return true;
  };
  AddressGuard strangers(AddressLimits{});
  CHECK_FALSE(offend_every_second(strangers));
  AddressGuard miners(AddressLimits{});
  for (int i = 0; i < 12; ++i) {
    REQUIRE_EQ(miners.on_connect(farm, start), Admission::ok);
    miners.on_mining(farm);
  }
  CHECK(offend_every_second(miners));
}

TEST_CASE("bans can be switched off, told by others, and only get longer") {
  AddressLimits limits = small_limits();
  limits.ban_time = 0s;
  AddressGuard off(limits);
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(off.on_offence(farm, Offence::line_too_long, start));
  off.ban({farm, start + 60s, Offence::tls_failed});
  CHECK(off.is_banned(farm, start));
  off.ban({farm, start + 30s, Offence::http});
  CHECK(off.is_banned(farm, start + 59s));
  off.ban({farm, start + 90s, Offence::http});
  CHECK(off.is_banned(farm, start + 89s));
  off.ban({other, start + 10s, Offence::http});
  const auto list = off.bans(start);
  REQUIRE_EQ(list.size(), 2);
  CHECK(list[0].prefix == other);
  CHECK(list[1].until == start + 90s);
  CHECK_EQ(off.bans(start + 10s).size(), 1);
  off.expire(start + 90s);
  CHECK(off.bans(start).empty());
}

TEST_CASE("the ban list is bounded: the ban that ends first goes") {
  AddressGuard guard(small_limits());
  for (unsigned i = 0; i < pool::limits::bans_max + 100; ++i) {
    guard.ban({numbered(i), start + std::chrono::seconds(1000 + i), Offence::http});
  }
  CHECK_EQ(guard.bans(start).size(), pool::limits::bans_max);
  CHECK_FALSE(guard.is_banned(numbered(99), start));
  CHECK(guard.is_banned(numbered(100), start));
}

TEST_CASE("an address is forgotten when nothing of it counts any more") {
  AddressGuard guard(small_limits());
  guard.expire(start);
  REQUIRE_EQ(guard.on_connect(farm, start), Admission::ok);
  guard.expire(start + 1h);
  CHECK_EQ(guard.addresses(), 1);  // connected
  (void)guard.on_offence(farm, Offence::http, start + 1h);
  guard.on_disconnect(farm, false);
  guard.expire(start + 1h + 11s);
  CHECK_EQ(guard.addresses(), 1);  // two points drain in 12 s
  guard.expire(start + 1h + 22s);
  CHECK_EQ(guard.addresses(), 0);
}

TEST_CASE("a sea of addresses does not fill the memory, and who is connected is not forgotten") {
  AddressGuard guard(small_limits());
  for (int i = 0; i < 4; ++i) {
    REQUIRE_EQ(guard.on_connect(farm, start), Admission::ok);
    guard.on_mining(farm);
  }
  for (unsigned i = 0; i < 2 * pool::limits::addresses_remembered_max; ++i) {
    (void)guard.on_offence(numbered(i), Offence::http, start);
    REQUIRE_LE(guard.addresses(), pool::limits::addresses_remembered_max);
  }
  CHECK_EQ(guard.on_connect(farm, start), Admission::too_many_connections);
}

TEST_CASE("a shard's part leaves room for chance, and never exceeds the whole") {
  CHECK_EQ(pool::shard_part(1000, 1), 1000);
  CHECK_EQ(pool::shard_part(1000, 4), 298);  // 250 + 3 * sqrt(250), up
  CHECK_EQ(pool::shard_part(1, 16), 1);
  CHECK_EQ(pool::shard_part(4, 2), 4);
  CHECK_EQ(pool::shard_part(0, 8), 0);  // no limit stays none
  for (std::size_t limit = 1; limit < 3000; limit += 7) {
    for (std::uint32_t shards = 1; shards < 64; ++shards) {
      const std::size_t part = pool::shard_part(limit, shards);
      CHECK_LE(part, limit);
      CHECK_GE(part * shards, limit);
    }
  }
}

TEST_CASE("a ban can be lifted before its time, and given again") {
  AddressGuard guard(small_limits());
  CHECK_FALSE(guard.unban(farm));
  guard.ban({farm, start + 60s, Offence::not_stratum});
  guard.ban({other, start + 30s, Offence::not_stratum});
  CHECK(guard.unban(farm));
  CHECK_FALSE(guard.is_banned(farm, start));
  CHECK(guard.is_banned(other, start));
  CHECK_EQ(guard.bans(start).size(), 1);
  guard.ban({farm, start + 10s, Offence::not_stratum});  // shorter than the one that was lifted
  CHECK(guard.is_banned(farm, start));
  CHECK_FALSE(guard.is_banned(farm, start + 10s));
}
