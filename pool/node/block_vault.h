// BlockVault: found blocks on disk, so that none is lost however the pool or the node ends.
//
//   <data_dir>/vault/<hash>.block           not settled yet: submitted again at the next start
//   <data_dir>/vault/done/<hash>.block      a node knows it; the newest files are kept
//   <data_dir>/vault/rejected/<hash>.block  every node refused it; likewise
//
// A file holds two lines: the block in hex, and the hex of its BlockCandidateRecord as a frame of
// the journal (pool/core/journal_format.h). An operator can submit one by hand with
// `bitcoin-cli -stdin submitblock`: it takes a line as a parameter, and submitblock ignores its
// second one. The second line may be missing. A file is written under another name, fsynced,
// renamed, and the folder is fsynced, so one with the right name is whole; its header must also
// hash to its name.
//
// Errors: one line that names the file and the system's reason.
// Thread: the loop's; store() and retire() do their work on libuv's pool. open() and load() block
//         and are for the start, before the loop runs.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/hash.h"
#include "common/uv/loop.h"
#include "pool/core/records.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct VaultedBlock {
  bitcoin::BlockHash hash;
  std::shared_ptr<const std::string> hex;  // without the newline
  std::optional<BlockCandidateRecord> candidate;
};

struct VaultContents {
  std::vector<VaultedBlock> blocks;
  // One line per file that is not a whole block, or whose record is none (the block is in
  // `blocks`).
  std::vector<std::string> ignored;
};

class BlockVault {
 public:
  using Outcome = base::Result<void, std::string>;
  using OnDone = std::function<void(Outcome)>;
  enum class Fate { done, rejected };

  BlockVault(uv::Loop& loop, const std::string& data_dir);
  BlockVault(const BlockVault&) = delete;
  BlockVault& operator=(const BlockVault&) = delete;

  // Makes the folders.
  [[nodiscard]] Outcome open();
  // The blocks that are not settled; removes what an interrupted write left behind.
  [[nodiscard]] base::Result<VaultContents, std::string> load();

  // `on_done` comes when the block is on disk, fsynced, or can't be. May be called before open():
  // then the folders are made on the way.
  void store(const VaultedBlock& block, OnDone on_done);
  // Moves a stored block out of the way of the next start.
  void retire(const bitcoin::BlockHash& hash, Fate fate, OnDone on_done);

 private:
  uv::Loop& loop_;
  const std::string folder_;
};

}  // namespace pool
