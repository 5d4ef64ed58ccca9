#include "pool/tools/verify_chain.h"

#include "common/stratum/fields.h"
#include "pool/core/coherence_judge.h"
#include "pool/store/coherence_export.h"
#include "pool/tools/verify_coherence.h"
#include "pool/tools/verify_stretches.h"

#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace pool {
namespace {

constexpr std::size_t witness_line_bytes_max = 200;

// A job that a miner was given: on which block, for which height.
struct Witnessed {
  std::uint32_t height = 0;
  crypto::Digest prev_hash{};
};

// "height prev_hash time"
std::optional<Witnessed> parse_witness_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = line.find(' ', first + 1);
  const auto height = stratum::parse_decimal(line.substr(0, first));
  Witnessed seen;
  const std::string_view hash = line.substr(first + 1, second - first - 1);
  if (!height || *height > std::numeric_limits<std::uint32_t>::max() ||
      second == std::string_view::npos || !base::decode_hex(hash, seen.prev_hash)) {
    return std::nullopt;
  }
  seen.height = static_cast<std::uint32_t>(*height);
  return seen;
}

std::string witness_flaw(const Witnessed& seen, const std::vector<CoherenceBlockRecord>& blocks) {
  if (seen.height == 0) {
    if (seen.prev_hash == crypto::Digest{}) return {};
    return "height 0 has no block before it, but was mined on " + base::to_hex(seen.prev_hash);
  }
  const std::uint32_t before = seen.height - 1;
  if (before >= blocks.size()) {
    return fmt::format(
        "height {} was mined on {}, but the chain here has no block {}: it was cut, "
        "or is older than the log",
        seen.height, base::to_hex(seen.prev_hash), before);
  }
  if (blocks[before].hash == seen.prev_hash) return {};
  return fmt::format("height {} was mined on {}, but block {} is {}", seen.height,
                     base::to_hex(seen.prev_hash), before, base::to_hex(blocks[before].hash));
}

bool verify_witness(const std::string& path, const std::vector<CoherenceBlockRecord>& blocks,
                    const VerifyReport& report) {
  std::size_t good = 0;
  std::size_t bad = 0;
  const auto on_line = [&](std::size_t number, const std::string& line) {
    const auto seen = parse_witness_line(line);
    const std::string flaw =
        seen ? witness_flaw(*seen, blocks)
             : std::string("expected \"height prev_hash time\", with a hash of 64 hex digits");
    ++(flaw.empty() ? good : bad);
    if (!flaw.empty()) {
      report({false, "witness", fmt::format("{} line {}: {}", path, number, flaw)});
    }
  };
  const auto read = for_each_line(path, witness_line_bytes_max, on_line);
  if (!read) {
    report({false, "witness", read.error()});
    return false;
  }
  if (good + bad == 0) {
    report({false, "witness", path + ": no job in it to hold the chain against"});
    return false;
  }
  report({bad == 0, "witness",
          fmt::format("{}: {} jobs are of this chain, {} are not", path, good, bad)});
  return bad == 0;
}

bool verify_blocks(const ProofChain& chain, const VerifyReport& report) {
  ChainJudge judge(chain.rules);
  bool all = true;
  for (const CoherenceBlockRecord& block : chain.blocks) {
    const auto proof = chain.proofs.find(block.hash);
    const std::string flaw =
        judge.add(block, proof == chain.proofs.end() ? nullptr : &proof->second);
    if (flaw.empty()) continue;
    all = false;
    report({false, "block", fmt::format("{}: {}", block.height, flaw)});
  }
  return all;
}

}  // namespace

bool verify_chain(const ProofChain& chain, const std::vector<std::string>& journals,
                  const std::vector<std::string>& witnesses, const VerifyReport& report) {
  bool all = verify_blocks(chain, report);
  StretchCounts counts;
  all = verify_stretches(chain.blocks, journals, report, counts) && all;
  for (const std::string& witness : witnesses) {
    all = verify_witness(witness, chain.blocks, report) && all;
  }
  const std::string tip = chain.blocks.empty() ? std::string("no tip yet")
                                               : "tip " + base::to_hex(chain.blocks.back().hash);
  report({all, "chain",
          fmt::format("{} blocks, {}; stretches of journals: {} good, {} not, {} not here",
                      chain.blocks.size(), tip, counts.good, counts.wrong, counts.not_here)});
  return all;
}

base::Result<ProofChain, std::string> read_chain_rows(const std::string& database) {
  ProofChain chain;
  bool has_rules = false;
  const CoherenceExport out{
      .on_rules =
          [&](const coherence::ChainRules& rules) {
            chain.rules = rules;
            has_rules = true;
          },
      .on_block = [&](const CoherenceBlockRecord& block) { chain.blocks.push_back(block); },
      .on_proof =
          [&](const CoherenceProof& proof) { chain.proofs.emplace(proof.work_hash, proof); }};
  const auto read = read_coherence_export(database, {}, out);
  if (!read) return base::err(read.error());
  if (!has_rules) return base::err(std::string("the database has no proof chain yet"));
  return chain;
}

int verify_chain_command(const VerifyChainCommand& command) {
  const auto chain =
      command.folder.empty() ? read_chain_rows(command.database) : read_chain_files(command.folder);
  if (!chain) {
    std::fprintf(stderr, "phasepool: %s\n", chain.error().c_str());
    return 1;
  }
  std::vector<std::string> journals = command.journals;
  if (!command.folder.empty()) journals.push_back(command.folder);
  const auto print = [](const VerifyLine& line) {
    std::printf("%s\n", format_verify_line(line).c_str());
    std::fflush(stdout);
  };
  return verify_chain(*chain, journals, command.witnesses, print) ? 0 : 1;
}

}  // namespace pool
