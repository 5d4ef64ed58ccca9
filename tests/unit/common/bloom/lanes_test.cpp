#include "common/bloom/lanes.h"

#include "tests/unit/common/bloom/kernels.h"

using bloom::Lanes;
using bloom::Walk;
using namespace bloom::kernels_test;

namespace {

constexpr std::uint32_t last_state = coherence::states_per_attempt - 1;

coherence::Phases spread() {
  coherence::Phases phases{};
  for (std::size_t i = 0; i < phases.size(); ++i) phases[i] = static_cast<std::uint32_t>(i) << 26;
  return phases;
}

}  // namespace

TEST_CASE("a walk ends at its last state, and its lane is free again") {
  for_each_supported([](const bloom::Kernel& kernel) {
    Lanes lanes(kernel);
    const std::uint32_t lane = lanes.count() - 1;
    lanes.put(lane, bloom::walk_from(spread(), 2, 9));
    CHECK_EQ(lanes.busy(), 1);
    CHECK_EQ(lanes.run(4), 4);
    CHECK_FALSE(lanes.has_ended(lane));
    CHECK_EQ(lanes.peek(lane).state, 4);
    CHECK_EQ(lanes.run(100), 5);
    CHECK(lanes.has_ended(lane));
    const Walk walk = lanes.take(lane);
    CHECK_EQ(walk.state, 9);
    CHECK(walk.coherent < bloom::bloom_states);
    CHECK_EQ(lanes.busy(), 0);
    CHECK_FALSE(lanes.is_busy(lane));
  });
}

TEST_CASE("a bloom at the first state that can have one, in every lane by turns") {
  for_each_supported([](const bloom::Kernel& kernel) {
    Lanes lanes(kernel);
    const coherence::Phases together{};  // coherent from state 0 on
    const auto expected = coherence::run(together, 2);
    REQUIRE(expected);
    REQUIRE_EQ(expected->end, 6);
    for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) {
      CAPTURE(lane);
      lanes.put(lane, bloom::walk_from(together, 2, last_state));
      CHECK_EQ(lanes.run(last_state), 6);
      REQUIRE(lanes.has_ended(lane));
      CHECK(bloom::bloom_of(lanes.take(lane)) == *expected);
    }
  });
}

TEST_CASE("a bloom at the last state counts") {
  for_each_supported([](const bloom::Kernel& kernel) {
    Lanes lanes(kernel);
    lanes.put(0, bloom::walk_from({}, 2, 6));
    CHECK_EQ(lanes.run(100), 6);
    REQUIRE(lanes.has_ended(0));
    CHECK_EQ(lanes.take(0).coherent, bloom::bloom_states);
    // A state less, and there is none.
    lanes.put(0, bloom::walk_from({}, 2, 5));
    CHECK_EQ(lanes.run(100), 5);
    REQUIRE(lanes.has_ended(0));
    CHECK_EQ(lanes.take(0).coherent, 6);
  });
}

TEST_CASE("nothing is heard of a lane that was left, though it blooms") {
  for_each_supported([](const bloom::Kernel& kernel) {
    if (kernel.lanes.count < 2) return;
    Lanes lanes(kernel);
    const std::uint32_t left = lanes.count() / 2;
    lanes.put(0, bloom::walk_from(spread(), 2, 50));
    lanes.put(left, bloom::walk_from({}, 2, last_state));
    CHECK_EQ(lanes.run(3), 3);
    lanes.take(left);
    CHECK_EQ(lanes.run(100), 47);
    CHECK(lanes.has_ended(0));
    CHECK_FALSE(lanes.has_ended(left));
  });
}

TEST_CASE("several walks may end in one state") {
  for_each_supported([](const bloom::Kernel& kernel) {
    Lanes lanes(kernel);
    for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) {
      lanes.put(lane, bloom::walk_from({}, 2, lane % 2 == 0 ? last_state : 6));
    }
    CHECK_EQ(lanes.run(1000), 6);
    for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) {
      CAPTURE(lane);
      REQUIRE(lanes.has_ended(lane));
      CHECK_EQ(lanes.take(lane).coherent, bloom::bloom_states);
    }
  });
}

TEST_CASE("clear() leaves every lane free") {
  for_each_supported([](const bloom::Kernel& kernel) {
    Lanes lanes(kernel);
    for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) {
      lanes.put(lane, bloom::walk_from(spread(), 2, 9));
    }
    lanes.clear();
    CHECK_EQ(lanes.busy(), 0);
  });
}
