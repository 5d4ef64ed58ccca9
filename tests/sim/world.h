// World: everything there is in a run, drawn from one seed: miners, network, node, database, disk,
// and one life of the pool after the other. It lets the earliest event happen, again and again;
// lets things go wrong; then lets them heal, and sees that all comes to rest as it should.
//
// Thread: the one there is.
#pragma once

#include "tests/sim/sim_miner.h"
#include "tests/sim/sim_pool.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  double hours = 1;
  Break broken = Break::nothing;
  bool faults = true;
  bool print_all = false;
};

class World {
 public:
  explicit World(const WorldOptions& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // True: every oracle held.
  [[nodiscard]] bool run();

  // What was drawn; the failure, or the counts; the last messages.
  std::string drawn() const { return drawn_; }
  std::string result() const;
  const Environment& environment() const { return env_; }

 private:
  void draw();
  void draw_pool();
  void make_miners(std::uint32_t count, double speed_most);
  void start_pool();
  void crash();
  void stop();
  void wait_for_stop(Owner life, Micros until);
  enum class End { orderly, killed, power_cut };
  void end_pool(End how);
  void plan_faults();
  void recurring(double per_hour, const std::function<void()>& happen);
  void stall_somebody();
  void fill_disk();
  void take_node_down();
  void take_database_down();
  void set_clock_wrong();
  void heal();
  void tell_excuses();
  void mine_on();
  void run_until(Micros when);
  void settle();
  std::string unrest();

  const WorldOptions options_;
  Environment env_;
  std::string drawn_;
  SimDisk disk_;
  SimDatabase database_;
  SimAuditor auditor_;
  SimVault vault_;
  SimNetwork network_;
  std::optional<SimNode> node_;
  PoolOptions pool_options_;
  std::vector<std::unique_ptr<SimMiner>> miners_;
  std::unique_ptr<SimPool> pool_;
  Owner life_ = 0;
  std::uint64_t crashes_ = 0;
  std::uint64_t stops_ = 0;
  std::uint64_t hand_overs_ = 0;
  Micros settled_after_ = 0;
};

}  // namespace sim
