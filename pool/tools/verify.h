// `phasepool verify`: are the found blocks on disk whole? Reads files of the vault and changes
// nothing.
//
//   ok    unsettled  …/vault/00ab….block  height 12, 3 transactions, weight 3,204, …
//   FAIL  done       …/vault/done/00cd….block: its merkle root is not that of its transactions
//
// A block is whole when its header hashes to the file's name and meets its own target, its merkle
// root and witness commitment are those of its transactions, its coinbase has a height, and it is
// not too heavy; and when all this is what its record says, where it has one: header, coinbase,
// height, reward and merkle branch.
//
// Errors: a FAIL line names the file and says what does not hold.
// Thread: the caller's, which it blocks.
#pragma once

#include "pool/core/vault_file.h"

#include <functional>
#include <string>
#include <vector>

namespace pool {

struct VerifyLine {
  bool ok = false;
  std::string part;  // "block", "unsettled", "done", "rejected", "vault"
  std::string text;  // one line, with the file's path
};
using VerifyReport = std::function<void(const VerifyLine&)>;

// What a good block is, for the operator; why it is not one.
[[nodiscard]] base::Result<std::string, std::string> judge_vaulted_block(const VaultFile& file);

// True when every one is whole; each is told.
bool verify_block_files(const std::vector<std::string>& paths, const VerifyReport& report);
bool verify_vault(const std::string& data_dir, const VerifyReport& report);

// The block's line, in hex, as `bitcoin-cli -stdin submitblock < OUT` takes it.
[[nodiscard]] base::Result<void, std::string> export_block(const std::string& path,
                                                           const std::string& out);

// "ok    unsettled  …", without a newline.
std::string format_verify_line(const VerifyLine& line);

// The commands: print the lines and return the exit code, 0 or 1. `out` may be empty.
int verify_block_command(const std::vector<std::string>& paths, const std::string& out);
int verify_vault_command(const std::string& data_dir);

}  // namespace pool
