// A whole block's bytes, as submitblock takes them.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/header.h"

#include <cstdint>

namespace bitcoin {

// header | CompactSize(1 + transaction_count) | coinbase | transactions.
// `transactions` is every other transaction in witness serialisation, one after another.
base::Bytes serialize_block(const HeaderBytes& header, base::ByteSpan coinbase,
                            std::uint64_t transaction_count, base::ByteSpan transactions);

}  // namespace bitcoin
