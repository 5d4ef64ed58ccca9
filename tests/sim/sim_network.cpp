#include "tests/sim/sim_network.h"

#include "pool/core/limits.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sim {

SimNetwork::Wire* SimNetwork::find(WireId id) {
  const auto wire = wires_.find(id);
  return wire == wires_.end() ? nullptr : &wire->second;
}

Micros SimNetwork::latency() {
  const bool far = env_.random.below(50) == 0;
  return between(env_.random, 200, far ? 300 * millisecond : 20 * millisecond);
}

// A machine that is down says nothing: its peers find out by themselves.
void SimNetwork::set_pool(PoolEnd* pool, bool machine_is_down) {
  pool_ = pool;
  machine_is_down_ = pool == nullptr && machine_is_down;
  if (pool != nullptr) return;
  std::vector<WireId> gone;
  for (auto& [id, wire] : wires_) {
    wire.pool_open = false;
    wire.held.clear();
    gone.push_back(id);
  }
  for (const WireId id : gone) {
    if (!machine_is_down) end_side(id, Side::miner, latency());
  }
}

// ---------------------------------------------------------------- a miner's verbs

WireId SimNetwork::connect(std::uint32_t miner) {
  const WireId id{next_wire_++};
  wires_[id].miner = miner;
  env_.schedule.after(latency(), world_owner, [this, id, miner] {
    Wire* wire = find(id);
    if (wire == nullptr || !wire->miner_open) return;
    if (machine_is_down_) return end_side(id, Side::miner, 20 * second);
    wire->pool_open = true;  // the pool may speak at once
    if (pool_ == nullptr || !pool_->on_connected(id, miner)) {
      if (wire = find(id); wire != nullptr) wire->pool_open = false;
      return end_side(id, Side::miner, latency());
    }
    env_.schedule.after(latency(), world_owner, [this, id, miner] {
      Wire* made = find(id);
      if (made != nullptr && made->miner_open) miners_[miner]->on_connected(id);
    });
  });
  return id;
}

void SimNetwork::send_up(WireId id, std::string_view bytes) {
  Wire* wire = find(id);
  if (wire == nullptr || !wire->miner_open) return;
  std::string piece(bytes);
  const bool cut_here = std::exchange(wire->cut_next_up, false);
  if (cut_here) piece.resize(env_.random.below(piece.size()));
  deliver(id, Side::pool, std::move(piece));
  if (cut_here) cut(id, false);
}

void SimNetwork::close_by_miner(WireId id) {
  Wire* wire = find(id);
  if (wire == nullptr) return;
  wire->miner_open = false;
  end_side(id, Side::pool, std::max<Micros>(wire->up_at - env_.now(), 0) + latency());
}

void SimNetwork::stall(WireId id, Micros time) {
  Wire* wire = find(id);
  if (wire == nullptr) return;
  wire->stalled_until = std::max(wire->stalled_until, env_.now() + time);
  env_.schedule.at(wire->stalled_until, world_owner, [this, id] { release_held(id); });
}

bool SimNetwork::is_stalled(WireId id) const {
  const auto wire = wires_.find(id);
  return wire != wires_.end() && wire->second.stalled_until > env_.now();
}

// ---------------------------------------------------------------- the pool's verbs

void SimNetwork::send_down(WireId id, std::string_view bytes) {
  Wire* wire = find(id);
  if (wire == nullptr || !wire->pool_open) return;
  std::string piece(bytes);
  const bool cut_here = std::exchange(wire->cut_next_down, false);
  if (cut_here) piece.resize(env_.random.below(piece.size()));
  deliver(id, Side::miner, std::move(piece));
  if (cut_here) cut(id, false);
}

void SimNetwork::close_by_pool(WireId id) {
  Wire* wire = find(id);
  if (wire == nullptr) return;
  wire->pool_open = false;
  if (wire->half_open) return;
  end_side(id, Side::miner, std::max<Micros>(wire->down_at - env_.now(), 0) + latency());
}

// ---------------------------------------------------------------- bytes on their way

void SimNetwork::deliver(WireId id, Side to, std::string bytes) {
  Wire& wire = *find(id);
  Micros& last = to == Side::pool ? wire.up_at : wire.down_at;
  last = std::max(last, env_.now() + latency());
  std::size_t pieces = 1;
  if (chance(env_.random, env_.faults.split)) pieces += env_.random.below(6);
  while (!bytes.empty()) {
    std::size_t size = bytes.size();
    if (--pieces > 0) size = 1 + env_.random.below(size);
    if (pieces == 0) pieces = 1;
    std::string piece = bytes.substr(0, size);
    bytes.erase(0, size);
    env_.schedule.at(last, world_owner, [this, id, to, piece = std::move(piece)] {
      to == Side::pool ? arrive_up(id, piece) : arrive_down(id, piece);
    });
    last += static_cast<Micros>(env_.random.below(2000));
  }
}

void SimNetwork::arrive_up(WireId id, const std::string& bytes) {
  const Wire* wire = find(id);
  if (wire == nullptr || !wire->pool_open || wire->half_open) return;
  env_.transcript.note("pool", "hears on wire", id.value, bytes);
  pool_->on_bytes(id, bytes);
}

void SimNetwork::arrive_down(WireId id, const std::string& bytes) {
  Wire* wire = find(id);
  if (wire == nullptr || !wire->miner_open) return;
  if (wire->stalled_until <= env_.now() && wire->held.empty() && !wire->half_open) {
    env_.transcript.note("miner", "hears on wire", id.value, bytes);
    return miners_[wire->miner]->on_bytes(id, bytes);
  }
  if (!wire->pool_open) return;
  const bool fits = wire->held.size() + bytes.size() <= pool::limits::write_queue_bytes_max;
  if (fits || env_.broken == Break::endless_queue) {
    wire->held += bytes;
    return env_.oracle.check_queue("write_queue_bytes", wire->held.size(),
                                   pool::limits::write_queue_bytes_max);
  }
  env_.transcript.note("pool", "closes a slow reader", id.value, "");
  wire->held.clear();
  wire->pool_open = false;
  pool_->on_cut(id);
  end_side(id, Side::miner, latency());
}

void SimNetwork::release_held(WireId id) {
  Wire* wire = find(id);
  if (wire == nullptr || wire->stalled_until > env_.now() || wire->half_open) return;
  const std::string bytes = std::exchange(wire->held, {});
  if (!bytes.empty() && wire->miner_open) miners_[wire->miner]->on_bytes(id, bytes);
}

// ---------------------------------------------------------------- the end of a wire

void SimNetwork::end_side(WireId id, Side side, Micros delay) {
  env_.schedule.after(delay, world_owner, [this, id, side] {
    Wire* wire = find(id);
    if (wire == nullptr) return;
    bool& open = side == Side::miner ? wire->miner_open : wire->pool_open;
    const std::uint32_t miner = wire->miner;
    const bool was_open = std::exchange(open, false);
    if (!wire->miner_open && !wire->pool_open) wires_.erase(id);
    if (!was_open) return;
    env_.transcript.note(side == Side::miner ? "miner" : "pool", "loses wire", id.value, "");
    if (side == Side::pool) return pool_->on_cut(id);
    miners_[miner]->on_cut(id);
  });
}

void SimNetwork::cut(WireId id, bool half_open) {
  Wire* wire = find(id);
  if (wire == nullptr) return;
  env_.transcript.note("network", half_open ? "half cuts wire" : "cuts wire", id.value, "");
  if (!half_open) {
    end_side(id, Side::pool, std::max<Micros>(wire->up_at - env_.now(), 0));
    return end_side(id, Side::miner, std::max<Micros>(wire->down_at - env_.now(), 0));
  }
  // Nothing passes any more; the pool's keepalive finds out some minutes later, the miner when it
  // has heard nothing for too long.
  wire->half_open = true;
  end_side(id, Side::pool, between(env_.random, second, 20 * minute));
}

WireId SimNetwork::some_wire() {
  if (wires_.empty()) return {};
  return std::next(wires_.begin(), static_cast<long>(env_.random.below(wires_.size())))->first;
}

void SimNetwork::cut_one() {
  const WireId id = some_wire();
  Wire* wire = find(id);
  if (wire == nullptr) return;
  switch (env_.random.below(3)) {
    case 0:
      return cut(id, chance(env_.random, env_.faults.half_open));
    case 1:
      wire->cut_next_up = true;
      return;
    default:
      wire->cut_next_down = true;
  }
}

void SimNetwork::stall_one(Micros time) {
  const WireId id = some_wire();
  if (find(id) == nullptr) return;
  env_.transcript.note("network", "stalls wire", id.value, "");
  stall(id, time);
}

void SimNetwork::heal() {
  std::vector<WireId> all;
  for (auto& [id, wire] : wires_) all.push_back(id);
  for (const WireId id : all) {
    Wire& wire = *find(id);
    wire.cut_next_up = wire.cut_next_down = false;
    wire.stalled_until = env_.now();
    if (wire.half_open) {
      end_side(id, Side::pool, second);
      end_side(id, Side::miner, second);
    } else {
      release_held(id);
    }
  }
}

}  // namespace sim
