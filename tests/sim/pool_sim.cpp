// pool_sim: the pool in a simulated world, one seed after the other (README.md).
//
// usage: pool_sim [--seed N | --seeds FROM..TO] [--hours H] [--break NAME] [--no-faults]
//                 [--trace] [--verbose] [--replay]
//   --hours H     virtual hours of each seed (default 1)
//   --break NAME  break something on purpose (breakage.h): an oracle must see it; of the faults,
//   only
//                 those that it takes to show
//   --no-faults   nothing goes wrong
//   --trace       print every message
//   --verbose     print what was drawn and counted, also of seeds that held
//   --replay      run each seed twice; both must be the same to the last message
//
// Exit status: 0 when every oracle held, 1 when one did not, 2 for a wrong command line.
#include "common/log.h"
#include "tests/sim/world.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace {

struct Command {
  sim::WorldOptions world;
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 1;
  bool verbose = false;
  bool replay = false;
};

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_seeds(std::string_view text, Command& command) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return false;
  return read_number(text.substr(0, dots), command.first_seed) &&
         read_number(text.substr(dots + 2), command.last_seed) &&
         command.first_seed <= command.last_seed;
}

// False: there is no such option, or its value is none.
bool read_option(std::string_view name, std::string_view value, Command& command) {
  if (name == "--seed") {
    return read_number(value, command.first_seed) && read_number(value, command.last_seed);
  }
  if (name == "--seeds") return read_seeds(value, command);
  if (name == "--hours") {
    return read_number(value, command.world.hours) && command.world.hours > 0;
  }
  if (name != "--break") return false;
  const auto how = sim::break_from_name(value);
  if (how) command.world.broken = *how;
  return how.has_value();
}

std::optional<Command> read_command(int argc, char** argv) {
  Command command;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--no-faults") {
      command.world.faults = false;
    } else if (name == "--trace") {
      command.world.print_all = true;
    } else if (name == "--verbose") {
      command.verbose = true;
    } else if (name == "--replay") {
      command.replay = true;
    } else if (i + 1 == argc || !read_option(name, argv[++i], command)) {
      fmt::print(stderr, "pool_sim: '{}' is no option, or its value is wrong; see pool_sim.cpp\n",
                 name);
      return std::nullopt;
    }
  }
  return command;
}

struct Outcome {
  bool held = false;
  std::uint64_t digest = 0;
  sim::Transcript::Tally tally;
};

Outcome run_seed(const Command& command, std::uint64_t seed) {
  sim::WorldOptions options = command.world;
  options.seed = seed;
  sim::World world(options);
  Outcome outcome;
  outcome.held = world.run();
  const sim::Environment& env = world.environment();
  outcome.digest = env.transcript.digest();
  outcome.tally = env.transcript.tally();
  if (command.verbose || !outcome.held) {
    fmt::print("seed {}\n{}{}", seed, world.drawn(), world.result());
  }
  if (!outcome.held) {
    fmt::print("oracle failed: {}\nreplay: pool_sim --seed {} --hours {}\n", env.oracle.failure(),
               seed, options.hours);
  }
  if (command.verbose || !outcome.held) {
    fmt::print("seed {}: {} messages, digest {:016x}\n", seed, env.transcript.messages(),
               outcome.digest);
  }
  std::fflush(stdout);
  return outcome;
}

void print_tally(const sim::Transcript::Tally& tally) {
  for (const auto& [message, count] : tally) {
    fmt::print("{:>9} {} {}\n", count, message.first, message.second);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto command = read_command(argc, argv);
  if (!command) return 2;
  logging::configure(logging::Level::critical, logging::Format::text);
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t failed = 0;
  sim::Transcript::Tally in_all;
  for (std::uint64_t seed = command->first_seed; seed <= command->last_seed; ++seed) {
    const Outcome outcome = run_seed(*command, seed);
    if (!outcome.held) ++failed;
    for (const auto& [message, count] : outcome.tally) in_all[message] += count;
    if (!command->replay || run_seed(*command, seed).digest == outcome.digest) continue;
    fmt::print("seed {}: two runs were not the same\n", seed);
    ++failed;
  }
  if (command->verbose) print_tally(in_all);
  const std::uint64_t seeds = command->last_seed - command->first_seed + 1;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
  fmt::print("{} pool-hours of {} seeds in {:.1f} s: {}\n",
             command->world.hours * static_cast<double>(seeds), seeds, taken.count(),
             failed == 0 ? "every oracle held" : fmt::format("{} seeds failed", failed));
  return failed == 0 ? 0 : 1;
}
