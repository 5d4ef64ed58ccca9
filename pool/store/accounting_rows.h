// What the journal says of heights, payout schemes and rejected shares, as rows. Private to
// pool/store: it names pqxx.
//
// Errors: throw what pqxx throws.
// Thread: the store's; calls block.
#pragma once

#include "common/base/bytes.h"
#include "pool/core/records.h"

#include <cstdint>
#include <map>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <tuple>

namespace pool {

void store(pqxx::work& transaction, const HeightRecord& height);
void store(pqxx::work& transaction, const PayoutSchemeRecord& scheme);
void store(pqxx::work& transaction, const RejectRecord& reject);

// A batch's counts of rejects, per hour, worker and reason.
class RejectCounts {
 public:
  void add(const RejectSumRecord& sum);
  void store(pqxx::work& transaction, const std::string& journal_id) const;

 private:
  using Key = std::tuple<std::string, std::string, std::string, std::string>;  // as the rows are
  std::map<Key, std::uint64_t> counts_;
};

// What a coinbase (legacy serialisation) pays with its first output, the pool's own; nullopt where
// it can't be read, or pays more than `reward`.
std::optional<bitcoin::Sats> pool_part(base::ByteSpan coinbase, bitcoin::Sats reward);

}  // namespace pool
