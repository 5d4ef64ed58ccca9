#include "common/bitcoin/block.h"

#include "common/bitcoin/transaction.h"

namespace bitcoin {

base::Bytes serialize_block(const HeaderBytes& header, base::ByteSpan coinbase,
                            std::uint64_t transaction_count, base::ByteSpan transactions) {
  const std::uint64_t count = 1 + transaction_count;
  base::Bytes block;
  block.reserve(header.size() + compact_size_length(count) + coinbase.size() + transactions.size());
  base::append(block, header);
  append_compact_size(block, count);
  base::append(block, coinbase);
  base::append(block, transactions);
  return block;
}

}  // namespace bitcoin
