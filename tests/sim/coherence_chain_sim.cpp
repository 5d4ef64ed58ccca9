// coherence_chain_sim: the proof chain's retarget under a change of computing power. The rules are
// the pool's own (coherence::next_block and extend); only the proofs are not computed: a block
// takes an exponentially distributed time, with its expected rounds over the computing power as its
// mean.
//
// Power is constant for some epochs, then it grows or shrinks by a factor, and a table shows the
// mean block time of each epoch after that, over many seeds. Exit status 1: the last epochs are not
// within 5 % of the time that is wanted, or any epoch is not on the side that damping allows.
//
// usage: coherence_chain_sim [SEEDS [FACTOR]]
#include "common/coherence/chain.h"
#include "common/coherence/difficulty.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <vector>

namespace {

constexpr int epochs_before = 6;
constexpr int epochs_after = 20;
constexpr int epochs_judged = 12;  // the last of them
constexpr std::uint32_t level = 2;
constexpr coherence::ChainRules rules{.block_seconds = 420,
                                      .retarget_blocks = 123,
                                      .initial_bits = 0x1e080000,
                                      .start_time = 1'769'000'000};

// Mean block time of each epoch, in seconds.
std::vector<double> simulate(std::uint64_t seed, double factor) {
  std::mt19937_64 random(seed);
  const base::U256 first_target = coherence::target_of_bits(rules.initial_bits);
  const double power = coherence::work_of(level, first_target).to_double() / rules.block_seconds;
  std::optional<coherence::ChainTip> tip;
  double clock = rules.start_time;
  std::vector<double> means;
  for (int epoch = 0; epoch < epochs_before + epochs_after; ++epoch) {
    const double rounds_per_second = epoch < epochs_before ? power : power * factor;
    const double begun = clock;
    for (std::uint32_t i = 0; i < rules.retarget_blocks; ++i) {
      const auto next = coherence::next_block(rules, tip ? &*tip : nullptr, level);
      const double work =
          coherence::work_of(next.level, coherence::target_of_bits(next.bits)).to_double();
      const double uniform = (static_cast<double>(random() >> 11) + 0.5) / 9007199254740992.0;
      clock += -std::log(uniform) * work / rounds_per_second;
      coherence::HeaderFields header;
      header.prev_hash = next.prev_hash;
      header.time = std::max(static_cast<std::uint32_t>(clock), next.time_least);
      header.bits = next.bits;
      tip = coherence::extend(rules, tip ? &*tip : nullptr, header, next.level, {});
    }
    means.push_back((clock - begun) / rules.retarget_blocks);
  }
  return means;
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 400;
  const double factor = argc > 2 ? std::strtod(argv[2], nullptr) : 10;
  if (seeds < 1 || factor <= 0) {
    fmt::print(stderr, "usage: coherence_chain_sim [SEEDS [FACTOR]]\n");
    return 2;
  }
  std::vector<double> sums(epochs_before + epochs_after);
  std::vector<double> squares(sums.size());
  for (int seed = 1; seed <= seeds; ++seed) {
    const auto means = simulate(static_cast<std::uint64_t>(seed), factor);
    for (std::size_t i = 0; i < means.size(); ++i) {
      sums[i] += means[i];
      squares[i] += means[i] * means[i];
    }
  }
  bool good = true;
  fmt::print(
      "computing power x {} after epoch {}, {} seeds\n| epoch | mean block time, s | sd "
      "|\n|--:|--:|--:|\n",
      factor, epochs_before - 1, seeds);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double mean = sums[i] / seeds;
    const double deviation = std::sqrt(std::max(0.0, squares[i] / seeds - mean * mean));
    const bool judged = i + epochs_judged >= sums.size() || i < epochs_before;
    const bool settled = std::abs(mean / rules.block_seconds - 1) <= 0.05;
    good = good && (!judged || settled);
    fmt::print("| {} | {:.0f} | {:.0f} |{}\n", i, mean, deviation,
               judged && !settled ? " NOT within 5 %" : "");
  }
  return good ? 0 : 1;
}
