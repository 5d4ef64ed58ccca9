// The command line: what is understood, and how each mistake is named.
#include "miner/options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace miner {
namespace {

using Arguments = std::vector<std::string>;

TEST_CASE("cpuminer's flags, short and long") {
  const auto brief = parse_options(
      {"-o", "stratum+tcp://pool.example:3334", "-u", "addr.rig", "-p", "d=1", "-t", "3", "-q"});
  REQUIRE(brief.has_value());
  CHECK_EQ(brief->pools.at(0).host, "pool.example");
  CHECK_EQ(brief->pools.at(0).port, 3334);
  CHECK_EQ(brief->pools.at(0).username, "addr.rig");
  CHECK_EQ(brief->pools.at(0).password, "d=1");
  CHECK_EQ(brief->threads, 3);
  CHECK(brief->quiet);
  CHECK_FALSE(brief->json);
  CHECK_EQ(brief->command, Command::mine);

  const auto words =
      parse_options({"--url=localhost", "--userpass", "a:b:c", "--json", "--kernel", "portable",
                     "--retry-pause", "5", "--retries=0", "--max-shares-per-second", "100"});
  REQUIRE(words.has_value());
  CHECK_EQ(words->pools.at(0).port, 3333);
  CHECK_EQ(words->pools.at(0).username, "a");
  CHECK_EQ(words->pools.at(0).password, "b:c");
  CHECK(words->json);
  CHECK_EQ(words->kernel, "portable");
  CHECK_EQ(words->retry_pause_seconds, 5);
  CHECK_EQ(words->retries, 0);
  CHECK_EQ(words->shares_per_second_max, 100);
}

TEST_CASE("bench and selftest need no pool") {
  const auto bench = parse_options({"bench", "--seconds", "1", "--json"});
  REQUIRE(bench.has_value());
  CHECK_EQ(bench->command, Command::bench);
  CHECK_EQ(bench->bench_seconds, 1);
  CHECK(bench->json);
  const auto selftest = parse_options({"selftest"});
  REQUIRE(selftest.has_value());
  CHECK_EQ(selftest->command, Command::selftest);
}

TEST_CASE("both kinds of work: which, with how many threads, and what is noted") {
  const auto usual = parse_options({"-o", "h", "-u", "a"});
  REQUIRE(usual.has_value());
  CHECK_EQ(usual->algorithm, Algorithm::sha256d);
  CHECK(usual->witness_path.empty());
  CHECK_FALSE(usual->progress);

  const auto both = parse_options({"-o", "h", "-u", "a", "-a", "both", "-t", "4",
                                   "--coherence-threads", "3", "--witness", "w.log", "--progress"});
  REQUIRE(both.has_value());
  CHECK_EQ(both->algorithm, Algorithm::both);
  CHECK_EQ(both->threads, 4);
  CHECK_EQ(both->coherence_threads, 3);
  CHECK_EQ(both->witness_path, "w.log");
  CHECK(both->progress);

  const auto one =
      parse_options({"-o", "h", "-u", "a", "--algo=coherence", "--kernel", "portable"});
  REQUIRE(one.has_value());
  CHECK_EQ(one->algorithm, Algorithm::coherence);
  CHECK_EQ(one->kernel, "portable");
}

TEST_CASE("threads: all for one kind, half for each of two, and at least one for each") {
  struct Row {
    const char* why;
    Algorithm algorithm;
    std::uint32_t threads;
    std::uint32_t coherence_threads;
    std::uint32_t cores;
    ThreadSplit expected;
  };
  const Row rows[] = {
      {"a core each", Algorithm::sha256d, 0, 0, 6, {6, 0}},
      {"cores unknown", Algorithm::sha256d, 0, 0, 0, {1, 0}},
      {"all for coherence", Algorithm::coherence, 5, 0, 6, {0, 5}},
      {"half", Algorithm::both, 4, 0, 6, {2, 2}},
      {"half of an odd number", Algorithm::both, 5, 0, 6, {3, 2}},
      {"one thread becomes two", Algorithm::both, 1, 0, 6, {1, 1}},
      {"one core becomes two", Algorithm::both, 0, 0, 1, {1, 1}},
      {"cores unknown, both", Algorithm::both, 0, 0, 0, {1, 1}},
      {"as said", Algorithm::both, 8, 7, 2, {1, 7}},
      {"more than there are cores", Algorithm::both, 0, 9, 4, {1, 9}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Options options;
    options.algorithm = row.algorithm;
    options.threads = row.threads;
    options.coherence_threads = row.coherence_threads;
    const ThreadSplit split = split_threads(options, row.cores);
    CHECK_EQ(split.sha256d, row.expected.sha256d);
    CHECK_EQ(split.coherence, row.expected.coherence);
  }
}

TEST_CASE("reserved cores and a memory limit leave fewer threads") {
  Options options;
  options.reserved_cores = 2;
  CHECK_EQ(split_threads(options, 6).sha256d, 4);
  CHECK_EQ(split_threads(options, 2).sha256d, 1);
  CHECK_EQ(split_threads(options, 0).sha256d, 1);
  options.threads = 6;  // said is said
  CHECK_EQ(split_threads(options, 6).sha256d, 6);
  options.memory_bytes_max = memory_base_bytes + 3 * memory_bytes_per_thread;
  CHECK_EQ(split_threads(options, 6).sha256d, 3);
}

TEST_CASE("how the machine is used, and what is told of it") {
  const auto options = parse_options({"-o",
                                      "h",
                                      "-u",
                                      "a",
                                      "-b",
                                      "[::1]:4028",
                                      "--nice",
                                      "19",
                                      "--cpu-affinity",
                                      "0x5",
                                      "-D",
                                      "--max-memory-gb",
                                      "1.5",
                                      "--auto-detect",
                                      "--reserved-cores",
                                      "1",
                                      "--time-limit",
                                      "10",
                                      "--report-dir",
                                      "r"});
  REQUIRE(options.has_value());
  CHECK_EQ(options->api->host, "::1");
  CHECK_EQ(options->nice, 19);
  CHECK_EQ(options->cpu_affinity, std::vector<std::uint32_t>{0, 2});
  CHECK(options->debug);
  CHECK_EQ(options->memory_bytes_max, 1'500'000'000);
  CHECK(options->auto_detect);
  CHECK_EQ(options->reserved_cores, 1);
  CHECK_EQ(options->time_limit_seconds, 10);
  CHECK_EQ(options->report_dir, "r");
  const auto usual = parse_options({"-o", "h", "-u", "a"});
  CHECK_FALSE(usual->api.has_value());
  CHECK_EQ(usual->nice, 10);
}

TEST_CASE("selftest may be given a node and a pool") {
  const auto both =
      parse_options({"selftest", "--network", "-o", "h", "-u", "a", "--solo", "http://u:p@n:1"});
  REQUIRE(both.has_value());
  CHECK(both->network);
  CHECK_EQ(both->pools.size(), 1);
  CHECK_EQ(both->solo->node.host, "n");
  const auto alone = parse_options({"selftest", "-o", "h"});  // no user: not needed
  REQUIRE(alone.has_value());
  CHECK(alone->pools.empty());
  CHECK_FALSE(parse_options({"selftest", "--network"}).has_value());
}

TEST_CASE("cpuminer's --benchmark is the command bench") {
  CHECK_EQ(parse_options({"--benchmark"})->command, Command::bench);
}

TEST_CASE("bench measures both kinds unless told which") {
  CHECK_EQ(parse_options({"bench"}).value().algorithm, Algorithm::both);
  CHECK_EQ(parse_options({"bench", "--algo", "coherence"}).value().algorithm, Algorithm::coherence);
}

const std::string header76_hex = std::string(150, '0') + "fF";

TEST_CASE("coherence-attempt says the job to the last bit") {
  const auto options = parse_options({"coherence-attempt", "--header76", header76_hex,
                                      "--extranonce", "0123456789abcdef", "--attempt",
                                      "fffffffffffffffe", "--level", "3", "--json"});
  REQUIRE(options.has_value());
  CHECK_EQ(options->command, Command::coherence_attempt);
  CHECK_EQ(options->job.header[75], 0xff);
  CHECK_EQ(options->job.header[74], 0);
  CHECK_EQ(options->job.extranonce, 0x0123456789abcdef);
  CHECK_EQ(options->job.params, 0x00010003);
  CHECK_EQ(options->attempt, 0xfffffffffffffffe);
  CHECK(options->json);
}

TEST_CASE("help and version end well") {
  const auto help = parse_options({"--help"});
  REQUIRE_FALSE(help.has_value());
  CHECK_EQ(help.error().code, 0);
  CHECK_NE(help.error().text.find("--url"), std::string::npos);
  const auto version = parse_options({"--version"});
  REQUIRE_FALSE(version.has_value());
  CHECK_EQ(version.error().code, 0);
  CHECK_EQ(version.error().text.substr(0, 11), "phaseminer ");
}

struct MistakeRow {
  const char* why;
  Arguments arguments;
  const char* named;
  const char* expected;
};

void check_mistakes(const std::vector<MistakeRow>& rows) {
  for (const MistakeRow& row : rows) {
    CAPTURE(row.why);
    const auto options = parse_options(row.arguments);
    REQUIRE_FALSE(options.has_value());
    const std::string& text = options.error().text;
    CAPTURE(text);
    CHECK_EQ(options.error().code, 2);
    CHECK_NE(text.find(row.named), std::string::npos);
    CHECK_NE(text.find(row.expected), std::string::npos);
    CHECK_EQ(text.find('\n'), text.size() - 1);
    CHECK_EQ(text.rfind("phaseminer: ", 0), 0);
  }
}

TEST_CASE("a mistake is one line that names the option, the value and what was expected; code 2") {
  const std::vector<MistakeRow> rows = {
      {"no pool", {"-u", "a"}, "--url", "expected"},
      {"no user", {"-o", "h:1"}, "--user", "expected"},
      {"threads not a number", {"-o", "h:1", "-u", "a", "-t", "x"}, "--threads \"x\"", "0 to 1024"},
      {"threads negative", {"-o", "h:1", "-u", "a", "-t", "-1"}, "--threads \"-1\"", "0 to 1024"},
      {"threads with more behind", {"-o", "h", "-u", "a", "-t", "1k"}, "\"1k\"", "whole number"},
      {"unknown kernel",
       {"-o", "h", "-u", "a", "--kernel", "cuda"},
       "--kernel \"cuda\"",
       "portable"},
      {"unsupported scheme", {"-o", "http://h:1", "-u", "a"}, "--url", "HOST:PORT"},
      {"port too large", {"-o", "h:65536", "-u", "a"}, "--url \"h:65536\"", "1 to 65535"},
      {"userpass without colon", {"-o", "h", "-O", "a"}, "--userpass: ", "user:password"},
      {"retry pause zero", {"-o", "h", "-u", "a", "-R", "0"}, "--retry-pause \"0\"", "1 to 3600"},
      {"unknown option", {"-o", "h", "-u", "a", "--bogus"}, "\"--bogus\"", "--help"},
      {"an option without its value", {"-o"}, "--url", "--help"},
      {"a port alone is too large", {"-o", "h", "-u", "a", "-b", "65536"}, "--api-bind", "PORT"},
      {"no port", {"-o", "h", "-u", "a", "-b", "h"}, "--api-bind \"h\"", "HOST:PORT"},
      {"port 0", {"-o", "h", "-u", "a", "-b", "0"}, "--api-bind \"0\"", "1 to 65535"},
      {"a core too far",
       {"-o", "h", "-u", "a", "--cpu-affinity", "1024"},
       "--cpu-affinity \"1024\"",
       "0 to 1023"},
      {"too nice", {"-o", "h", "-u", "a", "--nice", "20"}, "--nice \"20\"", "-20 to 19"},
      {"too little memory",
       {"-o", "h", "-u", "a", "--max-memory-gb", "0.1"},
       "--max-memory-gb \"0.1\"",
       "at least 0.15"},
      {"bench: bad seconds", {"bench", "--seconds", "0"}, "--seconds \"0\"", "1 to 3600"},
  };
  check_mistakes(rows);
}

TEST_CASE("mistakes about coherence work are named likewise") {
  const auto attempt = [](Arguments changed) {
    // What stands first counts, so the good values fill in.
    Arguments all{"coherence-attempt"};
    const auto given = [&](const char* name) {
      return std::find(changed.begin(), changed.end(), name) != changed.end();
    };
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::string>>{{"--header76", header76_hex},
                                                          {"--extranonce", "0000000000000000"},
                                                          {"--attempt", "0000000000000000"},
                                                          {"--level", "2"}}) {
      if (!given(name.c_str())) all.insert(all.end(), {name, value});
    }
    // A name alone: left out.
    if (changed.size() > 1) all.insert(all.end(), changed.begin(), changed.end());
    return all;
  };
  CHECK(parse_options(attempt({})).has_value());
  const std::vector<MistakeRow> rows = {
      {"unknown algorithm", {"-o", "h", "-u", "a", "-a", "scrypt"}, "--algo \"scrypt\"", "both"},
      {"a kernel of the other kind",
       {"-o", "h", "-u", "a", "-a", "coherence", "--kernel", "x86_shani"},
       "--kernel \"x86_shani\"",
       "portable"},
      {"a split of one kind",
       {"-o", "h", "-u", "a", "--coherence-threads", "1"},
       "--coherence-threads \"1\"",
       "--algo both"},
      {"no thread left",
       {"-o", "h", "-u", "a", "-a", "both", "-t", "2", "--coherence-threads", "2"},
       "--coherence-threads \"2\"",
       "fewer than the 2"},
      {"no coherence thread",
       {"-o", "h", "-u", "a", "-a", "both", "--coherence-threads", "0"},
       "--coherence-threads \"0\"",
       "1 to 1024"},
      {"a witness of no work",
       {"-o", "h", "-u", "a", "--witness", "w"},
       "--witness \"w\"",
       "--algo coherence"},
      {"progress of no work",
       {"-o", "h", "-u", "a", "--progress"},
       "--progress",
       "--algo coherence"},
      {"bench: unknown algorithm", {"bench", "--algo", "x"}, "--algo \"x\"", "sha256d"},
      {"no header", attempt({"--header76"}), "--header76 is missing", "152 hex digits"},
      {"short header", attempt({"--header76", "00"}), "--header76 \"00\"", "152 hex digits"},
      {"header not hex", attempt({"--header76", std::string(152, 'g')}), "--header76",
       "152 hex digits"},
      {"no extranonce", attempt({"--extranonce"}), "--extranonce is missing", "16 hex digits"},
      {"long extranonce", attempt({"--extranonce", std::string(17, '0')}), "--extranonce",
       "16 hex digits"},
      {"no attempt", attempt({"--attempt"}), "--attempt is missing", "16 hex digits"},
      {"attempt in decimal", attempt({"--attempt", "5"}), "--attempt \"5\"", "16 hex digits"},
      {"no level", attempt({"--level"}), "--level is missing", "0 to 5"},
      {"level too high", attempt({"--level", "6"}), "--level \"6\"", "0 to 5"},
      {"level not a number", attempt({"--level", "two"}), "--level \"two\"", "0 to 5"},
      {"unknown option", attempt({"--nonce", "1"}), "\"--nonce\"", "--help"},
  };
  check_mistakes(rows);
}

}  // namespace
}  // namespace miner
