// BlockVault: found blocks on disk, so that none is lost however the pool or the node ends.
//
//   <data_dir>/vault/<hash>.block           not settled yet: submitted again at the next start
//   <data_dir>/vault/done/<hash>.block      a node knows it; the newest files are kept
//   <data_dir>/vault/rejected/<hash>.block  every node refused it; likewise
//
// What a file holds stands in pool/core/vault_file.h. It is written under another name, fsynced,
// renamed, and the folder is fsynced, so one with the right name is whole; its header must also
// hash to its name. A file that was left under the other name is taken up too if the block in it is
// whole: from the end of its fsync on, no block is lost.
//
// Errors: one line that names the file and the system's reason.
// Thread: the loop's; store() and retire() do their work on a thread of the vault's own, so that a
//         disk that hangs holds up nothing else. open() and load() block and are for the start,
//         before the loop runs. The destructor waits for the work that is under way.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/hash.h"
#include "common/uv/loop.h"
#include "common/uv/worker.h"
#include "pool/core/vault_file.h"

#include <functional>
#include <string>
#include <vector>

namespace pool {

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
  using Fate = VaultFate;

  BlockVault(uv::Loop& loop, const std::string& data_dir);
  BlockVault(const BlockVault&) = delete;
  BlockVault& operator=(const BlockVault&) = delete;

  // Makes the folders.
  [[nodiscard]] Outcome open();
  // The blocks that are not settled; finishes what an interrupted write left behind, or removes it.
  [[nodiscard]] base::Result<VaultContents, std::string> load();

  // `on_done` comes when the block is on disk, fsynced, or can't be. May be called before open():
  // then the folders are made on the way.
  void store(const VaultedBlock& block, OnDone on_done);
  // Moves a stored block out of the way of the next start.
  void retire(const bitcoin::BlockHash& hash, Fate fate, OnDone on_done);

 private:
  void run(std::function<Outcome()> act, OnDone on_done);

  const std::string folder_;
  uv::Worker worker_;
};

}  // namespace pool
