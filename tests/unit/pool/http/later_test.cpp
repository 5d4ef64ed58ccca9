#include "pool/http/later.h"

#include <doctest/doctest.h>

#include <string>

using namespace std::chrono_literals;

TEST_CASE("what is due is done once, in the order of the times") {
  pool::Later later;
  const base::MonoTime start{};
  std::string done;
  later.add(start + 2ms, [&] { done += 'b'; });
  later.add(start + 1ms, [&] {
    done += 'a';
    later.add(start + 3ms, [&] { done += 'c'; });
  });
  later.add(start + 4ms, [&] { done += 'd'; });
  later.run_due(start);
  CHECK_EQ(done, "");
  later.run_due(start + 3ms);
  CHECK_EQ(done, "abc");
  CHECK_FALSE(later.is_empty());
  later.run_due(start + 4ms);
  CHECK_EQ(done, "abcd");
  CHECK(later.is_empty());
}

TEST_CASE("one too many is done at once") {
  pool::Later later;
  int done = 0;
  for (std::size_t i = 0; i < pool::limits::http_later_max; ++i)
    later.add(base::MonoTime{} + 1ms, [&] { ++done; });
  CHECK_EQ(done, 0);
  later.add(base::MonoTime{} + 1ms, [&] { done += 1'000'000; });
  CHECK_EQ(done, 1'000'000);
}
