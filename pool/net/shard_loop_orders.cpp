// The operator's orders, as a shard carries them out. What is told to many miners goes out a few at
// a time, so that an order costs nobody's share its turn.
#include "common/log.h"
#include "common/stratum/codec.h"
#include "common/uv/clock.h"
#include "pool/net/shard_loop.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto tell_period = 20ms;
constexpr std::size_t told_at_once = 100;

}  // namespace

void ShardLoop::on(const OperatorOrder& order) {
  if (stopping_ != Stopping::no) {
    return hooks_.order_done({order.number, "the pool is shutting down", 0, {}});
  }
  std::visit([&](const auto& what) { carry_out(order.number, what); }, order.what);
}

void ShardLoop::carry_out(std::uint64_t number, const OperatorOrder::Drain& order) {
  listeners_.clear();
  shard_.set_draining(true);
  if (!order.reconnect) return hooks_.order_done({number, {}, 0, {}});
  begin_telling({number, stratum::write_reconnect(*order.reconnect), shard_.miners({}), 0});
}

// The ports may belong to somebody else by now.
void ShardLoop::carry_out(std::uint64_t number, const OperatorOrder::Resume& /*order*/) {
  if (listeners_.empty()) {
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
      auto listener = open_listener(endpoints_[i], *ports_[i]);
      if (!listener) {
        listeners_.clear();
        return hooks_.order_done({number,
                                  "can't listen on " + endpoints_[i].host + ":" +
                                      std::to_string(endpoints_[i].port) +
                                      " again: " + listener.error(),
                                  0,
                                  {}});
      }
      listeners_.push_back(std::move(*listener));
    }
  }
  shard_.set_draining(false);
  hooks_.order_done({number, {}, 0, {}});
}

void ShardLoop::carry_out(std::uint64_t number, const OperatorOrder::BanAddress& order) {
  Ban ban;
  ban.prefix = order.prefix;
  ban.until = uv::read_clock().mono + order.time;
  const std::size_t expelled = shard_.expel(ban);
  hooks_.order_done({number, {}, expelled, {}});
}

void ShardLoop::carry_out(std::uint64_t number, const OperatorOrder::Unban& order) {
  const bool was_banned = shard_.unban(order.prefix);
  hooks_.order_done({number, {}, 0, was_banned ? "" : "it was not banned"});
}

void ShardLoop::carry_out(std::uint64_t number, const OperatorOrder::Tell& order) {
  begin_telling({number, stratum::write_show_message(order.text), shard_.miners(order.to), 0});
}

void ShardLoop::begin_telling(Telling telling) {
  tellings_.push_back(std::move(telling));
  if (!telling_.is_active()) telling_.start(0ms, tell_period);
}

void ShardLoop::continue_telling() {
  Telling& telling = tellings_.front();
  const std::size_t due = std::min(telling.to.size(), told_at_once);
  for (std::size_t i = 0; i < due; ++i) {
    const auto connection = connections_.find(telling.to.back());
    telling.to.pop_back();
    if (connection == connections_.end()) continue;
    connection->second->send(telling.line);
    ++telling.told;
  }
  if (!telling.to.empty()) return;
  hooks_.order_done({telling.number, {}, telling.told, {}});
  tellings_.pop_front();
  if (tellings_.empty()) telling_.stop();
}

}  // namespace pool
