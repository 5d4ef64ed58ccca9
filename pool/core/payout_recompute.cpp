#include "pool/core/payout_recompute.h"

#include "pool/core/payout_split.h"

#include <limits>
#include <tuple>

#include <fmt/format.h>

namespace pool {
namespace {

using base::Natural;
using base::U256;

// Of the kinds of start that are a time of some length; 0 for the others.
std::int64_t length_us(std::string_view kind) {
  constexpr std::int64_t minute = 60'000'000;
  if (kind == "minute") return minute;
  if (kind == "hour") return 60 * minute;
  if (kind == "day") return 24 * 60 * minute;
  return 0;
}

template <class Works>
void add_work(Works& works, std::string_view address, const U256& work) {
  auto at = works.find(address);
  if (at == works.end()) at = works.emplace(std::string(address), U256()).first;
  at->second = at->second + work;  // all the work there ever was is far below 2^256
}

template <class Works>
Natural total(const Works& works) {
  Natural sum;
  for (const auto& [address, work] : works) sum += Natural(work);
  return sum;
}

PayoutRun::Miner& miner_of(PayoutRun& run, const std::string& address) {
  for (auto& miner : run.miners) {
    if (miner.address == address) return miner;
  }
  run.miners.push_back({});
  run.miners.back().address = address;
  return run.miners.back();
}

}  // namespace

PayoutRecompute::PayoutRecompute(PayoutRun claimed, CreditedBefore before)
    : claimed_(std::move(claimed)),
      before_(std::move(before)),
      by_heights_(claimed_.kind == "pps"),
      has_coherence_(claimed_.coherence_ppm > 0 && (by_heights_ || claimed_.scheme != "pps")) {
  for (const auto& journal : claimed_.journals) stored_to_[journal.number] = journal.sequence;
  whole_from_us_ = claimed_.start.time_us.value_or(0) + length_us(claimed_.start.kind);
  for (const auto& credit : claimed_.credits) heights_[credit.height];
}

void PayoutRecompute::add(const PayoutShare& share) {
  // What was not stored yet when the run was made came too late for it.
  const auto stored = stored_to_.find(share.journal);
  if (stored == stored_to_.end() || share.sequence > stored->second) return;
  if (share.is_block) finder_ = share.address;
  if (by_heights_) {
    add_to_heights(share);
  } else if (claimed_.scheme == "pplns" || claimed_.scheme == "prop") {
    add_to_window(share);
  }
}

// All proofs from the window's first moment on count, and whole: only behind a block or a run
// (`after`) that moment itself does not.
void PayoutRecompute::add(const PayoutProof& proof) {
  const auto stored = stored_to_.find(proof.journal);
  if (stored == stored_to_.end() || proof.sequence > stored->second) return;
  if (!has_coherence_ || proof.time_us > claimed_.end_us) return;
  const PayoutRun::Start& start = claimed_.start;
  const std::int64_t from = start.time_us.value_or(0);
  if (start.kind != "all" && proof.time_us < from) return;
  if (start.kind == "after" && proof.time_us == from) return;
  auto at = coherence_.find(proof.address);
  if (at == coherence_.end()) at = coherence_.emplace(std::string(proof.address), Natural()).first;
  at->second += Natural(proof.work);
  ++proofs_;
}

void PayoutRecompute::add_to_heights(const PayoutShare& share) {
  const auto works = heights_.find(share.height);
  if (works == heights_.end()) return;
  add_work(works->second, share.address, share.work);
  ++shares_;
}

void PayoutRecompute::add_to_window(const PayoutShare& share) {
  const PayoutRun::Start& start = claimed_.start;
  if (share.time_us > claimed_.end_us) return;
  if (start.kind == "share") {
    const std::tuple at{share.time_us, share.journal, share.sequence};
    const std::tuple from{start.time_us.value_or(0), start.journal.value_or(0),
                          start.sequence.value_or(0)};
    if (at < from) return;
    if (at == from) {
      start_share_ = share.work;
      start_address_ = share.address;
      ++shares_;
      return;
    }
  } else if (start.kind == "after") {
    if (share.time_us <= start.time_us.value_or(0)) return;
  } else if (start.kind != "all") {
    if (share.time_us < start.time_us.value_or(0)) return;
    if (share.time_us < whole_from_us_) {
      add_work(start_group_, share.address, share.work);
      ++shares_;
      return;
    }
  }
  add_work(works_, share.address, share.work);
  ++shares_;
}

base::Result<PayoutRun, std::string> PayoutRecompute::finish() {
  PayoutRun run = claimed_;
  run.miners.clear();
  run.credits.clear();
  run.window_work.reset();
  std::string why;
  if (by_heights_) {
    why = fill_credits(run);
  } else if (run.scheme != "pps") {
    why = find_start(run);
    if (why.empty()) why = fill_miners(run);
  }
  if (why.empty()) {
    fill_coherence(run);
    why = divide_reward(run);
  }
  if (!why.empty()) return base::err(why);
  return run;
}

std::string PayoutRecompute::find_start(PayoutRun& run) {
  if (run.scheme != "pplns") return {};
  const auto network = nbits_work(run.nbits.value_or(0));
  if (!network) return network.error();
  const auto wanted = pplns_window_work(run.pplns_window, *network);
  if (!wanted) return wanted.error();
  run.window_work = *wanted;
  const Natural later = total(works_);
  if (run.start.kind == "all") {
    if (later < *wanted) return {};
    return fmt::format("its window holds all shares, {} of work, but is to hold {}",
                       later.decimal(), wanted->decimal());
  }
  const Natural first = start_share_ ? Natural(*start_share_) : total(start_group_);
  if (first.is_zero()) return "the share that its window begins with is not in these segments";
  if (later >= *wanted || later + first < *wanted) {
    return fmt::format(
        "its window is to hold {} of work, but does not begin where it says: behind that lie {}, "
        "and {} there",
        wanted->decimal(), later.decimal(), first.decimal());
  }
  run.start.work = *wanted - later;
  return divide_start(run);
}

// What counts of the share; or of each miner's part of the minute, hour or day.
std::string PayoutRecompute::divide_start(PayoutRun& run) {
  if (start_share_) {
    miner_of(run, start_address_).work += *run.start.work;
    return {};
  }
  std::vector<PayoutWeight> weights;
  for (const auto& [address, work] : start_group_) weights.push_back({address, Natural(work)});
  const auto parts = split_by_largest_remainder(*run.start.work, weights);
  if (!parts) return parts.error();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    miner_of(run, weights[i].key).work += (*parts)[i];
  }
  return {};
}

std::string PayoutRecompute::fill_miners(PayoutRun& run) {
  if (run.scheme == "solo") {
    if (finder_.empty()) return "the share that found its block is not in these segments";
    works_ = {{finder_, U256(1)}};
  }
  std::map<std::string, Natural> all;
  for (const auto& miner : run.miners) all[miner.address] = miner.work;
  for (const auto& [address, work] : works_) all[address] += Natural(work);
  run.miners.clear();
  for (const auto& [address, work] : all) {
    if (work.is_zero()) continue;
    run.miners.push_back({});
    run.miners.back().address = address;
    run.miners.back().work = work;
  }
  return {};
}

std::string PayoutRecompute::fill_credits(PayoutRun& run) const {
  std::map<std::string, PayoutRun::Miner> miners;
  run.reward_sats = Natural();
  for (const auto& claimed : claimed_.credits) {
    const auto network = nbits_work(claimed.nbits);
    if (!network) return network.error();
    PayoutRun::Credit credit = claimed;
    credit.work = credit.value_sats = Natural();
    for (const auto& [address, work] : heights_.at(claimed.height)) {
      const auto earlier = before_.find({claimed.height, address});
      const Natural before = earlier == before_.end() ? Natural() : earlier->second;
      const Natural now(work);
      if (now <= before) continue;
      const Natural value =
          now * claimed.subsidy_sats / *network - before * claimed.subsidy_sats / *network;
      credit.work += now - before;
      credit.value_sats += value;
      miners[address].work += now - before;
      miners[address].value_sats += value;
    }
    run.reward_sats += credit.value_sats;
    if (!credit.work.is_zero()) run.credits.push_back(credit);
  }
  for (auto& [address, miner] : miners) {
    miner.address = address;
    run.miners.push_back(miner);
  }
  return {};
}

// Beside the miners that are there, in the order of their addresses.
void PayoutRecompute::fill_coherence(PayoutRun& run) const {
  std::map<std::string, PayoutRun::Miner> miners;
  for (PayoutRun::Miner& miner : run.miners) miners[miner.address] = std::move(miner);
  for (const auto& [address, work] : coherence_) {
    if (work.is_zero()) continue;
    miners[address].address = address;
    miners[address].coherence_work = work;
  }
  run.miners.clear();
  for (auto& [address, miner] : miners) run.miners.push_back(std::move(miner));
}

std::string PayoutRecompute::divide_reward(PayoutRun& run) {
  run.work = run.coherence_work = run.coherence_sats = run.reserve_sats = Natural();
  std::vector<PayoutWeight> weights;
  std::vector<PayoutWeight> coherence;
  for (const auto& miner : run.miners) {
    run.work += miner.work;
    run.coherence_work += miner.coherence_work;
    weights.push_back({miner.address, run.kind == "pps" ? miner.value_sats : miner.work});
    coherence.push_back({miner.address, miner.coherence_work});
  }
  if (std::uint64_t{run.fee_ppm} + run.coherence_ppm > 1'000'000) {
    return fmt::format("its fee of {} ppm and coherence part of {} ppm are more than all",
                       run.fee_ppm, run.coherence_ppm);
  }
  const bool to_reserve = run.kind == "block" && run.scheme == "pps";
  run.fee_sats = to_reserve ? Natural() : part_per_million(run.reward_sats, run.fee_ppm);
  if (to_reserve) run.reserve_sats = run.reward_sats;
  if (!run.coherence_work.is_zero()) {
    run.coherence_sats = part_per_million(run.reward_sats, run.coherence_ppm);
  }
  const Natural rest = run.reward_sats - run.fee_sats - run.coherence_sats - run.reserve_sats;
  if (!rest.is_zero()) {
    const auto parts = split_by_largest_remainder(rest, weights);
    if (!parts) return parts.error();
    for (std::size_t i = 0; i < weights.size(); ++i) run.miners[i].share_sats = (*parts)[i];
  }
  if (!run.coherence_sats.is_zero()) {
    const auto parts = split_by_largest_remainder(run.coherence_sats, coherence);
    if (!parts) return parts.error();
    for (std::size_t i = 0; i < coherence.size(); ++i) run.miners[i].coherence_sats = (*parts)[i];
  }
  return {};
}

}  // namespace pool
