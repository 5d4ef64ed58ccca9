#include "common/base/ring.h"

#include <doctest/doctest.h>

#include <memory>

TEST_CASE("a ring gives back in order and refuses when full") {
  base::Ring<int> ring(3);
  CHECK(ring.empty());
  CHECK(ring.push(1));
  CHECK(ring.push(2));
  CHECK(ring.push(3));
  CHECK(ring.full());
  CHECK_FALSE(ring.push(4));
  CHECK_EQ(ring.size(), 3);
  CHECK_EQ(ring.pop(), 1);
  CHECK(ring.push(5));  // wraps round
  CHECK_EQ(ring[0], 2);
  CHECK_EQ(ring[2], 5);
  CHECK_EQ(ring.pop(), 2);
  CHECK_EQ(ring.pop(), 3);
  CHECK_EQ(ring.pop(), 5);
  CHECK(ring.empty());
}

TEST_CASE("a popped slot keeps nothing alive") {
  auto value = std::make_shared<int>(1);
  base::Ring<std::shared_ptr<int>> ring(2);
  REQUIRE(ring.push(value));
  CHECK_EQ(value.use_count(), 2);
  ring.pop();
  CHECK_EQ(value.use_count(), 1);
}
