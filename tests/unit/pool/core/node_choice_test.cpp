#include "pool/core/node_choice.h"

#include "common/base/random.h"

#include <array>

#include <doctest/doctest.h>

namespace pool {
namespace {

using namespace std::chrono_literals;
using base::MonoTime;

constexpr NodeHealth well{.known = true, .up = true, .answering = true, .height = 100};
constexpr NodeHealth down{.known = true};
constexpr NodeHealth slow{.known = true, .up = true, .answering = false, .height = 100};
constexpr std::optional<std::uint32_t> work_at = 101;

NodeHealth at_height(std::uint32_t height) {
  NodeHealth health = well;
  health.height = height;
  return health;
}

// Two nodes that have been well for long, the first in use.
struct Pair {
  MonoTime now{1h};
  NodeChoice choice{2, now};

  Pair() {
    choice.report(0, well, now);
    choice.report(1, well, now);
    REQUIRE_EQ(choice.choose(now, std::nullopt), 0);
    now += 1h;
  }
  // What is chosen within this time, looked at ten times a second.
  std::optional<std::size_t> after(std::chrono::milliseconds time) {
    for (const MonoTime end = now + time; now < end;) {
      now += 100ms;
      if (const auto chosen = choice.choose(now, work_at)) return chosen;
    }
    return std::nullopt;
  }
};

}  // namespace

TEST_CASE("at the start the preferred node gets a moment to answer") {
  NodeChoice choice(2, MonoTime{10s});
  choice.report(1, well, MonoTime{10s});
  CHECK_EQ(choice.choose(MonoTime{11'999ms}, std::nullopt), std::nullopt);
  SUBCASE("it does") {
    choice.report(0, well, MonoTime{11'999ms});
    CHECK_EQ(choice.choose(MonoTime{11'999ms}, std::nullopt), 0);
  }
  SUBCASE("it says no") {
    choice.report(0, down, MonoTime{11'999ms});
    CHECK_EQ(choice.choose(MonoTime{11'999ms}, std::nullopt), 1);
  }
  SUBCASE("it is silent") { CHECK_EQ(choice.choose(MonoTime{12s}, std::nullopt), 1); }
  CHECK(choice.is_well(MonoTime{12s}));
}

TEST_CASE("a node that fails is left at once for one that is well") {
  struct Row {
    const char* why;
    NodeHealth health;
  };
  const Row rows[] = {{"it is gone", down}, {"it does not answer", slow}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Pair pair;
    pair.choice.report(0, row.health, pair.now);
    CHECK_FALSE(pair.choice.is_well(pair.now));
    CHECK_EQ(pair.choice.choose(pair.now, work_at), 1);
  }
}

TEST_CASE("a node without usable templates is left at once, and passed over for a while") {
  Pair pair;
  pair.choice.refuse(0, pair.now);
  CHECK_EQ(pair.choice.choose(pair.now, work_at), 1);
  // Refused for 30 s, and then it must have been well for 30 s more.
  CHECK_EQ(pair.after(59s), std::nullopt);
  CHECK_EQ(pair.after(2s), 0);
}

TEST_CASE("with no other that is well, the one in use is kept") {
  Pair pair;
  pair.choice.report(0, down, pair.now);
  SUBCASE("the other is down too") { pair.choice.report(1, down, pair.now); }
  SUBCASE("the other is slow") { pair.choice.report(1, slow, pair.now); }
  SUBCASE("the other would take miners back") { pair.choice.report(1, at_height(99), pair.now); }
  CHECK_EQ(pair.after(1h), std::nullopt);
  CHECK_EQ(pair.choice.in_use(), 0);
  CHECK_FALSE(pair.choice.is_well(pair.now));
}

TEST_CASE("a preferred node that is back takes over when it has been well for long enough") {
  Pair pair;
  pair.choice.report(0, down, pair.now);
  REQUIRE_EQ(pair.choice.choose(pair.now, work_at), 1);
  pair.now += 5s;
  pair.choice.report(0, well, pair.now);
  CHECK_EQ(pair.after(29s), std::nullopt);
  CHECK_EQ(pair.after(1s), 0);
}

TEST_CASE("a node that comes and goes must be well for twice as long each time") {
  Pair pair;
  for (const auto expected : {30s, 60s, 120s, 240s, 480s, 600s, 600s}) {
    pair.choice.report(0, down, pair.now);
    REQUIRE_EQ(pair.choice.choose(pair.now, work_at), 1);
    pair.choice.report(0, well, pair.now);
    CHECK_EQ(pair.after(expected - 100ms), std::nullopt);
    CHECK_EQ(pair.after(100ms), 0);
  }
  // After a long good time all is forgiven.
  pair.now += 2h;
  pair.choice.report(0, down, pair.now);
  REQUIRE_EQ(pair.choice.choose(pair.now, work_at), 1);
  pair.choice.report(0, well, pair.now);
  CHECK_EQ(pair.after(30s), 0);
}

TEST_CASE("the node in use may be behind for a moment, not for long") {
  Pair pair;
  pair.choice.report(1, at_height(101), pair.now);
  CHECK_EQ(pair.after(14s), std::nullopt);
  SUBCASE("it catches up") {
    pair.choice.report(0, at_height(101), pair.now);
    CHECK_EQ(pair.after(1h), std::nullopt);
  }
  SUBCASE("it stays behind") { CHECK_EQ(pair.after(2s), 1); }
}

TEST_CASE("a node that was left because it was behind comes back as one that failed") {
  Pair pair;
  std::uint32_t height = 100;
  for (const auto expected : {30s, 60s, 120s}) {
    pair.choice.report(0, at_height(height), pair.now);
    pair.choice.report(1, at_height(++height), pair.now);
    REQUIRE_EQ(pair.after(16s), 1);
    pair.choice.report(0, at_height(height), pair.now);
    CHECK_EQ(pair.after(expected - 100ms), std::nullopt);
    CHECK_EQ(pair.after(100ms), 0);
  }
}

TEST_CASE("a node that is behind does not take over though it is preferred") {
  Pair pair;
  pair.choice.report(0, down, pair.now);
  REQUIRE_EQ(pair.choice.choose(pair.now, work_at), 1);
  pair.choice.report(0, well, pair.now);
  pair.choice.report(1, at_height(101), pair.now);
  CHECK_EQ(pair.after(1h), std::nullopt);
  pair.choice.report(0, at_height(101), pair.now);
  CHECK_EQ(pair.after(1s), 0);
}

TEST_CASE("whatever the nodes do, one that is well is used, and only a steady one takes over") {
  // Faults at random, of nodes that are otherwise at the same height.
  const NodeHealth states[] = {well, well, well, down, slow};
  int forced = 0;
  int returned = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    base::Random random(seed);
    MonoTime now{1h};
    NodeChoice choice(3, now);
    std::array<bool, 3> good{};
    std::array<MonoTime, 3> good_since{};
    for (int step = 0; step < 20'000; ++step) {
      now += 100ms;
      if (random.below(300) == 0) {
        const auto node = static_cast<std::size_t>(random.below(3));
        const NodeHealth& state = states[random.below(5)];
        choice.report(node, state, now);
        const bool is_good = state.up && state.answering;
        if (is_good && !good[node]) good_since[node] = now;
        good[node] = is_good;
      }
      const auto before = choice.in_use();
      const auto chosen = choice.choose(now, work_at);
      const bool any_good = good[0] || good[1] || good[2];
      // Past the start, nothing but a lack of good ones leaves a bad one in use.
      if (now - MonoTime{1h} > 2s && any_good) REQUIRE(good[*choice.in_use()]);
      if (!chosen || !before) continue;
      if (good[*before]) {
        ++returned;
        REQUIRE_LT(*chosen, *before);
        REQUIRE(now - good_since[*chosen] >= 30s);
      } else {
        ++forced;
      }
    }
  }
  CHECK_GT(forced, 100);
  CHECK_GT(returned, 20);
}

}  // namespace pool
