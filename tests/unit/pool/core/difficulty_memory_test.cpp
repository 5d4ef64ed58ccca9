#include "pool/core/difficulty_memory.h"

#include <doctest/doctest.h>

#include <string>

using namespace std::chrono_literals;
using bitcoin::Difficulty;
using pool::DifficultyMemory;

namespace {

Difficulty difficulty(double value) { return *Difficulty::from_double(value); }
base::MonoTime at(std::chrono::seconds seconds) { return base::MonoTime{} + seconds; }

constexpr DifficultyMemory::Limits small{3, 2, 100s};

}  // namespace

TEST_CASE("a worker's difficulty is remembered until it expires") {
  DifficultyMemory memory(small);
  CHECK_FALSE(memory.recall("a.1", at(0s)));
  memory.remember("a.1", difficulty(1024), at(0s));
  memory.remember("a.2", difficulty(4), at(10s));
  CHECK_EQ(memory.recall("a.1", at(100s)), difficulty(1024));
  CHECK_FALSE(memory.recall("a.1", at(101s)));
  CHECK_EQ(memory.size(), 1);  // and gone
  CHECK_EQ(memory.recall("a.2", at(101s)), difficulty(4));
  memory.remember("a.2", difficulty(8), at(110s));
  CHECK_EQ(memory.recall("a.2", at(210s)), difficulty(8));
}

TEST_CASE("the worker heard of least recently makes room") {
  DifficultyMemory memory(small);
  for (const char* worker : {"a", "b", "c"}) memory.remember(worker, difficulty(1), at(0s));
  memory.remember("a", difficulty(2), at(1s));
  memory.remember("d", difficulty(1), at(2s));
  CHECK_EQ(memory.size(), 3);
  CHECK_FALSE(memory.recall("b", at(2s)));
  CHECK_EQ(memory.recall("a", at(2s)), difficulty(2));
  for (int i = 0; i < 1000; ++i) memory.remember(std::to_string(i), difficulty(1), at(3s));
  CHECK_EQ(memory.size(), 3);
}

TEST_CASE("changes are told once, the latest of a worker, and no more than the limit") {
  DifficultyMemory memory({10, 2, 100s});
  CHECK(memory.take_changes().empty());
  memory.remember("a", difficulty(1), at(0s));
  memory.remember("b", difficulty(2), at(1s));
  memory.remember("a", difficulty(3), at(2s));
  auto changes = memory.take_changes();
  REQUIRE_EQ(changes.size(), 2);
  CHECK_EQ(changes[0].worker, "b");
  CHECK_EQ(changes[1].worker, "a");
  CHECK_EQ(changes[1].difficulty, difficulty(3));
  CHECK_EQ(changes[1].at, at(2s));
  CHECK(memory.take_changes().empty());
  for (const char* worker : {"c", "d", "e"}) memory.remember(worker, difficulty(1), at(3s));
  changes = memory.take_changes();
  REQUIRE_EQ(changes.size(), 2);
  CHECK_EQ(changes[0].worker, "d");  // c, the oldest, is not told
  CHECK(memory.take_changes().empty());
}

TEST_CASE("a change that was pushed out before it was told is forgotten") {
  DifficultyMemory memory({1, 10, 100s});
  memory.remember("a", difficulty(1), at(0s));
  memory.remember("b", difficulty(1), at(0s));
  const auto changes = memory.take_changes();
  REQUIRE_EQ(changes.size(), 1);
  CHECK_EQ(changes[0].worker, "b");
}

TEST_CASE("what another shard tells is learnt, the later of two, and not told on") {
  DifficultyMemory memory(small);
  memory.learn({"a", difficulty(5), at(10s)});
  CHECK_EQ(memory.recall("a", at(10s)), difficulty(5));
  CHECK(memory.take_changes().empty());
  memory.learn({"a", difficulty(6), at(9s)});
  CHECK_EQ(memory.recall("a", at(10s)), difficulty(5));
  memory.remember("a", difficulty(7), at(11s));
  memory.learn({"a", difficulty(8), at(12s)});  // later than what was not told yet
  CHECK_EQ(memory.recall("a", at(12s)), difficulty(8));
  for (int i = 0; i < 1000; ++i) memory.learn({std::to_string(i), difficulty(1), at(13s)});
  CHECK_EQ(memory.size(), 3);
}
