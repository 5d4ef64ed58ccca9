#include "tests/sim/world.h"

#include "common/base/assert.h"
#include "common/bitcoin/address.h"
#include "common/bitcoin/script.h"
#include "common/crypto/cpu_features.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sim {
namespace {

// After the faults, all must be well within this time: the longest of the pool's and the miners'
// own deadlines, one after the other.
constexpr Micros settle_within = 10 * minute;
constexpr Micros stop_within = 5 * second;  // limits::drain_deadline
constexpr Micros mining_after_faults = 3 * minute;
constexpr Micros sums_told_within = 70 * second;  // of rejects
constexpr Micros mining_at_most = 40 * minute;
constexpr std::uint64_t no_bound = std::uint64_t{1} << 60;
constexpr double hashes_per_difficulty = 4294967296.0;

// The difficulty that one of so many hashes meets.
bitcoin::Difficulty one_of(double hashes) {
  return *bitcoin::Difficulty::from_double(hashes / hashes_per_difficulty);
}

std::string some_address(base::Random& random) {
  base::Bytes program(20);
  for (std::uint8_t& byte : program) byte = static_cast<std::uint8_t>(random.next());
  return bitcoin::address_of_script(bitcoin::witness_script(0, program), bitcoin::Network::regtest);
}

const miner::ScanKernel& kernel() {
  static const miner::ScanKernel* picked =
      miner::pick_kernel(miner::scan_kernels(), crypto::detect_cpu_features(), "");
  return *picked;
}

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      env_(options.seed, options.broken, options.print_all),
      disk_(env_),
      database_(env_),
      auditor_(env_, disk_),
      network_(env_) {
  draw();
}

// ---------------------------------------------------------------- what the seed decides

void World::draw() {
  const Faults drawn = Faults::draw(env_.random);
  if (options_.broken != Break::nothing) {
    env_.faults = Faults::for_breakage(options_.broken);
  } else if (options_.faults) {
    env_.faults = drawn;
  }
  draw_pool();
  const auto miners = static_cast<std::uint32_t>(
      env_.random.below(4) == 0 ? between(env_.random, 100, 300) : between(env_.random, 8, 48));
  const double speed_most = std::pow(10, 2 * uniform01(env_.random) - 1);
  make_miners(miners, speed_most);
  NodeOptions node;
  // Blocks of our own every minute to every half hour, as far as that takes no age to compute.
  const double seconds_per_block = 60 * std::pow(30, uniform01(env_.random));
  const double speed = speed_most / 3 * miners;
  const double hashes_per_block = std::clamp(speed * seconds_per_block, 1000.0, 40000.0);
  node.nbits = bitcoin::Target256::from_difficulty(one_of(hashes_per_block)).to_compact();
  node.block_interval = between(env_.random, 2 * minute, 20 * minute);
  node_.emplace(env_, node, [this] {
    if (pool_) pool_->node().on_node_has_new_tip();
  });
  env_.on_block_found = [this] {
    if (!chance(env_.random, env_.faults.crashes_at_blocks)) return;
    env_.schedule.after(between(env_.random, 0, 300 * millisecond), world_owner,
                        [this] { crash(); });
  };
  drawn_ = fmt::format(
      "{} shards, {} miners of up to {:.2f} hashes/s, {:.0f} hashes a block, others' blocks every "
      "{} s, {:.2f} shares/min, grace {} ms, segments of {} bytes{}, {} of "
      "the journal's bytes may wait\n{}",
      pool_options_.shards, miners, speed_most, hashes_per_block, node.block_interval / second,
      pool_options_.shard.ports[0].shares_per_minute, pool_options_.shard.stale_grace.count(),
      pool_options_.segment_bytes_max, pool_options_.removes_segments ? ", removed" : "",
      pool_options_.journal_bytes_max, env_.faults.text());
}

void World::draw_pool() {
  base::Random& random = env_.random;
  pool_options_.shards = 2 + static_cast<std::uint32_t>(random.below(2));
  pool_options_.segment_bytes_max = std::size_t{16 * 1024} << random.below(6);
  pool_options_.removes_segments = random.below(2) == 0;
  pool_options_.journal_bytes_max =
      random.below(2) == 0 ? no_bound : std::uint64_t{4000} << random.below(6);
  pool::ShardOptions& shard = pool_options_.shard;
  shard.network = bitcoin::Network::regtest;
  shard.payout_address = some_address(random);
  constexpr std::chrono::milliseconds graces[] = {
      std::chrono::milliseconds{0}, std::chrono::milliseconds{0}, std::chrono::milliseconds{2000}};
  shard.stale_grace = graces[random.below(std::size(graces))];
  if (env_.broken == Break::long_grace) shard.stale_grace = std::chrono::hours{1};
  pool::DifficultyPolicy& policy = shard.ports.front();
  policy.start = one_of(32);
  policy.min = one_of(8);
  policy.vardiff = random.below(4) != 0;
  policy.shares_per_minute = 0.5 * std::pow(8, uniform01(random));
  policy.power_of_two = random.below(2) == 0;
  pool::JobSourceOptions& source = pool_options_.job_source;
  source.payout_script = bitcoin::parse_address(shard.payout_address, shard.network)->script_pubkey;
  for (const pool::CoinbaseTier& tier : shard.coinbase_tiers) {
    source.tier_bytes_max.push_back(tier.bytes_max);
  }
  source.coinbase_tag = "/sim/";
  source.network = shard.network;
  source.empty_first = random.below(4) != 0;
}

void World::make_miners(std::uint32_t count, double speed_most) {
  for (std::uint32_t i = 0; i < count; ++i) {
    MinerOptions options;
    options.index = i;
    options.worker = fmt::format("{}.rig{}", some_address(env_.random), i);
    options.hashes_per_second = speed_most * std::pow(0.05, uniform01(env_.random));
    const bool broken = env_.broken == Break::long_grace;
    options.stale_grace = broken ? 0 : 1000 * pool_options_.shard.stale_grace.count();
    options.resumes = env_.random.below(3) == 0;
    options.kernel = &kernel();
    miners_.push_back(std::make_unique<SimMiner>(env_, network_, std::move(options)));
    network_.add_miner(*miners_.back());
  }
}

// ---------------------------------------------------------------- the pool's lives

void World::start_pool() {
  if (pool_) return;
  ++life_;
  env_.schedule.set_living(life_);
  env_.transcript.note("world", "starts pool", life_, "");
  pool::JobSourceOptions& source = pool_options_.job_source;
  source.first_job_id = mining::job_id_step * (1 + env_.random.below(std::uint64_t{1} << 40));
  source.coinbase_unique = env_.random.next();
  const Outside outside{network_, *node_, disk_, database_, auditor_, vault_};
  pool_ = std::make_unique<SimPool>(env_, life_, outside, pool_options_);
  if (pool_->start()) return network_.set_pool(pool_.get(), false);
  env_.schedule.set_living(~Owner{0});
  pool_.reset();
  env_.schedule.after(10 * second, world_owner, [this] { start_pool(); });
}

void World::crash() {
  if (!pool_) return;
  if (chance(env_.random, env_.faults.crashes_in_a_write)) return disk_.cut_power_in_next_call();
  end_pool(chance(env_.random, env_.faults.power_cuts) ? End::power_cut : End::killed);
}

void World::stop() {
  if (!pool_) return;
  env_.transcript.note("world", "stops pool", life_, "");
  pool_->begin_stop();
  wait_for_stop(life_, env_.now() + stop_within);
}

// As the process does: what takes longer than the deadline is cut off.
void World::wait_for_stop(Owner life, Micros until) {
  env_.schedule.after(50 * millisecond, world_owner, [this, life, until] {
    if (!pool_ || life != life_) return;  // it crashed meanwhile
    if (pool_->has_stopped()) return end_pool(End::orderly);
    if (env_.now() >= until) return end_pool(End::killed);
    wait_for_stop(life, until);
  });
}

void World::end_pool(End how) {
  const bool power_cut = how == End::power_cut;
  ++(how == End::orderly ? stops_ : crashes_);
  env_.transcript.note("world", power_cut ? "cuts the power of pool" : "ends pool", life_, "");
  hand_overs_ += pool_->hand_overs();
  pool_->tell_totals();
  env_.oracle.on_pool_end(how == End::orderly);
  env_.schedule.set_living(~Owner{0});
  network_.set_pool(nullptr, power_cut);
  pool_.reset();
  disk_.crash(power_cut);
  env_.schedule.after(between(env_.random, second, 3 * minute), world_owner,
                      [this] { start_pool(); });
}

// ---------------------------------------------------------------- what goes wrong

void World::recurring(double per_hour, const std::function<void()>& happen) {
  if (per_hour <= 0) return;
  const auto mean = static_cast<Micros>(static_cast<double>(hour) / per_hour);
  env_.schedule.after(exponential(env_.random, mean), world_owner, [this, per_hour, happen] {
    if (env_.faults.stopped) return;
    happen();
    recurring(per_hour, happen);
  });
}

void World::plan_faults() {
  const Faults& faults = env_.faults;
  recurring(faults.cuts_per_hour, [this] { network_.cut_one(); });
  recurring(faults.stalls_per_hour, [this] { stall_somebody(); });
  recurring(faults.crashes_per_hour, [this] { crash(); });
  recurring(faults.stops_per_hour, [this] { stop(); });
  recurring(faults.clock_jumps_per_hour, [this] { set_clock_wrong(); });
  recurring(faults.disk_full_per_hour, [this] { fill_disk(); });
  recurring(faults.node_outages_per_hour, [this] { take_node_down(); });
  recurring(faults.store_outages_per_hour, [this] { take_database_down(); });
}

// Some of those that do not read go on asking.
void World::stall_somebody() {
  const Micros time = between(env_.random, second, 8 * minute);
  if (env_.random.below(2) == 0) return network_.stall_one(time);
  SimMiner& miner = *miners_[env_.random.below(miners_.size())];
  network_.stall(miner.wire(), time);
  for (Micros at = 0; at < time; at += 5 * second) {
    env_.schedule.after(at, world_owner, [this, &miner] {
      if (network_.is_stalled(miner.wire())) miner.chatter();
    });
  }
}

void World::fill_disk() {
  disk_.set_full(true);
  env_.transcript.note("disk", "is full", 0, "");
  env_.schedule.after(exponential(env_.random, 2 * minute), world_owner,
                      [this] { disk_.set_full(false); });
}

void World::take_node_down() {
  node_->set_up(false);
  env_.transcript.note("node", "goes away", 0, "");
  env_.schedule.after(exponential(env_.random, 2 * minute), world_owner,
                      [this] { node_->set_up(true); });
}

void World::take_database_down() {
  database_.set_up(false);
  env_.transcript.note("store", "goes away", 0, "");
  env_.schedule.after(exponential(env_.random, 10 * minute), world_owner,
                      [this] { database_.set_up(true); });
}

void World::set_clock_wrong() {
  constexpr Micros errors[] = {0, -second, second, -minute, hour, -3 * hour, 3 * hour};
  const Micros error = errors[env_.random.below(std::size(errors))];
  env_.transcript.note("world", "sets the clock wrong", 0, std::to_string(error / second));
  env_.schedule.set_wall_error(error);
}

void World::heal() {
  env_.transcript.note("world", "heals", 0, "");
  env_.faults.stop();
  disk_.set_full(false);
  node_->set_up(true);
  database_.set_up(true);
  env_.schedule.set_wall_error(0);
  network_.heal();
  start_pool();
}

// ---------------------------------------------------------------- the run

// Shares may be refused for want of disk, of room in the journal, or of the right time.
void World::tell_excuses() {
  const Faults& faults = env_.faults;
  const bool is_bounded = pool_options_.journal_bytes_max < no_bound;
  const bool disk_fails = faults.write_fails + faults.sync_fails + faults.disk_full_per_hour > 0;
  const bool clock_jumps = faults.clock_jumps_per_hour > 0;
  env_.oracle.excuse(is_bounded || disk_fails, clock_jumps, faults.vault_fails > 0);
}

bool World::run() {
  node_->start();
  start_pool();
  for (const auto& miner : miners_) miner->start(between(env_.random, 0, minute));
  tell_excuses();
  plan_faults();
  run_until(static_cast<Micros>(options_.hours * static_cast<double>(hour)));
  if (env_.oracle.failed()) return false;
  heal();
  mine_on();
  for (const auto& miner : miners_) miner->stop_mining();
  run_until(env_.now() + sums_told_within);
  settle();
  if (env_.oracle.failed()) return false;
  hand_overs_ += pool_->hand_overs();
  pool_->tell_totals();
  auditor_.read_to(pool_->durable_to());
  env_.oracle.finish();
  return !env_.oracle.failed();
}

// Slow miners may have no share for minutes.
void World::mine_on() {
  const std::uint64_t stored = env_.oracle.shares_stored();
  const Micros until = env_.now() + mining_at_most;
  run_until(env_.now() + mining_after_faults);
  while (env_.oracle.shares_stored() == stored && !env_.oracle.failed()) {
    if (env_.now() >= until) {
      return env_.oracle.fail("liveness", "no share was stored after the faults");
    }
    run_until(env_.now() + minute);
  }
}

void World::run_until(Micros when) {
  bool more = true;
  while (more && !env_.oracle.failed()) {
    try {
      more = env_.schedule.step(when);
    } catch (const PowerCut&) {
      end_pool(End::power_cut);
    }
  }
}

void World::settle() {
  const Micros began = env_.now();
  std::string why = unrest();
  while (!why.empty() && !env_.oracle.failed()) {
    if (env_.now() - began >= settle_within) return env_.oracle.fail("liveness", why);
    run_until(env_.now() + second);
    why = unrest();
  }
  settled_after_ = env_.now() - began;
}

// A refresh is told over half a minute, so a miner may still be at the job before.
std::string World::unrest() {
  if (!pool_) return "the pool is down";
  if (std::string why = pool_->unrest(); !why.empty()) return why;
  const std::uint64_t job = pool_->node().job_before();
  for (const auto& miner : miners_) {
    if (!miner->has_job_on(node_->tip(), job)) {
      return fmt::format("{}; the newest is {} on {}", miner->state(),
                         mining::job_id_text(mining::JobId{job}), node_->tip().display_hex());
    }
    if (!miner->is_at_rest()) return miner->state();
  }
  return {};
}

std::string World::result() const {
  if (env_.oracle.failed()) {
    return fmt::format("the last messages:\n{}\noracle {}\n", env_.transcript.last(),
                       env_.oracle.failure());
  }
  return fmt::format(
      "{}{} crashes, {} stops, {} hand-overs, {} reorganisations, {} blocks, at rest after {} "
      "s, {} events\n",
      env_.oracle.summary(), crashes_, stops_, hand_overs_, node_->reorganisations(),
      node_->blocks(), settled_after_ / second, env_.schedule.events());
}

}  // namespace sim
