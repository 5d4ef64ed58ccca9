// A found block as a file of the vault holds it (pool/node/block_vault.h); the pool and
// `phasepool verify` agree on this page.
//
//   <hash>.block   line 1: the block in hex
//                  line 2: the hex of its BlockCandidateRecord as a frame of the journal; optional
//
// An operator can submit one by hand with `bitcoin-cli -stdin submitblock`: it takes a line as a
// parameter, and submitblock ignores its second one.
//
// Errors: why a text is no block of this hash, to follow the file's name and ": ".
// Thread: pure functions.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/hash.h"
#include "pool/core/journal_format.h"
#include "pool/core/limits.h"
#include "pool/core/records.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

inline constexpr std::string_view vault_extension = ".block";
inline constexpr std::string_view vault_unfinished_extension = ".tmp";  // behind the other
// Hex of the heaviest block (4,000,000 bytes) and of the longest record, and the newlines.
inline constexpr std::size_t vault_file_bytes_max =
    2 * 4'000'000 + 1 + 2 * (limits::journal_record_bytes_max + frame_overhead_bytes) + 1;

struct VaultedBlock {
  bitcoin::BlockHash hash;
  std::shared_ptr<const std::string> hex;  // without the newline
  std::optional<BlockCandidateRecord> candidate;
};

enum class VaultFate { done, rejected };  // where a settled block is kept

std::string vault_file_name(const bitcoin::BlockHash& hash);
// The hash in "<hash>.block", or in "<hash>.block.tmp".
std::optional<bitcoin::BlockHash> parse_vault_file_name(std::string_view name);

// All that follows the block's hex in its file.
std::string vault_file_rest(const std::optional<BlockCandidateRecord>& candidate);

struct VaultFile {
  VaultedBlock block;
  std::string why_no_record;  // set: there is a second line, and it is not this block's record
};
// Checks that it is complete and that its header has this hash; a bad record does not keep the
// block back.
[[nodiscard]] base::Result<VaultFile, std::string> parse_vault_file(std::string text,
                                                                    const bitcoin::BlockHash& hash);
// What an interrupted write left: as above, if the block's line is whole and holds all the
// transactions that its header commits to. A record that is not whole is left out.
[[nodiscard]] base::Result<VaultFile, std::string> parse_unfinished_vault_file(
    std::string text, const bitcoin::BlockHash& hash);

}  // namespace pool
