// A whole block's bytes, as submitblock takes them, and what is in them.
//
// Errors: parse_block refuses truncation, trailing bytes, a block without transactions, and
//         transactions that are none; what the block says is not judged (block_check.h does).
// Source: Bitcoin developer reference, "Block chain"; BIP141 (weight).
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/transaction.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitcoin {

// header | CompactSize(1 + transaction_count) | coinbase | transactions.
// `transactions` is every other transaction in witness serialisation, one after another.
base::Bytes serialize_block(const HeaderBytes& header, base::ByteSpan coinbase,
                            std::uint64_t transaction_count, base::ByteSpan transactions);

struct Block {
  Header header;
  std::vector<Transaction> transactions;  // the coinbase first
  std::size_t bytes = 0;                  // of the whole
  std::size_t bytes_without_witness = 0;

  std::size_t weight() const { return 3 * bytes_without_witness + bytes; }
};

enum class BlockError { truncated, trailing_bytes, no_transactions, bad_transaction };

[[nodiscard]] base::Result<Block, BlockError> parse_block(base::ByteSpan bytes);

}  // namespace bitcoin
