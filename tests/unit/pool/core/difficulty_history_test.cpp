#include "pool/core/difficulty_history.h"

#include "common/base/random.h"
#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using bitcoin::Difficulty;
using mining::JobId;
using pool::DifficultyHistory;

namespace {

Difficulty difficulty(double value) { return *Difficulty::from_double(value); }

double counts(const DifficultyHistory& history, std::uint64_t job) {
  return history.for_job(JobId{job}).difficulty.value();
}

}  // namespace

TEST_CASE("around a change of difficulty the lower one counts") {
  DifficultyHistory history;
  CHECK(history.empty());
  history.change(JobId{10}, difficulty(8));
  history.change(JobId{20}, difficulty(32));
  struct Row {
    const char* why;
    std::uint64_t job;
    double counts;
  };
  const Row rising[] = {{"before the change", 15, 8},
                        {"the first job after it", 20, 8},
                        {"the next one", 21, 32},
                        {"older than the history", 3, 8}};
  for (const Row& row : rising) {
    CAPTURE(row.why);
    CHECK_EQ(counts(history, row.job), row.counts);
  }
  history.change(JobId{30}, difficulty(2));
  const Row falling[] = {{"a decrease helps older jobs at once", 25, 2},
                         {"the first job after it", 30, 2},
                         {"the next one", 31, 2}};
  for (const Row& row : falling) {
    CAPTURE(row.why);
    CHECK_EQ(counts(history, row.job), row.counts);
  }
  CHECK_EQ(history.latest().difficulty.value(), 2);
}

TEST_CASE("an entry has the target and the work of its difficulty") {
  DifficultyHistory history;
  history.change(JobId{1}, difficulty(0.001));
  const DifficultyHistory::Entry& entry = history.for_job(JobId{1});
  CHECK_EQ(entry.target, bitcoin::Target256::from_difficulty(difficulty(0.001)));
  CHECK_EQ(entry.work, entry.target.work());
}

TEST_CASE("jobs issued between changes") {
  DifficultyHistory history;
  history.change(JobId{10}, difficulty(1));
  history.change(JobId{20}, difficulty(4));
  history.change(JobId{30}, difficulty(16));
  CHECK_EQ(counts(history, 19), 1);
  CHECK_EQ(counts(history, 20), 1);  // the first after a raise
  CHECK_EQ(counts(history, 25), 4);  // between two: never the first one's again
  CHECK_EQ(counts(history, 30), 4);
  CHECK_EQ(counts(history, 31), 16);
}

TEST_CASE("who obeys at once has the difficulty that came with the job") {
  DifficultyHistory history;
  history.change(JobId{10}, difficulty(8));
  history.change(JobId{20}, difficulty(32));
  history.change(JobId{30}, difficulty(2));
  const auto announced = [&](std::uint64_t job) {
    return history.announced_for(JobId{job}).difficulty.value();
  };
  CHECK_EQ(announced(9), 8);
  CHECK_EQ(announced(10), 8);
  CHECK_EQ(announced(19), 8);
  CHECK_EQ(announced(20), 32);
  CHECK_EQ(announced(29), 32);
  CHECK_EQ(announced(30), 2);
  CHECK_EQ(announced(99), 2);
}

// Every change that could matter for a job, however many there were.
TEST_CASE("with more changes than are kept an old job's share is never judged too hard") {
  base::Random random(11);
  for (int round = 0; round < 200; ++round) {
    DifficultyHistory history;
    std::vector<std::pair<std::uint64_t, double>> all;
    std::uint64_t job = 1;
    for (int change = 0; change < 12; ++change) {
      job += 1 + random.below(3);
      const double value = static_cast<double>(1 + random.below(1000));
      history.change(JobId{job}, difficulty(value));
      all.emplace_back(job, value);
    }
    const std::uint64_t kept_from =
        all[all.size() - pool::limits::difficulty_changes_kept_max + 1].first;
    for (std::uint64_t asked = 0; asked <= job + 1; ++asked) {
      auto from = std::find_if(all.rbegin(), all.rend(),
                               [&](const auto& change) { return change.first < asked; });
      const auto begin = from == all.rend() ? all.begin() : std::prev(from.base());
      const double lowest = std::min_element(begin, all.end(), [](const auto& a, const auto& b) {
                              return a.second < b.second;
                            })->second;
      CAPTURE(asked);
      CHECK(counts(history, asked) <= lowest);
      if (asked > kept_from) CHECK_EQ(counts(history, asked), lowest);
    }
    CHECK_EQ(history.latest().difficulty.value(), all.back().second);
  }
}

TEST_CASE("the first difficulty of all is not forgotten") {
  DifficultyHistory history;
  for (std::uint64_t i = 0; i < 20; ++i) {
    history.change(JobId{10 * (i + 1)}, difficulty(static_cast<double>(1 << i)));
  }
  CHECK_EQ(counts(history, 10), 1);
  CHECK_EQ(counts(history, 200), 1 << 18);
  CHECK_EQ(counts(history, 201), 1 << 19);
}
