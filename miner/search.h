// Search: one worker's walk over the nonces of its units, in a nonce order. A kernel proposes,
// sha256d disposes.
//
// Where the pool lets versions be rolled, a unit has as many versions as a kernel takes at once:
// their headers share work, so that such a hash is cheaper.
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

  // nonce_step: of a NonceOrder. REQUIRES: worker < workers; nonce_step is odd.
  Search(std::uint32_t worker, std::uint32_t workers, const ScanKernel& kernel,
         std::uint32_t nonce_step = 1);

  // What to search from here on; null: nothing. A Work of the same search_id goes on at the next
  // nonce.
  void set_work(std::shared_ptr<const Work> work);
  // False without work, and when every unit of it has been searched.
  bool active() const { return unit_open_; }

  // Tries about `count` hashes, at most (but scan_count_multiple nonces at least), and calls
  // on_share for each share, verified against the whole target. Returns the hashes tried; 0 if not
  // active.
  std::uint32_t step(std::uint32_t count, Appetite appetite, const OnShare& on_share);

  // Proposals whose real hash had not the top word that the kernel said: a faulty kernel.
  std::uint64_t wrong_proposals() const { return wrong_proposals_; }

 private:
  void open_next_unit();
  void aim();
  bool verify(const FoundNonce& proposed, Appetite appetite, const OnShare& on_share);

  const std::uint32_t worker_;
  const std::uint32_t workers_;
  const ScanKernel& kernel_;
  const std::uint32_t nonce_step_;
  std::shared_ptr<const Work> work_;
  UnitCursor units_;
  bool unit_open_ = false;
  base::Bytes extranonce2_;
  std::uint32_t ntime_ = 0;
  bitcoin::HeaderBytes header_{};
  std::uint32_t versions_[scan_midstates_max] = {};  // of the job's midstates
  ScanJob scan_job_{};
  std::uint64_t nonces_done_ = 0;  // of this unit, up to 2^32
  std::uint32_t count_max_ = 0;    // so that what is found fits found_
  std::vector<FoundNonce> found_;
  std::uint64_t wrong_proposals_ = 0;
};

}  // namespace miner
