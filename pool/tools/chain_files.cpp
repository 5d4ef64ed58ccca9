#include "pool/tools/chain_files.h"

#include "pool/tools/verify_coherence.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <system_error>

namespace pool {
namespace {

// Reads a file line by line; on_line returns what is wrong with one, "" for nothing.
template <class OnLine>
base::Result<void, std::string> parse_lines(const std::string& path, std::size_t bytes_max,
                                            OnLine&& on_line) {
  std::string error;
  const auto read =
      for_each_line(path, bytes_max, [&](std::size_t number, const std::string& line) {
        if (!error.empty()) return;
        const std::string why = on_line(line);
        if (!why.empty()) error = fmt::format("{} line {}: {}", path, number, why);
      });
  if (!read) return base::err(read.error());
  if (!error.empty()) return base::err(error);
  return {};
}

}  // namespace

base::Result<ProofChain, std::string> read_chain_files(const std::string& folder) {
  ProofChain chain;
  std::set<crypto::Digest> hashes;
  bool has_rules = false;
  const auto on_chain_line = [&](const std::string& line) {
    if (!has_rules) {
      const auto rules = parse_coherence_rules(line);
      if (!rules) return rules.error();
      chain.rules = *rules;
      has_rules = true;
      return std::string();
    }
    auto block = parse_coherence_block(line);
    if (!block) return block.error();
    hashes.insert(block->hash);
    chain.blocks.push_back(std::move(*block));
    return std::string();
  };
  const std::string chain_path = folder + "/" + coherence_chain_name;
  auto read = parse_lines(chain_path, coherence_block_line_bytes_max, on_chain_line);
  if (!read) return base::err(read.error());
  if (!has_rules) return base::err(chain_path + ": it is empty; expected the chain's rules");
  const auto on_proof_line = [&](const std::string& line) {
    const auto proof = parse_coherence_proof(line);
    if (!proof) return proof.error();
    if (hashes.contains(proof->work_hash)) chain.proofs.emplace(proof->work_hash, *proof);
    return std::string();
  };
  const std::string proofs_path = folder + "/" + coherence_proofs_name;
  std::error_code error;
  if (chain.blocks.empty() && !std::filesystem::exists(proofs_path, error) && !error) return chain;
  read = parse_lines(proofs_path, coherence_proof_line_bytes_max, on_proof_line);
  if (!read) return base::err(read.error());
  return chain;
}

}  // namespace pool
