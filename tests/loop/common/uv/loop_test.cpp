#include "common/uv/loop.h"
#include "tests/loop/loop_test.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>

using namespace std::chrono_literals;
using loop_test::run_until;

TEST_CASE("a timer fires, and destroying it cancels it") {
  uv::Loop loop;
  int fired = 0;
  {
    uv::Timer cancelled(loop, [&] { fired += 100; });
    cancelled.start(1ms, 1ms);
  }
  uv::Timer once(loop, [&] { ++fired; });
  once.start(1ms, 0ms);
  CHECK(once.is_active());
  loop.run();
  CHECK_EQ(fired, 1);
  CHECK_FALSE(once.is_active());
}

TEST_CASE("a timer repeats until it is stopped, and may be destroyed from its own function") {
  uv::Loop loop;
  int fired = 0;
  std::unique_ptr<uv::Timer> timer;
  timer = std::make_unique<uv::Timer>(loop, [&, text = std::string(100, 'x')] {
    if (++fired == 3) timer.reset();
    CHECK_EQ(text.size(), 100);  // what the function holds is still there
  });
  timer->start(0ms, 1ms);
  loop.run();
  CHECK_EQ(fired, 3);
}

TEST_CASE("a background timer does not keep the loop running") {
  uv::Loop loop;
  uv::Timer timer(loop, [] {});
  timer.start(1h, 0ms);
  timer.set_background();
  loop.run();
  CHECK(timer.is_active());
}

TEST_CASE("poll calls while there is something to read, and not after stop") {
  uv::Loop loop;
  std::array<int, 2> ends{};
  REQUIRE_EQ(pipe(ends.data()), 0);
  int calls = 0;
  {
    uv::Poll poll(loop, ends[0], [&] {
      char byte = 0;
      CHECK_EQ(read(ends[0], &byte, 1), 1);
      ++calls;
    });
    REQUIRE_EQ(write(ends[1], "ab", 2), 2);
    CHECK(run_until(loop, [&] { return calls == 2; }));  // level-triggered: one byte at a call
    poll.stop();
    REQUIRE_EQ(write(ends[1], "c", 1), 1);
    loop_test::run_turns(loop, 3);
    CHECK_EQ(calls, 2);
    poll.start();
    CHECK(run_until(loop, [&] { return calls == 3; }));
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("a signal arrives on the loop, each time") {
  uv::Loop loop;
  int caught = 0;
  uv::Signal signal(loop, SIGUSR1, [&] { ++caught; });
  raise(SIGUSR1);
  CHECK(run_until(loop, [&] { return caught == 1; }));
  raise(SIGUSR1);
  CHECK(run_until(loop, [&] { return caught == 2; }));
}

TEST_CASE("a loop makes SIGPIPE harmless") {
  uv::Loop loop;
  std::array<int, 2> ends{};
  REQUIRE_EQ(pipe(ends.data()), 0);
  close(ends[0]);
  CHECK_EQ(write(ends[1], "x", 1), -1);  // and we are still here
  close(ends[1]);
}

TEST_CASE("the end of a turn comes after the turn's timers, once") {
  uv::Loop loop;
  std::string log;
  uv::TurnEnd turn_end(loop, [&] {
    if (!log.empty()) log += '|';
  });
  uv::Timer first(loop, [&] { log += 'a'; });
  uv::Timer second(loop, [&] { log += 'b'; });
  first.start(0ms, 0ms);
  second.start(0ms, 0ms);
  loop.run_once_nowait();
  CHECK_EQ(log, "ab|");
  loop.run();  // returns: the hook alone does not keep a loop alive
}
