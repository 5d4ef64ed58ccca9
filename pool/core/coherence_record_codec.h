// The fields of coherence work's two journal records, as record_codec.h says: types 12 and 13.
//
// Only what bounds a record is checked here. What its fields mean is for who uses them: a record
// that does not parse ends its journal, and no single proof is worth that.
// Thread: pure.
#pragma once

#include "pool/core/record_fields.h"
#include "pool/core/records.h"

namespace pool {

void append_fields(base::Bytes& out, const CoherenceProofRecord& proof);
// REQUIRES: at most limits::stretches_per_block_max stretches.
void append_fields(base::Bytes& out, const CoherenceBlockRecord& block);

CoherenceProofRecord read_coherence_proof(PayloadReader& in);
CoherenceBlockRecord read_coherence_block(PayloadReader& in);

}  // namespace pool
