#include "tests/sim/faults.h"

#include <fmt/format.h>

#include <cmath>

namespace sim {
namespace {

// One of two runs is without the fault; in the others small figures are as likely as large ones.
double some(base::Random& random, double least, double most) {
  const bool absent = random.below(2) == 0;
  const double drawn = least * std::pow(most / least, uniform01(random));
  return absent ? 0 : drawn;
}

}  // namespace

double uniform01(base::Random& random) {
  return static_cast<double>((random.next() >> 11) + 1) * 0x1.0p-53;
}

bool chance(base::Random& random, double probability) {
  return probability > 0 && uniform01(random) <= probability;
}

Micros exponential(base::Random& random, Micros mean) {
  return static_cast<Micros>(-std::log(uniform01(random)) * static_cast<double>(mean));
}

Micros between(base::Random& random, Micros least, Micros most) {
  return least + static_cast<Micros>(random.below(static_cast<std::uint64_t>(most - least) + 1));
}

Faults Faults::draw(base::Random& random) {
  Faults f;
  f.split = some(random, 0.01, 0.5);
  f.cuts_per_hour = some(random, 1, 120);
  f.half_open = some(random, 0.1, 0.6);
  f.stalls_per_hour = some(random, 0.5, 10);
  f.duplicates = some(random, 0.001, 0.05);
  f.late_shares = some(random, 0.01, 0.3);
  f.garbage = some(random, 0.0005, 0.01);
  f.crashes_per_hour = some(random, 0.5, 20);
  f.power_cuts = some(random, 0.2, 1);
  f.crashes_in_a_write = some(random, 0.2, 0.8);
  f.crashes_at_blocks = some(random, 0.02, 0.3);
  f.stops_per_hour = some(random, 0.3, 4);
  f.clock_jumps_per_hour = some(random, 0.5, 6);
  f.mailbox_delay_most = static_cast<Micros>(some(random, 100, 200'000));
  f.write_fails = some(random, 1e-4, 1e-2);
  f.sync_fails = some(random, 1e-4, 2e-2);
  f.disk_full_per_hour = some(random, 0.2, 4);
  f.sync_most += static_cast<Micros>(some(random, 1000, 2'000'000));
  f.vault_fails = some(random, 0.01, 0.3);
  f.node_outages_per_hour = some(random, 0.3, 6);
  f.rpc_fails = some(random, 0.001, 0.1);
  f.news_lost = some(random, 0.05, 0.9);
  f.twin_tips = some(random, 0.02, 0.3);
  f.reorgs = some(random, 0.01, 0.2);
  f.store_outages_per_hour = some(random, 0.3, 6);
  f.answers_lost = some(random, 0.002, 0.1);
  f.commits_lost = some(random, 0.002, 0.1);
  return f;
}

Faults Faults::for_breakage(Break how) {
  Faults f;
  switch (how) {
    case Break::true_before_sync:
      f.crashes_per_hour = 10;
      f.crashes_in_a_write = 1;
      break;
    case Break::store_twice:
      f.answers_lost = 0.05;
      break;
    case Break::lose_rejects:
    case Break::long_grace:
      f.late_shares = 0.3;
      break;
    case Break::endless_queue:
      f.stalls_per_hour = 30;
      break;
    case Break::lose_synced:
      f.crashes_per_hour = 10;
      f.power_cuts = 1;
      break;
    default:
      break;
  }
  return f;
}

void Faults::stop() {
  *this = none();
  stopped = true;
}

std::string Faults::text() const {
  std::string all = fmt::format(
      "split {:.3f}  cuts/h {:.1f}  half_open {:.2f}  stalls/h {:.1f}  duplicates {:.4f}  "
      "late_shares {:.3f}  garbage {:.4f}\n",
      split, cuts_per_hour, half_open, stalls_per_hour, duplicates, late_shares, garbage);
  all += fmt::format(
      "crashes/h {:.1f}  at_blocks {:.2f}  power_cuts {:.2f}  in_a_write {:.2f}  stops/h {:.1f}  "
      "clock_jumps/h "
      "{:.1f}  "
      "mailbox_delay_us {}  write_fails {:.5f}  sync_fails {:.5f}  disk_full/h {:.1f}  "
      "sync_us {}  vault_fails {:.2f}\n",
      crashes_per_hour, crashes_at_blocks, power_cuts, crashes_in_a_write, stops_per_hour,
      clock_jumps_per_hour, mailbox_delay_most, write_fails, sync_fails, disk_full_per_hour,
      sync_most, vault_fails);
  all += fmt::format(
      "node_outages/h {:.1f}  rpc_fails {:.3f}  news_lost {:.2f}  twin_tips {:.2f}  reorgs {:.2f}  "
      "store_outages/h {:.1f}  answers_lost {:.3f}  commits_lost {:.3f}\n",
      node_outages_per_hour, rpc_fails, news_lost, twin_tips, reorgs, store_outages_per_hour,
      answers_lost, commits_lost);
  return all;
}

}  // namespace sim
