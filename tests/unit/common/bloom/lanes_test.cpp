#include "common/bloom/lanes.h"

#include <doctest/doctest.h>

TEST_CASE("a walk ends at its last state") {
  bloom::Lanes lanes(bloom::kernels().back());
  coherence::Phases phases{};
  for (std::size_t i = 0; i < phases.size(); ++i) phases[i] = static_cast<std::uint32_t>(i) << 26;
  lanes.put(0, bloom::walk_from(phases, 2, 9));
  CHECK_EQ(lanes.busy(), 1);
  CHECK_EQ(lanes.run(4), 4);
  CHECK_FALSE(lanes.has_ended(0));
  CHECK_EQ(lanes.run(100), 5);
  CHECK(lanes.has_ended(0));
  CHECK_EQ(lanes.take(0).state, 9);
  CHECK_EQ(lanes.busy(), 0);
}
