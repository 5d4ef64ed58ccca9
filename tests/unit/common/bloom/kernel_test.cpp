#include "common/bloom/kernel.h"

#include "common/bloom/lanes.h"
#include "tests/unit/common/bloom/kernels.h"

#include <vector>

using bloom::Kernel;
using bloom::Lanes;
using bloom::Tables;
using bloom::Walk;
using namespace bloom::kernels_test;

namespace {

constexpr std::uint32_t without_end = 1U << 30;

struct Followed {
  Walk walk;
  Follower follower;
};

Followed random_walk(base::Random& random, std::uint32_t last_state) {
  const coherence::Phases phases = random_phases(random);
  const auto level = static_cast<std::uint32_t>(random.below(coherence::levels));
  Walk walk = bloom::walk_from(phases, level, 0);
  walk.last_state = last_state;
  return {walk, Follower(phases, level)};
}

}  // namespace

TEST_CASE("lanes are in the reference's states, whatever their neighbours do") {
  for_each_supported([](const Kernel& kernel) {
    base::Random random(1);
    Lanes lanes(kernel);
    std::vector<std::optional<Follower>> followers(lanes.count());
    std::uint64_t rounds = 0;
    std::uint64_t blooms = 0;
    std::uint64_t wrong = 0;
    while (rounds < 1'000'000) {
      for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) {
        // Now and then a lane stays empty for a while.
        if (lanes.is_busy(lane) || (lanes.busy() > 0 && random.below(4) == 0)) continue;
        const Followed fresh = random_walk(random, without_end);
        followers[lane] = fresh.follower;
        lanes.put(lane, fresh.walk);
      }
      const std::uint32_t steps = lanes.run(1 + static_cast<std::uint32_t>(random.below(600)));
      for (std::uint32_t lane = 0; lane < lanes.count(); ++lane) {
        if (!lanes.is_busy(lane)) continue;
        Follower& follower = *followers[lane];
        follower.advance(steps);
        rounds += steps;
        if (!follower.equals(lanes.peek(lane))) ++wrong;
        if (lanes.has_ended(lane) != (follower.coherent() == bloom::bloom_states)) ++wrong;
        if (lanes.has_ended(lane)) ++blooms;
        // Few of these bloom: some leave early, so that lanes change hands.
        if (lanes.has_ended(lane) || random.below(16) == 0) lanes.take(lane);
      }
    }
    CHECK_EQ(wrong, 0);
    CHECK(blooms > 20);
  });
}

TEST_CASE("walks are in the reference's states, alone and in twos") {
  for_each_supported([](const Kernel& kernel) {
    base::Random random(2);
    std::uint64_t rounds = 0;
    std::uint64_t blooms = 0;
    std::uint64_t wrong = 0;
    while (rounds < 1'000'000) {
      const auto last_state = [&] { return 1 + static_cast<std::uint32_t>(random.below(2000)); };
      Followed first = random_walk(random, last_state());
      Followed second = random_walk(random, last_state());
      const bool two = random.below(4) > 0;
      kernel.walk(bloom::tables(), &first.walk, two ? &second.walk : nullptr);
      if (!bloom::has_ended(first.walk) && !(two && bloom::has_ended(second.walk))) ++wrong;
      if (!two && second.walk.state != 0) ++wrong;
      for (Followed* followed : {&first, &second}) {
        followed->follower.advance(followed->walk.state);
        rounds += followed->walk.state;
        if (!followed->follower.equals(followed->walk)) ++wrong;
        if (followed->walk.coherent > bloom::bloom_states) ++wrong;
        if (followed->walk.coherent == bloom::bloom_states) ++blooms;
      }
    }
    CHECK_EQ(wrong, 0);
    CHECK(blooms > 20);
  });
}

TEST_CASE("a walk goes on where lanes left it, and the other way round") {
  for_each_supported([](const Kernel& kernel) {
    const coherence::Job job = job_of_level(1);
    const auto expected = bloom_of_attempt(job, 77);
    REQUIRE(expected);
    Lanes lanes(kernel);
    const std::uint32_t lane = lanes.count() - 1;
    Walk walk = bloom::walk_from(coherence::phases_of(coherence::seed_of(job, 77)), 1,
                                 coherence::states_per_attempt - 1);
    // The changes fall among the bloom's own states, too: their orders must not get lost.
    for (const std::uint32_t change : {1U, 100U, expected->start + 1, expected->start + 3}) {
      CAPTURE(change);
      lanes.put(lane, walk);
      while (lanes.peek(lane).state < change) lanes.run(change - lanes.peek(lane).state);
      walk = lanes.take(lane);
      const std::uint32_t last_state = std::exchange(walk.last_state, change + 1);
      kernel.walk(bloom::tables(), &walk, nullptr);
      CHECK_EQ(walk.state, change + 1);
      walk.last_state = last_state;
    }
    lanes.put(lane, walk);
    while (!lanes.has_ended(lane)) lanes.run(1000);
    CHECK(bloom::bloom_of(lanes.take(lane)) == *expected);
  });
}

TEST_CASE("the portable kernel is last and runs anywhere") {
  const crypto::CpuFeatures none;
  const auto kernels = bloom::kernels();
  CHECK_EQ(kernels.back().name, "portable");
  CHECK(kernels.back().supported(none));
  CHECK_EQ(bloom::pick_kernel(kernels, none, "portable"), &kernels.back());
  CHECK_EQ(bloom::pick_kernel(kernels, none, "no_such"), nullptr);
  CHECK_EQ(bloom::pick_kernel(kernels, none, "x86_avx2"), nullptr);
}

#if defined(__x86_64__)
TEST_CASE("the widest kernel that a processor has is picked") {
  const auto kernels = bloom::kernels();
  crypto::CpuFeatures cpu;
  cpu.avx2 = true;
  CHECK_EQ(bloom::pick_kernel(kernels, cpu, "")->name, "x86_avx2");
  cpu.avx512f = true;
  cpu.avx512bw = true;
  CHECK_EQ(bloom::pick_kernel(kernels, cpu, "")->name, "x86_avx2");  // without VNNI
  cpu.avx512vnni = true;
  CHECK_EQ(bloom::pick_kernel(kernels, cpu, "")->name, "x86_avx512");
  CHECK_EQ(bloom::pick_kernel(kernels, cpu, "x86_avx2")->name, "x86_avx2");
}
#endif

// --- the self test, and kernels that it must refuse: the portable one, but for one function ---

namespace {

const Kernel& portable() { return bloom::kernels().back(); }

std::uint32_t run_dead(void*, std::uint32_t steps_max, std::uint32_t* bloomed) {
  *bloomed = 0;
  return steps_max;
}
std::uint32_t run_without_blooms(void* lanes, std::uint32_t steps_max, std::uint32_t* bloomed) {
  std::uint32_t steps = 0;
  while (steps < steps_max) steps += portable().lanes.run(lanes, steps_max - steps, bloomed);
  *bloomed = 0;
  return steps;
}
std::uint32_t run_and_miscount(void* lanes, std::uint32_t steps_max, std::uint32_t* bloomed) {
  portable().lanes.run(lanes, steps_max, bloomed);
  return steps_max;
}
void load_one_bit_wrong(void* lanes, std::uint32_t lane, const Walk& walk) {
  Walk wrong = walk;
  wrong.phases[62] ^= 1;
  portable().lanes.load(lanes, lane, wrong);
}
void load_wrong_level(void* lanes, std::uint32_t lane, const Walk& walk) {
  Walk wrong = walk;
  ++wrong.kappa;
  portable().lanes.load(lanes, lane, wrong);
}
void save_wrong_history(const void* lanes, std::uint32_t lane, Walk& walk) {
  portable().lanes.save(lanes, lane, walk);
  walk.s[0] = -walk.s[0];
}
void walk_one_too_far(const Tables& tables, Walk* first, Walk* second) {
  ++first->last_state;
  portable().walk(tables, first, second);
  --first->last_state;
}
void walk_wrong_second(const Tables& tables, Walk* first, Walk* second) {
  portable().walk(tables, first, second);
  if (second != nullptr) second->phases[0] ^= 0x80000000;
}

}  // namespace

TEST_CASE("every kernel that runs here passes the self test") {
  for_each_supported([](const Kernel& kernel) { CHECK(bloom::self_test(kernel)); });
}

TEST_CASE("the self test refuses a kernel that is broken in any of its parts") {
  struct Row {
    const char* why;
    void (*change)(Kernel&);
  };
  const Row rows[] = {
      {"does nothing", [](Kernel& kernel) { kernel.lanes.run = run_dead; }},
      {"finds no bloom", [](Kernel& kernel) { kernel.lanes.run = run_without_blooms; }},
      {"says more steps than it made", [](Kernel& kernel) { kernel.lanes.run = run_and_miscount; }},
      {"one bit of one phase", [](Kernel& kernel) { kernel.lanes.load = load_one_bit_wrong; }},
      {"another coupling", [](Kernel& kernel) { kernel.lanes.load = load_wrong_level; }},
      {"history of a bloom", [](Kernel& kernel) { kernel.lanes.save = save_wrong_history; }},
      {"walks a state too far", [](Kernel& kernel) { kernel.walk = walk_one_too_far; }},
      {"the second walk", [](Kernel& kernel) { kernel.walk = walk_wrong_second; }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Kernel broken = portable();
    row.change(broken);
    CHECK_FALSE(bloom::self_test(broken));
  }
}

TEST_CASE("a row that fails its self test is passed over, and told") {
  std::vector<Kernel> rows(3, portable());
  rows[0].name = "broken";
  rows[0].lanes.run = run_dead;
  rows[1].name = "sound";
  std::vector<std::string> failed;
  const auto on_failed = [&](const Kernel& kernel) { failed.emplace_back(kernel.name); };
  CHECK_EQ(bloom::pick_working_kernel(rows, {}, "", on_failed), &rows[1]);
  CHECK_EQ(failed, std::vector<std::string>{"broken"});
  CHECK_EQ(bloom::pick_working_kernel(rows, {}, "broken", on_failed), nullptr);
}
