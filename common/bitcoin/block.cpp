#include "common/bitcoin/block.h"

#include <algorithm>

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

base::Result<Block, BlockError> parse_block(base::ByteSpan bytes) {
  // The fewest bytes that a transaction takes, so that a count allocates no more than there is.
  constexpr std::size_t transaction_bytes_min = 60;
  Block block;
  block.bytes = bytes.size();
  HeaderBytes header;
  if (bytes.size() < header.size()) return base::err(BlockError::truncated);
  std::copy_n(bytes.begin(), header.size(), header.begin());
  block.header = Header::parse(header);
  bytes = bytes.subspan(header.size());
  const auto count = read_compact_size(bytes);
  if (!count || *count > bytes.size() / transaction_bytes_min) {
    return base::err(BlockError::truncated);
  }
  if (*count == 0) return base::err(BlockError::no_transactions);
  block.bytes_without_witness = block.bytes - bytes.size();
  block.transactions.reserve(static_cast<std::size_t>(*count));
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto transaction = Transaction::parse_front(bytes);
    if (!transaction) {
      return base::err(transaction.error() == TransactionError::truncated
                           ? BlockError::truncated
                           : BlockError::bad_transaction);
    }
    block.bytes_without_witness += transaction->serialize_legacy().size();
    block.transactions.push_back(std::move(*transaction));
  }
  if (!bytes.empty()) return base::err(BlockError::trailing_bytes);
  return block;
}

}  // namespace bitcoin
