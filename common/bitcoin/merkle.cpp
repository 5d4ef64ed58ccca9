#include "common/bitcoin/merkle.h"

#include "common/base/assert.h"
#include "common/crypto/sha256.h"

namespace bitcoin {
namespace {

Hash256 parent(const Hash256& left, const Hash256& right) {
  return Hash256{crypto::sha256d_pair(left.bytes, right.bytes)};
}

// Replaces a row by the row above it; a last hash without a partner is paired with itself.
void climb(std::vector<Hash256>& row) {
  const std::size_t parents = (row.size() + 1) / 2;
  for (std::size_t i = 0; i < parents; ++i) {
    const std::size_t right = 2 * i + 1 < row.size() ? 2 * i + 1 : 2 * i;
    row[i] = parent(row[2 * i], row[right]);
  }
  row.resize(parents);
}

}  // namespace

Hash256 merkle_root(std::vector<Hash256> leaves) {
  ASSERT(!leaves.empty());
  while (leaves.size() > 1) climb(leaves);
  return leaves.front();
}

std::vector<Hash256> coinbase_merkle_branch(std::span<const Hash256> other_leaves) {
  // Place 0 of every row depends on the coinbase, which is not known here: it is filled with a
  // hash that no sibling depends on.
  std::vector<Hash256> row(1);
  row.insert(row.end(), other_leaves.begin(), other_leaves.end());
  std::vector<Hash256> branch;
  while (row.size() > 1) {
    branch.push_back(row[1]);
    climb(row);
  }
  return branch;
}

Hash256 fold_merkle_branch(const Hash256& leaf0, std::span<const Hash256> branch) {
  Hash256 root = leaf0;
  for (const Hash256& sibling : branch) root = parent(root, sibling);
  return root;
}

}  // namespace bitcoin
