#include "miner/search.h"

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::uint64_t nonces_per_unit = std::uint64_t{1} << 32;
constexpr std::size_t found_max = 4096;

std::uint32_t round_to_multiple(std::uint64_t count) {
  const std::uint64_t whole = count / scan_count_multiple * scan_count_multiple;
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(whole, scan_count_multiple));
}

// A batch in which half of found_max is expected: 45 standard deviations below overflowing.
std::uint32_t count_for_odds(std::uint32_t top_word_max) {
  const std::uint64_t per_unit = std::uint64_t{top_word_max} + 1;  // expected in 2^32 nonces
  const std::uint64_t count = nonces_per_unit * (found_max / 2) / per_unit;
  return round_to_multiple(std::min<std::uint64_t>(count, std::uint64_t{1} << 31));
}

}  // namespace

Search::Search(std::uint32_t worker, std::uint32_t workers, const ScanKernel& kernel)
    : worker_(worker), workers_(workers), kernel_(kernel), found_(found_max) {}

void Search::set_work(std::shared_ptr<const Work> work) {
  const bool same_search = work_ && work && unit_open_ && work_->search_id == work->search_id;
  work_ = std::move(work);
  if (!work_) {
    unit_open_ = false;
    return;
  }
  units_.start(WorkShare(worker_, workers_, work_->extranonce2_size, ntime_roll_seconds_max + 1),
               work_->search_id);
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
  next_nonce_ = 0;
  aim();
}

// The difficulty may change while the headers stay.
void Search::aim() {
  scan_job_ = build_scan_job(header_, work_->share_target);
  count_max_ = count_for_odds(scan_job_.top_word_max);
}

std::uint32_t Search::step(std::uint32_t count, Appetite appetite, const OnShare& on_share) {
  if (!unit_open_) return 0;
  const std::uint64_t left = nonces_per_unit - next_nonce_;
  const std::uint32_t batch = round_to_multiple(std::min<std::uint64_t>({count, count_max_, left}));
  const auto first = static_cast<std::uint32_t>(next_nonce_);
  const std::size_t found = kernel_.scan(scan_job_, first, batch, found_.data(), found_.size());
  next_nonce_ += batch;
  for (std::size_t i = 0; i < found; ++i) {
    if (appetite == Appetite::nothing || !verify(found_[i].nonce, appetite, on_share)) break;
  }
  if (next_nonce_ == nonces_per_unit) open_next_unit();
  return batch;
}

bool Search::verify(std::uint32_t nonce, Appetite appetite, const OnShare& on_share) {
  base::write_le32(std::span(header_).subspan(76), nonce);
  const bitcoin::BlockHash hash = bitcoin::hash_header(header_);
  if (base::read_le32(base::ByteSpan(hash.bytes).subspan(28)) > scan_job_.top_word_max) {
    ++wrong_proposals_;
    return true;
  }
  if (!work_->share_target.admits(hash.bytes)) return true;
  const bool is_block = work_->network_target.admits(hash.bytes);
  if (appetite == Appetite::blocks && !is_block) return true;
  return on_share(FoundShare{work_, extranonce2_, ntime_, nonce, hash, is_block});
}

}  // namespace miner
