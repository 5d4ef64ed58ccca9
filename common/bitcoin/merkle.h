// Merkle trees over transaction hashes: the root, the coinbase's branch, and folding that branch.
//
// The coinbase stands first, so it is always the left side of every pair on its way up. A branch is
// therefore just the list of right-hand siblings, lowest first: what Stratum calls merkle_branch.
//
// Units:  hashes are in internal order.
// Source: Bitcoin Core, consensus/merkle.cpp; an odd row repeats its last hash.
#pragma once

#include "common/bitcoin/hash.h"

#include <span>
#include <vector>

namespace bitcoin {

// REQUIRES: at least one leaf.
Hash256 merkle_root(std::vector<Hash256> leaves);
// The siblings of leaf 0, given all the other leaves in block order (none: an empty branch).
std::vector<Hash256> coinbase_merkle_branch(std::span<const Hash256> other_leaves);
// The root that leaf 0 and its branch commit to.
Hash256 fold_merkle_branch(const Hash256& leaf0, std::span<const Hash256> branch);

}  // namespace bitcoin
