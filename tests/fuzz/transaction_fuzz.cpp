// A transaction's bytes: what is accepted is exactly what would be written.
#include "common/bitcoin/transaction.h"
#include "tests/fuzz/fuzz_check.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan bytes(data, size);
  const auto transaction = bitcoin::Transaction::parse(bytes);
  if (!transaction) return 0;
  const base::Bytes written = transaction->serialize_witness();
  FUZZ_CHECK(std::equal(written.begin(), written.end(), bytes.begin(), bytes.end()));
  const auto legacy = bitcoin::Transaction::parse(transaction->serialize_legacy());
  FUZZ_CHECK(!legacy || legacy->txid() == transaction->txid());
  FUZZ_CHECK(transaction->has_witness() || transaction->wtxid().bytes == transaction->txid().bytes);
  return 0;
}
