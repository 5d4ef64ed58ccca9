#include "miner/work.h"

#include "common/base/assert.h"
#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/merkle.h"
#include "common/crypto/sha256.h"
#include "miner/version_rolling.h"

#include <algorithm>

namespace miner {

WorkShare::WorkShare(std::uint32_t worker, std::uint32_t workers, const WorkSpace& space)
    : worker_(worker),
      workers_(workers),
      extranonce2_values_(std::uint64_t{1}
                          << (8 * std::min(space.extranonce2_size, extranonce2_counted_bytes_max))),
      version_groups_(space.version_groups) {
  ASSERT(worker < workers);
  ASSERT(space.version_groups >= 1 && space.version_groups <= 1U << rolled_bits_counted_max);
  ASSERT(space.ntime_values >= 1 && space.ntime_values <= ntime_roll_seconds_max + 1);
  // Below 2^(32 + 16 + 10).
  const std::uint64_t all_units = extranonce2_values_ * version_groups_ * space.ntime_values;
  size_ = worker_ < all_units ? (all_units - worker_ - 1) / workers_ + 1 : 0;
}

WorkUnit WorkShare::operator[](std::uint64_t index) const {
  ASSERT(index < size_);
  const std::uint64_t unit = worker_ + index * workers_;
  const std::uint64_t rest = unit / extranonce2_values_;
  return WorkUnit{unit % extranonce2_values_, static_cast<std::uint32_t>(rest % version_groups_),
                  static_cast<std::uint32_t>(rest / version_groups_)};
}

void UnitCursor::start(const WorkShare& share, std::uint64_t search_id) {
  const bool same_search = share_.has_value() && search_id == search_id_;
  share_ = share;
  search_id_ = search_id;
  if (!same_search) left_ = share.size();
}

std::optional<WorkUnit> UnitCursor::next() {
  if (left_ == 0) return std::nullopt;
  --left_;
  // A job with fewer units than the one before starts wherever the number falls in it.
  const std::uint64_t index = next_index_ % share_->size();
  next_index_ = index + 1;
  return (*share_)[index];
}

base::Bytes extranonce2_bytes(std::uint64_t counter, std::size_t size) {
  base::Bytes bytes(size, 0);
  for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i) {
    bytes[i] = static_cast<std::uint8_t>(counter >> (8 * i));
  }
  return bytes;
}

bitcoin::HeaderBytes build_header(const Work& work, base::ByteSpan extranonce2,
                                  std::uint32_t ntime) {
  const base::Bytes coinbase = bitcoin::assemble_coinbase({work.notify.coinb1, work.notify.coinb2},
                                                          work.extranonce1, extranonce2);
  const bitcoin::Hash256 coinbase_txid(crypto::sha256d(coinbase));
  bitcoin::Header header;
  header.version = work.notify.version;
  header.prev_hash = work.notify.prev_hash;
  header.merkle_root = bitcoin::fold_merkle_branch(coinbase_txid, work.notify.merkle_branch);
  header.ntime = ntime;
  header.nbits = work.notify.nbits;
  return header.serialize();
}

std::uint32_t top_word_max_of(const bitcoin::Target256& target) {
  return base::read_le32(base::ByteSpan(target.bytes()).subspan(28));
}

ScanJob build_scan_job(const bitcoin::HeaderBytes& header, const bitcoin::Target256& target) {
  ScanJob job{};
  add_midstate(job, header);
  for (std::size_t i = 0; i < 3; ++i) {
    job.tail[i] = base::read_be32(base::ByteSpan(header).subspan(64 + 4 * i));
  }
  job.top_word_max = top_word_max_of(target);
  job.nonce_step = 1;
  return job;
}

void add_midstate(ScanJob& job, const bitcoin::HeaderBytes& header) {
  ASSERT(job.midstate_count < scan_midstates_max);
  const crypto::Sha256State midstate = crypto::sha256_midstate(
      crypto::sha256_initial_state, std::span<const std::uint8_t, 64>(header.data(), 64));
  std::copy(midstate.begin(), midstate.end(), job.midstates[job.midstate_count]);
  ++job.midstate_count;
}

}  // namespace miner
