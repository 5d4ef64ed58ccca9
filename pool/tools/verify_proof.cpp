#include "pool/tools/verify_proof.h"

#include "common/node/answers.h"
#include "common/stratum/json_text.h"
#include "pool/node/node_asker.h"
#include "pool/node/node_words.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string_view>
#include <utility>

namespace pool {

namespace {

// A coinbase may have as many outputs as fit into a block.
constexpr std::size_t outputs_told_max = 100;

base::Result<std::string, std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return base::err(std::string("can't read it"));
  // One more than may be there, so that too long a file is seen to be one.
  std::string text(block_proof_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) {
    return base::err(std::string("can't read it to its end"));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string summary(const BlockProof& proof, const BlockProofVerdict& verdict) {
  return fmt::format("{} of height {} on {}, difficulty {:.7g}, {} sats, found by {}{}{}",
                     proof.hash.display_hex(), proof.height, bitcoin::network_name(proof.network),
                     verdict.difficulty, proof.reward.value, proof.address,
                     proof.worker.empty() ? "" : ", worker ",
                     proof.worker.empty() ? "" : stratum::json::excerpt(proof.worker));
}

class FileReport {
 public:
  FileReport(const std::string& path, const VerifyReport& report) : path_(path), report_(report) {}
  bool say(bool ok, std::string part, std::string_view text) const {
    report_({ok, std::move(part), fmt::format("{}: {}", path_, text)});
    return ok;
  }

 private:
  const std::string& path_;
  const VerifyReport& report_;
};

bool tell_verdict(const BlockProof& proof, const FileReport& file) {
  const BlockProofVerdict verdict = judge_block_proof(proof);
  for (const std::string& flaw : verdict.flaws) file.say(false, "proof", flaw);
  if (!verdict.flaws.empty()) return false;
  file.say(true, "proof", summary(proof, verdict));
  std::size_t told = 0;
  for (const ProofOutput& output : verdict.outputs) {
    if (told == outputs_told_max) {
      file.say(true, "output", fmt::format("and {} more", verdict.outputs.size() - told));
      break;
    }
    file.say(true, "output", fmt::format("{} sats to {}", output.value.value, output.to));
    ++told;
  }
  return true;
}

bool ask_node(const BlockProof& proof, const rpc::RpcEndpoint& endpoint,
              std::chrono::milliseconds deadline, const FileReport& file) {
  NodeAsker node(endpoint, deadline);
  const auto wrong = [&](std::string_view what) {
    return file.say(false, "node", fmt::format("{} {}", node.name(), what));
  };
  const auto failed = [&](const rpc::RpcError& error) {
    return file.say(false, "node", describe_failure(error, endpoint));
  };
  const auto said = node.ask("getblockchaininfo", "[]");
  if (!said) return failed(said.error());
  const auto chain = node::parse_chain_info(*said);
  if (!chain) return wrong(chain.error());
  bitcoin::Network network = bitcoin::Network::mainnet;
  if (!bitcoin::network_from_name(chain->chain, network) || network != proof.network) {
    return wrong(fmt::format("is on {}, expected {}", stratum::json::excerpt(chain->chain),
                             bitcoin::network_name(proof.network)));
  }
  if (chain->height < proof.height) {
    return wrong(fmt::format("is at height {}, expected at least {}", chain->height, proof.height));
  }
  const auto there = node.ask("getblockhash", fmt::format("[{}]", proof.height));
  if (!there) return failed(there.error());
  const auto hash = node::parse_best_block(*there);  // its answer has the same form
  if (!hash) return wrong("gave no block hash for the height");
  if (*hash != proof.hash) {
    return wrong(
        fmt::format("has block {} at height {}, expected {}: it is orphaned, or was never "
                    "in a chain",
                    hash->display_hex(), proof.height, proof.hash.display_hex()));
  }
  return file.say(true, "node",
                  fmt::format("{} has it in its chain, with {} confirmations", node.name(),
                              chain->height - proof.height + 1));
}

}  // namespace

base::Result<std::optional<rpc::RpcEndpoint>, std::string> proof_node(
    const VerifyProofCommand& command) {
  if (command.node.empty()) return std::optional<rpc::RpcEndpoint>();
  auto endpoint = rpc::parse_rpc_url(command.node);
  if (!endpoint) return base::err("--node: " + endpoint.error());
  endpoint->user = command.user;
  endpoint->password = command.password;
  endpoint->cookie_file = command.cookie_file;
  return std::optional(std::move(*endpoint));
}

bool verify_proof(const std::string& path, const std::optional<rpc::RpcEndpoint>& node,
                  std::chrono::milliseconds deadline, const VerifyReport& report) {
  const FileReport file(path, report);
  const auto text = read_text(path);
  if (!text) return file.say(false, "proof", text.error());
  const auto proof = parse_block_proof(*text);
  if (!proof) return file.say(false, "proof", proof.error());
  if (!tell_verdict(*proof, file)) return false;
  return !node || ask_node(*proof, *node, deadline, file);
}

int verify_proof_command(const VerifyProofCommand& command) {
  const auto node = proof_node(command);
  if (!node) {
    std::fprintf(stderr, "phasepool: %s\n", node.error().c_str());
    return 2;
  }
  const auto print = [](const VerifyLine& line) {
    std::printf("%s\n", format_verify_line(line).c_str());
    std::fflush(stdout);
  };
  bool all = true;
  for (const std::string& path : command.files) {
    all = verify_proof(path, *node, command.deadline, print) && all;
  }
  return all ? 0 : 1;
}

}  // namespace pool
