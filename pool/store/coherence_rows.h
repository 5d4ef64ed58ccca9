// Coherence proofs and blocks of the proof chain, as rows. Private to pool/store: it names pqxx.
//
// Errors: throw what pqxx throws; a proof that does not fit together is refused as the database
//         refuses a row (pqxx::check_violation).
// Thread: the store's; calls block.
#pragma once

#include "pool/core/records.h"

#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <vector>

namespace pool {

// A batch's proofs. REQUIRES: the sequence numbers rise.
class CoherenceProofRows {
 public:
  // The record must live until store().
  void add(const CoherenceProofRecord& proof, std::uint64_t sequence, std::int64_t worker_id) {
    rows_.push_back({&proof, sequence, worker_id});
  }
  // The proofs, and what they add to the sums.
  void store(pqxx::work& transaction, const std::string& journal_id) const;

 private:
  struct Row {
    const CoherenceProofRecord* proof;
    std::uint64_t sequence;
    std::int64_t worker_id;
  };
  std::vector<Row> rows_;
};

// Appends it to the proof chain if it follows the tip; else an event says why not. Its proof must
// be stored already. Waits for another pool's transaction that has a block of that height, so this
// comes last in a transaction.
void store(pqxx::work& transaction, const CoherenceBlockRecord& block);

}  // namespace pool
