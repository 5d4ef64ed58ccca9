#include "common/uv/worker.h"

#include "common/uv/tcp.h"
#include "tests/loop/loop_test.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

TEST_CASE("work runs in order on another thread, and its end is heard of on the loop's") {
  uv::Loop loop;
  std::vector<int> worked;  // the worker's until it is gone
  std::vector<std::thread::id> worked_on;
  std::vector<int> done;
  std::vector<std::thread::id> done_on;
  {
    uv::Worker worker(loop, 16);
    for (int i = 0; i < 10; ++i) {
      worker.run(
          [&, i] {
            worked.push_back(i);
            worked_on.push_back(std::this_thread::get_id());
          },
          [&, i] {
            done.push_back(i);
            done_on.push_back(std::this_thread::get_id());
          });
    }
    CHECK_MESSAGE(done.empty(), "never from inside run()");
    REQUIRE(loop_test::run_until(loop, [&] { return done.size() == 10; }));
  }
  CHECK_EQ(worked, std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_EQ(done, worked);
  for (int i = 0; i < 10; ++i) {
    CHECK_EQ(done_on[i], std::this_thread::get_id());
    CHECK_NE(worked_on[i], std::this_thread::get_id());
    CHECK_EQ(worked_on[i], worked_on[0]);
  }
}

TEST_CASE("the end finishes the work that was given, and tells nobody") {
  uv::Loop loop;
  int worked = 0;
  int done = 0;
  {
    uv::Worker worker(loop, 16);
    for (int i = 0; i < 16; ++i) worker.run([&] { ++worked; }, [&] { ++done; });
  }
  loop_test::run_turns(loop, 3);
  CHECK_EQ(worked, 16);
  CHECK_EQ(done, 0);
}

TEST_CASE("work that hangs holds up neither the loop nor a look-up of a name") {
  uv::Loop loop;
  std::promise<void> go_on;
  const std::shared_future<void> released = go_on.get_future().share();
  int done = 0;
  bool looked_up = false;
  uv::Worker worker(loop, 16);
  for (int i = 0; i < 8; ++i) worker.run([released] { released.wait(); }, [&] { ++done; });
  // Nobody listens there: the name has been looked up when that is found out.
  uv::TcpConnector connector(loop, "localhost", 1, 10s, {}, [&](const auto& result) {
    CHECK_FALSE(result.has_value());
    looked_up = true;
  });
  CHECK(loop_test::run_until(
      loop, [&] { return looked_up; }, 5s));
  CHECK_EQ(done, 0);
  go_on.set_value();
  CHECK(loop_test::run_until(loop, [&] { return done == 8; }));
}
