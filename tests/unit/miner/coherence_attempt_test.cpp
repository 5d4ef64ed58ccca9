// One attempt replayed: the specification's known answers, as JSON, as text, and with its progress.
#include "miner/coherence_attempt.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace miner {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Options parsed(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "coherence-attempt");
  const auto options = parse_options(arguments);
  REQUIRE(options.has_value());
  return *options;
}

struct Run {
  int exit_code = 0;
  std::string printed;
};
Run run(const Options& options) {
  const std::unique_ptr<std::FILE, CloseFile> out(std::tmpfile());
  REQUIRE(out != nullptr);
  Run result;
  result.exit_code = run_coherence_attempt(options, out.get());
  std::rewind(out.get());
  result.printed.resize(65536);
  result.printed.resize(std::fread(result.printed.data(), 1, 65536, out.get()));
  return result;
}

// KAT1 and KAT2 of docs/coherence.md, section "Known answers".
std::vector<std::string> kat1() {
  return {"--header76", std::string(152, '0'), "--extranonce", "0000000000000000",
          "--attempt",  "0000000000000000",    "--level",      "2"};
}
constexpr const char* header_of_kat2 =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
    "2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b";
std::vector<std::string> kat2() {
  return {"--header76", header_of_kat2,     "--extranonce", "0123456789abcdef",
          "--attempt",  "00000000000003e9", "--level",      "3"};
}
std::vector<std::string> with(std::vector<std::string> arguments, const char* flag) {
  arguments.emplace_back(flag);
  return arguments;
}

// What stands before and behind the certificate, which the hashes commit to.
void check_json(const std::string& json, const std::string& begin, const std::string& end) {
  CHECK_EQ(json.substr(0, begin.size()), begin);
  REQUIRE_GE(json.size(), end.size());
  CHECK_EQ(json.substr(json.size() - end.size()), end);
  CHECK_EQ(json.size(), begin.size() + 664 + end.size());
}

TEST_CASE("KAT1 and KAT2 as JSON, with exactly the documented keys") {
  const Run first = run(parsed(with(kat1(), "--json")));
  CHECK_EQ(first.exit_code, 0);
  check_json(
      first.printed,
      R"({"seed":"a6ab0dc6086c183eaf7d02a0bc795286ae9914a173006043a6573938a6afce10","bloom":true,)"
      R"("bloom_start":5654,"bloom_end":5660,"r_q":58321,"psi_q":22086,"certificate":")",
      R"(","cert_hash":"afe6871b2223869c5f02fb5f6dec794be40e16ff804d7e13d2047731eeefc1a7",)"
      R"("work_hash":"c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b"})"
      "\n");
  const Run second = run(parsed(with(kat2(), "--json")));
  CHECK_EQ(second.exit_code, 0);
  check_json(
      second.printed,
      R"({"seed":"41dafed3701433f9750ef315b5a55115bd92573c65126f4374804d2fff7e2f33","bloom":true,)"
      R"("bloom_start":9419,"bloom_end":9425,"r_q":57233,"psi_q":29191,"certificate":")",
      R"(","cert_hash":"f102162a89a3b9c000e7bcd02d0537ce344821f846cf265a68ba8d4486cdefb8",)"
      R"("work_hash":"3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030f5c0e2e386e9a611"})"
      "\n");
}

TEST_CASE("an attempt that is void: nulls, and exit code 1") {
  std::vector<std::string> arguments = kat1();
  arguments.back() = "5";  // one in a thousand blooms there, and this is none of them
  const Run json = run(parsed(with(arguments, "--json")));
  CHECK_EQ(json.exit_code, 1);
  CHECK_NE(json.printed.find(
               R"("bloom":false,"bloom_start":null,"bloom_end":null,"r_q":null,"psi_q":null,)"
               R"("certificate":null,"cert_hash":null,"work_hash":null})"),
           std::string::npos);
  const Run text = run(parsed(arguments));
  CHECK_EQ(text.exit_code, 1);
  CHECK_NE(text.printed.find("no bloom among its 15127 states"), std::string::npos);
}

TEST_CASE("the same for people") {
  const Run text = run(parsed(kat1()));
  CHECK_EQ(text.exit_code, 0);
  for (const char* part :
       {"states 5654 to 5660", "58321 (r = 0.88991)", "22086", "c49efeb9cbaa2f"}) {
    CAPTURE(part);
    CHECK_NE(text.printed.find(part), std::string::npos);
  }
}

TEST_CASE("progress: every hundredth state, and the one it blooms in, before the result") {
  const Run run_with = run(parsed(with(kat1(), "--progress")));
  // r of the known answer's states 0, 1000 and 5000; the root of what r_q is in 1/65536.
  CHECK_EQ(
      run_with.printed.rfind("{\"round\":0,\"r\":0.05911}\n{\"round\":100,\"r\":0.24057}\n", 0), 0);
  CHECK_NE(run_with.printed.find("{\"round\":1000,\"r\":0.69930}\n"), std::string::npos);
  CHECK_NE(run_with.printed.find("{\"round\":5660,\"r\":0.88991}\nattempt "), std::string::npos);
  const auto lines = std::count(run_with.printed.begin(), run_with.printed.end(), '{');
  CHECK_EQ(lines, 58);  // 0, 100 … 5600, 5660
}

}  // namespace
}  // namespace miner
