#include "common/bitcoin/merkle.h"

#include "common/crypto/sha256.h"
#include "tests/unit/vectors.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using bitcoin::Hash256;

namespace {

std::vector<Hash256> numbered_leaves(std::size_t count) {
  std::vector<Hash256> leaves(count);
  for (std::size_t i = 0; i < count; ++i) {
    leaves[i] = Hash256{crypto::sha256(base::as_bytes(std::to_string(i)))};
  }
  return leaves;
}

// The root again, by recursion over subtrees of 2^height leaves instead of row by row.
Hash256 root_by_recursion(const std::vector<Hash256>& leaves, std::size_t first,
                          std::size_t height) {
  if (height == 0) return leaves[first];
  const std::size_t half = std::size_t{1} << (height - 1);
  const Hash256 left = root_by_recursion(leaves, first, height - 1);
  const bool right_is_empty = first + half >= leaves.size();
  const Hash256 right = right_is_empty ? left : root_by_recursion(leaves, first + half, height - 1);
  base::Bytes both(left.bytes.begin(), left.bytes.end());
  base::append(both, right.bytes);
  return Hash256{crypto::sha256d(both)};
}

std::size_t tree_height(std::size_t leaves) {
  std::size_t height = 0;
  while ((std::size_t{1} << height) < leaves) ++height;
  return height;
}

}  // namespace

TEST_CASE("the root of a real block") {
  // Mainnet block 100,000: its four transactions and the root in its header.
  const char* txids[] = {
      "8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87",
      "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
      "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
      "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
  };
  std::vector<Hash256> leaves;
  for (const char* txid : txids) leaves.push_back(Hash256::from_display_hex(txid).value());
  CHECK_EQ(bitcoin::merkle_root(leaves).display_hex(),
           "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766");
}

TEST_CASE("the root of one leaf is the leaf") {
  const auto leaves = numbered_leaves(1);
  CHECK_EQ(bitcoin::merkle_root(leaves), leaves[0]);
  CHECK(bitcoin::coinbase_merkle_branch({}).empty());
  CHECK_EQ(bitcoin::fold_merkle_branch(leaves[0], {}), leaves[0]);
}

TEST_CASE("root, branch and folding agree for every number of leaves") {
  for (std::size_t count = 1; count <= 70; ++count) {
    CAPTURE(count);
    const auto leaves = numbered_leaves(count);
    const Hash256 root = bitcoin::merkle_root(leaves);
    CHECK_EQ(root, root_by_recursion(leaves, 0, tree_height(count)));
    const auto branch = bitcoin::coinbase_merkle_branch(std::span(leaves).subspan(1));
    CHECK_EQ(branch.size(), tree_height(count));
    CHECK_EQ(bitcoin::fold_merkle_branch(leaves[0], branch), root);
  }
}

TEST_CASE("the branch of a template is what a miner is sent") {
  const auto vectors = vectors::load("template_to_notify.json");
  for (const auto& row : vectors.GetArray()) {
    CAPTURE(row["name"].GetString());
    std::vector<Hash256> txids;
    for (const auto& txid : row["txids"].GetArray()) {
      txids.push_back(Hash256::from_display_hex(txid.GetString()).value());
    }
    const auto branch = bitcoin::coinbase_merkle_branch(txids);
    REQUIRE_EQ(branch.size(), row["branches"].Size());
    for (rapidjson::SizeType i = 0; i < branch.size(); ++i) {
      CHECK_EQ(base::to_hex(branch[i].bytes), row["branches"][i].GetString());
    }
  }
}

TEST_CASE("a miner's branch folds to the root in its header") {
  const auto vectors = vectors::load("stratum_shares.json");
  for (const auto& row : vectors.GetArray()) {
    CAPTURE(row["name"].GetString());
    std::vector<Hash256> branch;
    for (const auto& sibling : row["notify_params"][4].GetArray()) {
      Hash256 hash;
      REQUIRE(base::decode_hex(sibling.GetString(), hash.bytes));
      branch.push_back(hash);
    }
    const auto coinbase = base::from_hex(row["expect"]["coinbase"].GetString());
    REQUIRE(coinbase);
    const Hash256 root = bitcoin::fold_merkle_branch(Hash256{crypto::sha256d(*coinbase)}, branch);
    CHECK_EQ(base::to_hex(root.bytes), row["expect"]["merkle_root_header_order"].GetString());
  }
}
