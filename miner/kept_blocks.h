// KeptBlocks: solo blocks in files, so that none is lost while no node has taken it.
//
// One file a block, `phaseminer-block-HASH.hex`, its text what submitblock takes. A file is whole
// or not there: it is written beside, synced, and renamed. What lies there from an earlier run is
// read back only where its header hashes to the name.
//
// Thread: the caller's; it waits for the disk, once a found block.
// Errors: as text, with the path and the system's reason.
#pragma once

#include "common/base/result.h"
#include "miner/solo_client.h"

#include <cstddef>
#include <string>
#include <vector>

namespace miner {

class KeptBlocks {
 public:
  // A hex text of the heaviest block, and some.
  static constexpr std::size_t file_bytes_max = std::size_t{9} << 20;

  explicit KeptBlocks(std::string folder) : folder_(std::move(folder)) {}

  std::string path_of(const bitcoin::BlockHash& hash) const;
  [[nodiscard]] base::Result<void, std::string> keep(const SoloBlock& block) const;
  // It is no error that there is no such file.
  void remove(const bitcoin::BlockHash& hash) const;

  struct Found {
    std::vector<SoloBlock> blocks;      // `blocks_max` at most, without ids
    std::vector<std::string> problems;  // a file each that is none of ours, or can't be read
    std::size_t left = 0;               // further files, not looked at
  };
  Found find(std::size_t blocks_max) const;

 private:
  base::Result<SoloBlock, std::string> read(const std::string& path) const;

  std::string folder_;
};

}  // namespace miner
