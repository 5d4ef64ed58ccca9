// SimNetwork: the connections between miners and shards. Bytes take their time, keep their order,
// arrive in pieces; a connection may end at any byte, and one of its ends may not hear of it.
//
// A miner that does not read lets the bytes for it pile up on the pool's side, which closes the
// connection when they are too many, as the pool's TcpStream does.
// Thread: the one there is.
#pragma once

#include "common/base/strong.h"
#include "tests/sim/environment.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

using WireId = base::Strong<struct WireIdTag, std::uint64_t>;

// What the two ends of a wire are told. After on_cut() an end hears no more of it.
class MinerEnd {
 public:
  virtual void on_connected(WireId wire) = 0;
  virtual void on_bytes(WireId wire, std::string_view bytes) = 0;
  virtual void on_cut(WireId wire) = 0;

 protected:
  ~MinerEnd() = default;
};
class PoolEnd {
 public:
  // False: nobody listens, or the shard turns it away.
  [[nodiscard]] virtual bool on_connected(WireId wire, std::uint32_t miner) = 0;
  virtual void on_bytes(WireId wire, std::string_view bytes) = 0;
  virtual void on_cut(WireId wire) = 0;

 protected:
  ~PoolEnd() = default;
};

class SimNetwork {
 public:
  explicit SimNetwork(Environment& env) : env_(env) {}

  void add_miner(MinerEnd& end) { miners_.push_back(&end); }
  // Null: the pool is down. `machine_is_down`: nobody is told either.
  void set_pool(PoolEnd* pool, bool machine_is_down);

  // --- a miner's verbs
  WireId connect(std::uint32_t miner);
  void send_up(WireId wire, std::string_view bytes);
  void close_by_miner(WireId wire);
  // It reads nothing for so long.
  void stall(WireId wire, Micros time);

  // --- the pool's verbs
  void send_down(WireId wire, std::string_view bytes);
  void close_by_pool(WireId wire);

  // --- faults
  void cut_one();
  void stall_one(Micros time);
  // Ends what is half open, and lets everybody read.
  void heal();
  bool is_stalled(WireId wire) const;
  // The miner's wire; 0 when it has none.
  std::size_t wires() const { return wires_.size(); }

 private:
  struct Wire {
    std::uint32_t miner = 0;
    bool miner_open = true;
    bool pool_open = false;
    bool half_open = false;
    bool cut_next_up = false;  // in the middle of what is sent next
    bool cut_next_down = false;
    Micros up_at = 0;  // when the last bytes arrive that were sent
    Micros down_at = 0;
    Micros stalled_until = 0;
    std::string held;  // by the pool's side, for a miner that does not read
  };
  enum class Side { miner, pool };

  Wire* find(WireId id);
  Micros latency();
  void deliver(WireId id, Side to, std::string bytes);
  void arrive_up(WireId id, const std::string& bytes);
  void arrive_down(WireId id, const std::string& bytes);
  void release_held(WireId id);
  void end_side(WireId id, Side side, Micros delay);
  void cut(WireId id, bool half_open);
  WireId some_wire();

  Environment& env_;
  std::vector<MinerEnd*> miners_;
  PoolEnd* pool_ = nullptr;
  bool machine_is_down_ = false;
  std::map<WireId, Wire> wires_;
  std::uint64_t next_wire_ = 1;
};

}  // namespace sim
