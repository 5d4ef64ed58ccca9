#include "pool/core/height_notes.h"

#include "common/mining/empty_template.h"

#include <algorithm>

namespace pool {

std::optional<HeightRecord> HeightNotes::on_job(const mining::Job& job, base::Instant now) {
  const bool known = last_.height == job.height() && last_.prev_hash == job.prev_hash();
  const bool fees_known = last_.coinbase_value.value > last_.subsidy.value;
  if (known && (fees_known || job.coinbase_value == last_.coinbase_value)) return std::nullopt;
  last_.time_us = now.unix_micros();
  last_.height = job.height();
  last_.prev_hash = job.prev_hash();
  last_.nbits = job.block_template->nbits;
  last_.coinbase_value = job.coinbase_value;
  // A node that offers less than the subsidy is believed: it is all that a block would bring.
  last_.subsidy.value =
      std::min(mining::block_subsidy(job.height(), network_).value, job.coinbase_value.value);
  return last_;
}

}  // namespace pool
