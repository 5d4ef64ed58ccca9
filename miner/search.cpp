#include "miner/search.h"

#include "common/base/assert.h"
#include "miner/version_rolling.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace miner {
namespace {

constexpr std::uint64_t nonces_per_unit = std::uint64_t{1} << 32;
constexpr std::size_t found_max = 4096;

std::uint32_t round_to_multiple(std::uint64_t count) {
  const std::uint64_t whole = count / scan_count_multiple * scan_count_multiple;
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(whole, scan_count_multiple));
}

// Nonces of a batch in which half of found_max is expected: 45 standard deviations below
// overflowing.
std::uint32_t count_for_odds(const ScanJob& job) {
  // Expected in 2^32 nonces.
  const std::uint64_t per_unit = (std::uint64_t{job.top_word_max} + 1) * job.midstate_count;
  const std::uint64_t count = nonces_per_unit * (found_max / 2) / per_unit;
  return round_to_multiple(std::min<std::uint64_t>(count, std::uint64_t{1} << 28));
}

RolledVersions versions_of(const Work& work) {
  return {work.notify.version, work.version_mask.value_or(0)};
}

// Both are powers of two, so groups are all of one size.
std::uint32_t group_size(const RolledVersions& versions) {
  return std::min(versions.count(), scan_midstates_max);
}
static_assert(std::has_single_bit(scan_midstates_max));

WorkSpace space_of(const Work& work) {
  const RolledVersions versions = versions_of(work);
  return {work.extranonce2_size, versions.count() / group_size(versions),
          ntime_roll_seconds_max + 1};
}

}  // namespace

Search::Search(std::uint32_t worker, std::uint32_t workers, const ScanKernel& kernel,
               std::uint32_t nonce_step)
    : worker_(worker),
      workers_(workers),
      kernel_(kernel),
      nonce_step_(nonce_step),
      found_(found_max) {
  ASSERT(nonce_step % 2 == 1);
}

void Search::set_work(std::shared_ptr<const Work> work) {
  const bool same_search = work_ && work && unit_open_ && work_->search_id == work->search_id;
  work_ = std::move(work);
  if (!work_) {
    unit_open_ = false;
    return;
  }
  units_.start(WorkShare(worker_, workers_, space_of(*work_)), work_->search_id);
  if (same_search) {
    aim();
  } else {
    open_next_unit();
  }
}

void Search::open_next_unit() {
  const std::optional<WorkUnit> unit = units_.next();
  unit_open_ = unit.has_value();
  if (!unit) return;
  extranonce2_ = extranonce2_bytes(unit->extranonce2, work_->extranonce2_size);
  ntime_ = work_->notify.ntime + unit->ntime_offset;
  header_ = build_header(*work_, extranonce2_, ntime_);
  const RolledVersions versions = versions_of(*work_);
  const std::uint32_t in_group = group_size(versions);
  for (std::uint32_t i = 0; i < in_group; ++i) {
    versions_[i] = versions[unit->version_group * in_group + i];
    base::write_le32(header_, versions_[i]);
    if (i == 0) scan_job_ = build_scan_job(header_, work_->share_target);
    if (i != 0) add_midstate(scan_job_, header_);
  }
  scan_job_.nonce_step = nonce_step_;
  nonces_done_ = 0;
  aim();
}

// The difficulty may change while the headers stay.
void Search::aim() {
  scan_job_.top_word_max = top_word_max_of(work_->share_target);
  count_max_ = count_for_odds(scan_job_);
}

std::uint32_t Search::step(std::uint32_t count, Appetite appetite, const OnShare& on_share) {
  if (!unit_open_) return 0;
  const std::uint32_t versions = scan_job_.midstate_count;
  const std::uint64_t left = nonces_per_unit - nonces_done_;
  const std::uint32_t nonces =
      round_to_multiple(std::min<std::uint64_t>({count / versions, count_max_, left}));
  const std::uint32_t first = static_cast<std::uint32_t>(nonces_done_) * nonce_step_;
  const std::size_t found = kernel_.scan(scan_job_, first, nonces, found_.data(), found_.size());
  nonces_done_ += nonces;
  for (std::size_t i = 0; i < found; ++i) {
    if (appetite == Appetite::nothing || !verify(found_[i], appetite, on_share)) break;
  }
  if (nonces_done_ == nonces_per_unit) open_next_unit();
  return nonces * versions;
}

bool Search::verify(const FoundNonce& proposed, Appetite appetite, const OnShare& on_share) {
  if (proposed.midstate >= scan_job_.midstate_count) {
    ++wrong_proposals_;
    return true;
  }
  const std::uint32_t version = versions_[proposed.midstate];
  base::write_le32(header_, version);
  base::write_le32(std::span(header_).subspan(76), proposed.nonce);
  const bitcoin::BlockHash hash = bitcoin::hash_header(header_);
  if (base::read_le32(base::ByteSpan(hash.bytes).subspan(28)) > scan_job_.top_word_max) {
    ++wrong_proposals_;
    return true;
  }
  if (!work_->share_target.admits(hash.bytes)) return true;
  const bool is_block = work_->network_target.admits(hash.bytes);
  if (appetite == Appetite::blocks && !is_block) return true;
  FoundShare share{work_, extranonce2_, ntime_, proposed.nonce, std::nullopt, hash, is_block};
  if (work_->version_mask) share.version_bits = version & *work_->version_mask;
  return on_share(std::move(share));
}

}  // namespace miner
