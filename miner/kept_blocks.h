// KeptBlocks: solo blocks in files, so that none is lost while no node has taken it.
//
// One file a block, `phaseminer-block-HASH.hex`, its text what submitblock takes. A file is whole
// or not there: it is written beside, synced, and renamed, and the folder synced, so that its name
// outlives a power cut too. What lies there from an earlier run is read back only where its header
// hashes to the name.
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

  // Of our names; other files of the folder do not count.
  static constexpr std::size_t files_listed_max = 10'000;

  explicit KeptBlocks(std::string folder) : folder_(std::move(folder)) {}

  std::string path_of(const bitcoin::BlockHash& hash) const;
  [[nodiscard]] base::Result<void, std::string> keep(const SoloBlock& block) const;
  // It is no error that there is no such file.
  void remove(const bitcoin::BlockHash& hash) const;

  struct Listed {
    std::vector<std::string> paths;     // by their names alone, the newest first
    std::vector<std::string> problems;  // why there may be more
  };
  Listed list() const;
  // Without an id. The error: it is none of ours, or can't be read.
  [[nodiscard]] base::Result<SoloBlock, std::string> read(const std::string& path) const;

 private:
  std::string folder_;
};

}  // namespace miner
