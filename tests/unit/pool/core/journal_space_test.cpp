#include "pool/core/journal_space.h"

#include <doctest/doctest.h>

#include <limits>

using pool::JournalPosition;
using pool::JournalSpace;

namespace {

constexpr std::uint64_t plenty = std::numeric_limits<std::uint64_t>::max() / 2;

}  // namespace

TEST_CASE(
    "what is not stored counts: later segments, and the rest of the one that is being stored") {
  JournalSpace space(1000);
  space.set_segment(5, 100);
  space.set_segment(6, 200);
  space.set_segment(8, 50);
  CHECK_EQ(space.unstored_bytes(), 350);
  CHECK(space.set_stored({6, 150, 0}));
  CHECK_EQ(space.unstored_bytes(), 100);
  space.set_segment(8, 70);
  CHECK_EQ(space.unstored_bytes(), 120);
  CHECK(space.set_stored({8, 70, 0}));
  CHECK_EQ(space.unstored_bytes(), 0);
  space.set_segment(5, 100);  // stored long ago
  CHECK_EQ(space.unstored_bytes(), 0);
  CHECK(space.set_stored({8, 90, 0}));  // written, though nobody has said so yet
  CHECK_EQ(space.unstored_bytes(), 0);
}

TEST_CASE("a database that was set back makes older segments count again") {
  JournalSpace space(1000);
  space.set_segment(5, 100);
  space.set_segment(6, 200);
  REQUIRE(space.set_stored({6, 200, 0}));
  CHECK_FALSE(space.set_stored({5, 40, 0}));
  space.set_segment(5, 100);
  space.set_segment(6, 200);
  CHECK_EQ(space.unstored_bytes(), 260);
}

TEST_CASE("levels rise at 50, 75 and 90 percent, and fall 5 percent below") {
  JournalSpace space(1000);
  struct Row {
    std::uint64_t bytes;
    int level;
    bool told;
  };
  const Row rows[] = {{0, 0, false},     {499, 0, false},  {500, 50, true},   {749, 50, false},
                      {750, 75, true},   {899, 75, false}, {900, 90, true},   {850, 90, false},
                      {849, 75, true},   {900, 90, true},  {1000, 100, true}, {1001, 100, false},
                      {951, 100, false}, {950, 90, true},  {1, 0, true},      {450, 0, false}};
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    space.set_segment(1, row.bytes);
    const int before = space.level();
    const auto change = space.update(plenty);
    CHECK_EQ(change.has_value(), row.told);
    CHECK_EQ(space.level(), row.level);
    CHECK_EQ(space.full(), row.level == 100);
    if (change) CHECK_EQ(change->level_before, before);
    if (change) CHECK_EQ(change->level, row.level);
  }
}

TEST_CASE("full is exactly at the bound, and ends 5 percent below it") {
  JournalSpace space(1000);
  space.set_segment(1, 999);
  (void)space.update(plenty);
  CHECK_FALSE(space.full());
  space.set_segment(1, 1000);
  (void)space.update(plenty);
  CHECK(space.full());
  space.set_segment(1, 951);
  (void)space.update(plenty);
  CHECK(space.full());
  space.set_segment(1, 950);
  (void)space.update(plenty);
  CHECK_FALSE(space.full());
}

TEST_CASE("a disk with less than the bound left is told, and bounds the levels") {
  JournalSpace space(1000);
  space.set_segment(1, 100);
  CHECK_FALSE(space.update(900).has_value());
  const auto change = space.update(899);
  REQUIRE(change.has_value());
  CHECK(change->is_short);
  CHECK_FALSE(change->short_before);
  CHECK_EQ(change->level, 0);
  CHECK_FALSE(space.update(949).has_value());  // not yet back
  CHECK(space.update(950).has_value());
  CHECK_FALSE(space.disk_is_short());
  // 100 used and 100 free: half of what there is.
  CHECK_EQ(space.update(100)->level, 50);
  CHECK_EQ(space.update(11)->level, 90);
  CHECK_FALSE(space.full());  // writing decides that, not the free bytes
}

TEST_CASE("the largest bound that can be configured does not overflow") {
  JournalSpace space(1'000'000'000'000'000);
  space.set_segment(1, 749'999'999'999'999);
  CHECK_EQ(space.update(plenty)->level, 50);
  space.set_segment(1, 750'000'000'000'000);
  CHECK_EQ(space.update(plenty)->level, 75);
}
