#include "pool/core/candidate_memory.h"

#include "pool/core/limits.h"

#include <algorithm>

namespace pool {

bool CandidateMemory::should_send(const bitcoin::BlockHash& prev_hash,
                                  const bitcoin::BlockHash& hash) {
  auto tip = std::find_if(tips_.begin(), tips_.end(),
                          [&](const Tip& known) { return known.prev_hash == prev_hash; });
  if (tip == tips_.end()) {
    // As many tips as there can be jobs: no job in the book has had its tip forgotten.
    if (tips_.size() == limits::templates_kept_max) tips_.pop_front();
    tip = tips_.insert(tips_.end(), Tip{prev_hash, {}});
  }
  if (tip->sent.size() == limits::candidates_per_tip_max) return false;
  if (std::find(tip->sent.begin(), tip->sent.end(), hash) != tip->sent.end()) return false;
  tip->sent.push_back(hash);
  return true;
}

}  // namespace pool
