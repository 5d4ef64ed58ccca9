// `phasepool verify proof`: is a found block's proof record true? Offline, from the record alone,
// as it is downloaded from /api/v1/blocks/{hash}/proof; on request a node is asked as well.
//
//   ok    proof      block-101.json: 00ab… of height 101 on regtest, difficulty 4.656542e-10, …
//   ok    output     block-101.json: 5000000000 sats to bcrt1q…
//   ok    node       block-101.json: 127.0.0.1:18443 has it in its chain, with 3 confirmations
//   FAIL  proof      block-102.json: height is 103, but the coinbase says 102
//
// What is judged, and what can't be, says pool/core/block_proof.h. The node is asked which block it
// has at that height: what its chain holds had to do the work of that time.
//
// Errors: a FAIL line for each thing that does not hold names it, its value and what was expected.
// Thread: the caller's, which it blocks, for each file at most `deadline` on the node.
#pragma once

#include "common/rpc/rpc_client.h"
#include "pool/core/block_proof.h"
#include "pool/tools/verify.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct VerifyProofCommand {
  std::vector<std::string> files;
  // Of the node, if one is to be asked.
  std::string node;  // http://host:port
  std::string user;
  std::string password;
  std::string cookie_file;
  std::chrono::milliseconds deadline{10'000};
};

// How the node of a command is asked, if one is; its error is one line.
[[nodiscard]] base::Result<std::optional<rpc::RpcEndpoint>, std::string> proof_node(
    const VerifyProofCommand& command);

// True when nothing is wrong with the file.
bool verify_proof(const std::string& path, const std::optional<rpc::RpcEndpoint>& node,
                  std::chrono::milliseconds deadline, const VerifyReport& report);

// The command: prints the lines and returns the exit code: 0, 1, or 2 for a wrong command line.
int verify_proof_command(const VerifyProofCommand& command);

}  // namespace pool
