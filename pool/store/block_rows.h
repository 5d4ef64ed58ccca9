// What happens to blocks after they were found, as rows: the nodes' answers, the chain's word and
// its tips. Private to pool/store: it names pqxx.
//
// None of these needs the block's own row to be there yet, and each may come twice: after a crash
// the pool says again what it is not sure to have said.
//
// Errors: throw what pqxx throws.
// Thread: the store's; calls block.
#pragma once

#include "pool/core/records.h"

#include <pqxx/pqxx>

namespace pool {

void store(pqxx::work& transaction, const BlockSubmissionRecord& submission);
void store(pqxx::work& transaction, const BlockStateRecord& state);
void store(pqxx::work& transaction, const ChainTipRecord& tip);
// For a block whose row is new: the chain may have spoken before it came.
void apply_block_state(pqxx::work& transaction, const bitcoin::BlockHash& hash);

}  // namespace pool
