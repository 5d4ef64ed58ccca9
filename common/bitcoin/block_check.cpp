#include "common/bitcoin/block_check.h"

#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/script.h"
#include "common/bitcoin/target.h"
#include "common/crypto/sha256.h"

#include <algorithm>
#include <array>

namespace bitcoin {

namespace {

// OP_RETURN, a push of 36 bytes, the four bytes of BIP141.
constexpr std::array<std::uint8_t, 6> commitment_prefix{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};
constexpr std::size_t commitment_script_bytes_min = 38;
constexpr std::size_t witness_reserved_bytes = 32;

bool is_coinbase(const Transaction& transaction) {
  return transaction.inputs.size() == 1 && transaction.inputs[0].prev_txid == Txid{} &&
         transaction.inputs[0].prev_index == 0xffffffff;
}

std::vector<Hash256> txids_of(const Block& block) {
  std::vector<Hash256> txids;
  txids.reserve(block.transactions.size());
  for (const Transaction& each : block.transactions) txids.push_back(Hash256{each.txid().bytes});
  return txids;
}

// Two equal hashes under one parent: another list of transactions has the same root.
bool repeats_itself(std::vector<Hash256> row) {
  while (row.size() > 1) {
    std::vector<Hash256> above;
    for (std::size_t i = 0; i < row.size(); i += 2) {
      const bool pair = i + 1 < row.size();
      if (pair && row[i] == row[i + 1]) return true;
      above.push_back(
          Hash256{crypto::sha256d_pair(row[i].bytes, (pair ? row[i + 1] : row[i]).bytes)});
    }
    row = std::move(above);
  }
  return false;
}

// The commitment is in the last output that looks like one.
const TxOut* commitment_output(const Transaction& coinbase) {
  const auto looks_like_one = [](const TxOut& output) {
    return output.script_pubkey.size() >= commitment_script_bytes_min &&
           std::equal(commitment_prefix.begin(), commitment_prefix.end(),
                      output.script_pubkey.begin());
  };
  const auto found =
      std::find_if(coinbase.outputs.rbegin(), coinbase.outputs.rend(), looks_like_one);
  return found == coinbase.outputs.rend() ? nullptr : &*found;
}

std::optional<BlockFlaw> witness_flaw(const Block& block) {
  const Transaction& coinbase = block.transactions.front();
  const TxOut* commitment = commitment_output(coinbase);
  if (commitment == nullptr) {
    const bool any = std::any_of(block.transactions.begin(), block.transactions.end(),
                                 [](const Transaction& each) { return each.has_witness(); });
    return any ? std::optional(BlockFlaw::unexpected_witness) : std::nullopt;
  }
  const auto& witness = coinbase.inputs.front().witness;
  if (witness.size() != 1 || witness[0].size() != witness_reserved_bytes) {
    return BlockFlaw::bad_witness_reserved;
  }
  std::vector<Hash256> leaves(1);  // the coinbase's wtxid counts as zero
  for (std::size_t i = 1; i < block.transactions.size(); ++i) {
    leaves.push_back(Hash256{block.transactions[i].wtxid().bytes});
  }
  base::Bytes pair;
  base::append(pair, merkle_root(std::move(leaves)).bytes);
  base::append(pair, witness[0]);
  const auto expected = crypto::sha256d(pair);
  const bool same =
      std::equal(expected.begin(), expected.end(),
                 commitment->script_pubkey.begin() + std::ptrdiff_t{commitment_prefix.size()});
  return same ? std::nullopt : std::optional(BlockFlaw::bad_witness_commitment);
}

std::optional<BlockFlaw> work_flaw(const Header& header) {
  const auto target = Target256::from_compact(header.nbits);
  if (!target) return BlockFlaw::bad_bits;
  if (!target->admits(header.hash().bytes)) return BlockFlaw::high_hash;
  return std::nullopt;
}

}  // namespace

std::string_view describe(BlockFlaw flaw) {
  switch (flaw) {
    case BlockFlaw::bad_bits:
      return "its nbits are no target";
    case BlockFlaw::high_hash:
      return "its hash does not meet its target";
    case BlockFlaw::bad_merkle_root:
      return "its merkle root is not that of its transactions";
    case BlockFlaw::duplicate_transactions:
      return "it has the same transactions twice";
    case BlockFlaw::no_coinbase:
      return "its first transaction is no coinbase";
    case BlockFlaw::several_coinbases:
      return "it has more than one coinbase";
    case BlockFlaw::no_height:
      return "its coinbase does not begin with a height";
    case BlockFlaw::bad_witness_reserved:
      return "its coinbase commits to witnesses but has not the one witness item of 32 bytes";
    case BlockFlaw::bad_witness_commitment:
      return "its witness commitment is not that of its transactions";
    case BlockFlaw::unexpected_witness:
      return "it has witnesses without a commitment to them";
    case BlockFlaw::too_heavy:
      return "it weighs more than 4,000,000";
  }
  return "";
}

std::vector<BlockFlaw> find_flaws(const Block& block) {
  std::vector<BlockFlaw> flaws;
  const auto found = [&](std::optional<BlockFlaw> flaw) {
    if (flaw) flaws.push_back(*flaw);
  };
  found(work_flaw(block.header));
  const std::vector<Hash256> txids = txids_of(block);
  if (merkle_root(txids) != block.header.merkle_root) flaws.push_back(BlockFlaw::bad_merkle_root);
  if (repeats_itself(txids)) flaws.push_back(BlockFlaw::duplicate_transactions);
  const bool coinbase_first = is_coinbase(block.transactions.front());
  if (!coinbase_first) flaws.push_back(BlockFlaw::no_coinbase);
  if (std::any_of(block.transactions.begin() + 1, block.transactions.end(), is_coinbase)) {
    flaws.push_back(BlockFlaw::several_coinbases);
  }
  if (coinbase_first) {
    if (!coinbase_height(block.transactions.front())) flaws.push_back(BlockFlaw::no_height);
    found(witness_flaw(block));
  }
  if (block.weight() > block_weight_max) flaws.push_back(BlockFlaw::too_heavy);
  return flaws;
}

bool has_its_transactions(const Block& block) {
  return merkle_root(txids_of(block)) == block.header.merkle_root;
}

std::optional<std::uint32_t> coinbase_height(const Transaction& coinbase) {
  if (coinbase.inputs.empty()) return std::nullopt;
  const base::Bytes& script = coinbase.inputs[0].script_sig;
  if (script.empty()) return std::nullopt;
  constexpr std::uint8_t op_1 = 0x51;
  constexpr std::uint8_t op_16 = 0x60;
  constexpr std::size_t height_bytes_max = 4;
  std::uint64_t height = 0;
  if (script[0] >= op_1 && script[0] <= op_16) {
    height = script[0] - op_1 + 1u;
  } else {
    const std::size_t length = script[0];
    if (length == 0 || length > height_bytes_max || script.size() <= length) return std::nullopt;
    for (std::size_t i = length; i > 0; --i) height = height << 8 | script[i];
  }
  if (height == 0 || height > 0x7fffffff) return std::nullopt;
  // The one right form of this number.
  const base::Bytes push = bip34_height_push(static_cast<std::uint32_t>(height));
  if (push.size() > script.size() || !std::equal(push.begin(), push.end(), script.begin())) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(height);
}

Sats output_sum(const Transaction& transaction) {
  std::uint64_t sum = 0;  // wraps where amounts are nonsense; signed overflow would be undefined
  for (const TxOut& output : transaction.outputs) {
    sum += static_cast<std::uint64_t>(output.value.value);
  }
  return Sats{static_cast<std::int64_t>(sum)};
}

}  // namespace bitcoin
