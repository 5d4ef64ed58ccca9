// Search: one worker's walk over the nonces of its units. A kernel proposes, sha256d disposes.
//
// Thread: one owner; no clock, no IO.
#pragma once

#include "miner/scan_kernel.h"
#include "miner/work.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace miner {

class Search {
 public:
  // False: no more shares are wanted from this step.
  using OnShare = std::function<bool(FoundShare)>;

  // REQUIRES: worker < workers.
  Search(std::uint32_t worker, std::uint32_t workers, const ScanKernel& kernel);

  // What to search from here on; null: nothing. A Work of the same search_id goes on at the next
  // nonce.
  void set_work(std::shared_ptr<const Work> work);
  // False without work, and when every unit of it has been searched.
  bool active() const { return unit_open_; }

  // Scans at most `count` nonces (rounded to scan_count_multiple, at least that) and calls on_share
  // for each share, verified against the whole target. Returns the hashes tried; 0 if not active.
  std::uint32_t step(std::uint32_t count, Appetite appetite, const OnShare& on_share);

  // Proposals whose real hash had not the top word that the kernel said: a faulty kernel.
  std::uint64_t wrong_proposals() const { return wrong_proposals_; }

 private:
  void open_next_unit();
  void aim();
  bool verify(std::uint32_t nonce, Appetite appetite, const OnShare& on_share);

  const std::uint32_t worker_;
  const std::uint32_t workers_;
  const ScanKernel& kernel_;
  std::shared_ptr<const Work> work_;
  UnitCursor units_;
  bool unit_open_ = false;
  base::Bytes extranonce2_;
  std::uint32_t ntime_ = 0;
  bitcoin::HeaderBytes header_{};
  ScanJob scan_job_{};
  std::uint64_t next_nonce_ = 0;  // up to 2^32
  std::uint32_t count_max_ = 0;   // so that what is found fits found_
  std::vector<FoundNonce> found_;
  std::uint64_t wrong_proposals_ = 0;
};

}  // namespace miner
