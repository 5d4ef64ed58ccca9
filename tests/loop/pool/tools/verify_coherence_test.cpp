#include "pool/tools/verify_coherence.h"

#include "tests/loop/pool/journal/journal_fixture.h"
#include "tests/unit/pool/core/chain_maker.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using journal_test::TemporaryFolder;
using journal_test::write_file;

namespace {

struct Verdict {
  bool all = false;
  std::vector<std::string> fails;
  std::vector<std::string> good;
};

Verdict verify(const std::string& path) {
  Verdict verdict;
  verdict.all = pool::verify_coherence({path}, [&](const pool::VerifyLine& line) {
    (line.ok ? verdict.good : verdict.fails).push_back(line.text);
  });
  return verdict;
}

Verdict verify_text(const std::string& text) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/proofs.jsonl";
  write_file(path, base::as_bytes(text));
  Verdict verdict = verify(path);
  for (auto* lines : {&verdict.fails, &verdict.good}) {
    for (std::string& line : *lines) {
      REQUIRE(line.starts_with(path));
      line.erase(0, path.size() + 1);
    }
  }
  return verdict;
}

std::string proof_line(std::uint64_t extranonce) {
  return pool::write_coherence_proof(
      chain_test::mine({{}, extranonce, coherence::params_of(0)}, base::U256::max() >> 1));
}

}  // namespace

TEST_CASE("true proofs, one or many, whatever the line's end") {
  const std::string line = proof_line(1);
  for (const std::string& text : {line, line + "\n", line + "\r\n", "\n\n" + line + "\n\n"}) {
    const Verdict verdict = verify_text(text);
    CHECK(verdict.all);
    REQUIRE(verdict.good.size() == 2);
    CHECK(verdict.good[0].find(", level 0, bloom ") != std::string::npos);
    CHECK(verdict.good[0].ends_with(", 2692 rounds"));
    CHECK(verdict.good[1] == " 1 proofs, 0 of them not true");
  }
}

TEST_CASE("a file without a proof proves nothing: it may have been cut") {
  for (const char* text : {"", "\n\r\n"}) {
    const Verdict verdict = verify_text(text);
    CHECK_FALSE(verdict.all);
    REQUIRE(verdict.fails.size() == 1);
    CHECK(verdict.fails[0] == " no proof in it");
  }
}

TEST_CASE("a proof that stands in a file twice is told") {
  const std::string first = proof_line(1);
  const std::string other = proof_line(2);
  std::string false_copy = first;  // the same work hash, but not true: it takes no one's place
  false_copy.replace(false_copy.find("\"extranonce\":\"") + 14, 16, "00000000000000ff");
  const Verdict verdict =
      verify_text(false_copy + "\n" + first + "\n" + other + "\n" + first + "\n");
  CHECK_FALSE(verdict.all);
  REQUIRE(verdict.fails.size() == 3);
  CHECK(verdict.fails[0].starts_with("line 1: replay: "));
  CHECK(verdict.fails[1] == "line 4: it is the proof of line 2 again, which counts once");
  CHECK(verdict.fails[2] == " 4 proofs, 1 of them not true, 1 there before");
}

TEST_CASE("the line that fails is named, with the step, and the others are checked all the same") {
  std::string bad = proof_line(2);
  bad.replace(bad.find("\"extranonce\":\"") + 14, 16, "00000000000000ff");
  const std::string text = proof_line(1) + "\n" + bad + "\n\nnonsense\n" + std::string(70000, 'x') +
                           "\n" + proof_line(3);
  const Verdict verdict = verify_text(text);
  CHECK_FALSE(verdict.all);
  REQUIRE(verdict.fails.size() == 4);
  CHECK(verdict.fails[0].starts_with("line 2: replay: "));
  CHECK(verdict.fails[1] == "line 4: form: line is nonsense, not a JSON object");
  CHECK(verdict.fails[2] == "line 5: form: line is 4097 bytes, not at most 4096");
  CHECK(verdict.fails[3] == " 5 proofs, 3 of them not true");
  REQUIRE(verdict.good.size() == 2);
  CHECK(verdict.good[1].starts_with("line 6: "));
}

TEST_CASE("what can't be read is told") {
  const TemporaryFolder folder;
  Verdict verdict = verify(folder.path() + "/none");
  CHECK_FALSE(verdict.all);
  CHECK(verdict.fails[0] == folder.path() + "/none: can't read it");
  verdict = verify(folder.path());
  CHECK_FALSE(verdict.all);
  CHECK(verdict.fails[0].starts_with(folder.path() + ": can't read it"));
}
