#include "pool/tools/verify_coherence.h"

#include "pool/core/coherence_judge.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <utility>

namespace pool {
namespace {

// The lines of a file that hold true proofs, by work hash.
using ProofLines = std::map<crypto::Digest, std::size_t>;

// What a line proves, or why not. A proof that an earlier line holds is an error with that line's
// number in `before`.
base::Result<std::string, std::string> judge_line(std::size_t number, const std::string& line,
                                                  ProofLines& lines, std::size_t& before) {
  const auto proof = parse_coherence_proof(line);
  if (!proof) return base::err("form: " + proof.error());
  const auto facts = judge_proof(*proof);
  if (!facts) {
    return base::err(fmt::format("{}: {}", name_of(facts.error().step), facts.error().why));
  }
  const auto [found, is_new] = lines.try_emplace(proof->work_hash, number);
  if (!is_new) {
    before = found->second;
    return base::err(
        fmt::format("it is the proof of line {} again, which counts once", found->second));
  }
  return fmt::format("{}, level {}, bloom {} to {}, {} rounds", base::to_hex(proof->work_hash),
                     facts->level, facts->bloom_start, facts->bloom_end, facts->work.decimal());
}

bool verify_file(const std::string& path, const VerifyReport& report) {
  ProofLines lines;
  std::size_t untrue = 0;
  std::size_t again = 0;
  const auto read = for_each_line(
      path, coherence_proof_line_bytes_max, [&](std::size_t number, const std::string& line) {
        std::size_t before = 0;
        const auto judged = judge_line(number, line, lines, before);
        if (!judged) ++(before == 0 ? untrue : again);
        report({judged.has_value(), "proof",
                fmt::format("{} line {}: {}", path, number, judged ? *judged : judged.error())});
      });
  if (!read) {
    report({false, "coherence", read.error()});
    return false;
  }
  const std::size_t proofs = lines.size() + untrue + again;
  if (proofs == 0) {
    report({false, "coherence", path + ": no proof in it"});
    return false;
  }
  std::string text = fmt::format("{}: {} proofs, {} of them not true", path, proofs, untrue);
  if (again > 0) text += fmt::format(", {} there before", again);
  const bool all = untrue + again == 0;
  report({all, "coherence", text});
  return all;
}

}  // namespace

base::Result<void, std::string> for_each_line(
    const std::string& path, std::size_t bytes_max,
    const std::function<void(std::size_t number, const std::string& line)>& on_line) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return base::err(path + ": can't read it");
  std::string line;
  std::size_t number = 1;
  const auto end_line = [&] {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) on_line(number, line);
    line.clear();
    ++number;
  };
  std::string chunk(64 * 1024, '\0');
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), file.gcount() > 0) {
    for (const char c :
         std::string_view(chunk).substr(0, static_cast<std::size_t>(file.gcount()))) {
      if (c == '\n') {
        end_line();
      } else if (line.size() <= bytes_max) {
        line.push_back(c);
      }
    }
  }
  if (file.bad() || !file.eof()) return base::err(path + ": can't read it to its end");
  if (!line.empty()) end_line();
  return {};
}

bool verify_coherence(const std::vector<std::string>& paths, const VerifyReport& report) {
  bool all = true;
  for (const std::string& path : paths) all = verify_file(path, report) && all;
  return all;
}

int verify_coherence_command(const std::vector<std::string>& paths) {
  const auto print = [](const VerifyLine& line) {
    std::printf("%s\n", format_verify_line(line).c_str());
    std::fflush(stdout);
  };
  return verify_coherence(paths, print) ? 0 : 1;
}

}  // namespace pool
