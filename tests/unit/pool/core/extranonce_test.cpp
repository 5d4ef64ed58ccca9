#include "pool/core/extranonce.h"

#include <doctest/doctest.h>

#include <set>

using namespace std::chrono_literals;
using pool::Extranonce1;

namespace {

const base::MonoTime start = base::MonoTime{} + 1h;

}  // namespace

TEST_CASE("extranonce1 values are disjoint, wrap round, and run out") {
  pool::ExtranonceAllocator allocator(1, 2, 0xfffe, 0s);
  CHECK_EQ(*allocator.allocate(start), Extranonce1{1, 2, 0xff, 0xfe});
  CHECK_EQ(*allocator.allocate(start), Extranonce1{1, 2, 0xff, 0xff});
  CHECK_EQ(*allocator.allocate(start), Extranonce1{1, 2, 0, 0});
  for (std::size_t i = 3; i < 65'536; ++i) REQUIRE(allocator.allocate(start));
  CHECK_FALSE(allocator.allocate(start));
  allocator.release({1, 2, 0, 7}, start);
  CHECK_EQ(*allocator.allocate(start), Extranonce1{1, 2, 0, 7});
}

TEST_CASE("a value waits for its miner to come back, and goes to somebody else only in need") {
  pool::ExtranonceAllocator allocator(1, 2, 0, 180s);
  const Extranonce1 mine = *allocator.allocate(start);
  CHECK_FALSE(allocator.claim(mine, start));          // in use
  CHECK_FALSE(allocator.claim({1, 2, 0, 9}, start));  // nobody's
  allocator.release(mine, start);
  CHECK_FALSE(allocator.claim({9, 2, mine[2], mine[3]}, start));  // another pool's
  CHECK_FALSE(allocator.claim({1, 9, mine[2], mine[3]}, start));  // another shard's
  CHECK(allocator.claim(mine, start + 179s));
  CHECK_FALSE(allocator.claim(mine, start + 179s));
  allocator.release(mine, start + 200s);
  // 65,535 others come first.
  std::set<Extranonce1> others;
  for (std::size_t i = 0; i < 65'535; ++i) others.insert(*allocator.allocate(start + 201s));
  CHECK_EQ(others.size(), 65'535);
  CHECK_FALSE(others.contains(mine));
  CHECK_EQ(*allocator.allocate(start + 201s), mine);
  CHECK_FALSE(allocator.claim(mine, start + 202s));
}

TEST_CASE("in need, the value that has waited longest goes first") {
  pool::ExtranonceAllocator allocator(1, 2, 0, 180s);
  for (std::size_t i = 0; i < 65'536; ++i) REQUIRE(allocator.allocate(start));
  allocator.release({1, 2, 0, 9}, start);
  allocator.release({1, 2, 0, 5}, start + 1s);
  allocator.release({1, 2, 0, 7}, start + 2s);
  CHECK(allocator.claim({1, 2, 0, 5}, start + 3s));
  CHECK_EQ(*allocator.allocate(start + 3s), Extranonce1{1, 2, 0, 9});
  CHECK_EQ(*allocator.allocate(start + 3s), Extranonce1{1, 2, 0, 7});
  CHECK_FALSE(allocator.allocate(start + 3s));
}

TEST_CASE("who comes back too late gets another value") {
  pool::ExtranonceAllocator allocator(1, 2, 0, 180s);
  const Extranonce1 mine = *allocator.allocate(start);
  allocator.release(mine, start);
  CHECK_FALSE(allocator.claim(mine, start + 180s));
  allocator.expire(start + 180s);
  CHECK_FALSE(allocator.claim(mine, start + 1s));  // forgotten
  CHECK_EQ(allocator.in_use(), 0);
}

TEST_CASE("a new instance number changes what is issued, not what is in use") {
  pool::ExtranonceAllocator allocator(1, 2, 5, 180s);
  const Extranonce1 before = *allocator.allocate(start);
  allocator.set_instance(7);
  CHECK_EQ(*allocator.allocate(start), Extranonce1{7, 2, 0, 6});
  CHECK_FALSE(allocator.is_ours(before));
  allocator.release(before, start);
  CHECK_EQ(allocator.in_use(), 1);
  CHECK_FALSE(allocator.claim(before, start));  // it is another pool's now
  CHECK(allocator.claim({7, 2, 0, 5}, start));
}

TEST_CASE("a session id is the extranonce1, or a subscription id made of it") {
  const Extranonce1 value{0xab, 0, 1, 0xff};
  for (const char* text : {"ab0001ff", "ab0001ffn", "ab0001ffd", "AB0001FF"}) {
    CAPTURE(text);
    CHECK_EQ(pool::parse_session_id(text), value);
  }
  for (const char* text : {"", "ab0001f", "ab0001ffx", "ab0001ffnn", "gb0001ff", " ab0001ff",
                           "ab0001ffab0001ffab0001ffab0001ff"}) {
    CAPTURE(text);
    CHECK_FALSE(pool::parse_session_id(text).has_value());
  }
}
