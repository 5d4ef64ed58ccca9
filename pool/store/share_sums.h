// ShareSums: a batch's shares added up, per worker and minute, hour, day and height, and the rows
// they make. Private to pool/store: it names pqxx.
//
// Written in the transaction that stores the shares: the sums are theirs, exactly, at every moment.
//
// Errors: store() throws what pqxx throws.
// Thread: the store's; store() blocks.
#pragma once

#include "common/base/u256.h"
#include "pool/core/records.h"

#include <cstddef>
#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <unordered_map>
#include <vector>

namespace pool {

class ShareSums {
 public:
  void add(const ShareRecord& share, std::int64_t worker_id);
  void store(pqxx::work& transaction, const std::string& journal_id) const;

 private:
  // Of a worker: a minute, hour or day by its first microsecond, or a height.
  struct Key {
    std::int64_t worker_id = 0;
    std::int64_t at = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Sum {
    std::uint64_t shares = 0;
    base::U256 work;
    double best_share_difficulty = 0;
  };
  using Sums = std::unordered_map<Key, Sum, KeyHash>;
  // More than one only where work adds up to more than 256 bits: then the next one takes the rest.
  using Layers = std::vector<Sums>;

  static void add(Layers& layers, const Key& key, const Sum& sum);
  static void store_spans(pqxx::work& transaction, const std::string& journal_id,
                          const std::string& span, const Sums& sums);
  static void store_heights(pqxx::work& transaction, const std::string& journal_id,
                            const Sums& sums);

  Layers minutes_;
  Layers heights_;
};

}  // namespace pool
