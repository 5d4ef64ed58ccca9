#include "common/uv/lag_probe.h"

#include <utility>

namespace uv {

LagProbe::LagProbe(Loop& loop, std::function<void(std::chrono::nanoseconds)> on_lag)
    : loop_(loop), on_lag_(std::move(on_lag)), timer_(loop, [this] { on_fire(); }) {
  timer_.set_background();
  arm();
}

// By the loop's own clock, which stands still during a turn: what the turn spends is lag as well.
void LagProbe::arm() {
  due_ = std::chrono::milliseconds(uv_now(loop_.get())) + period;
  timer_.start(period, std::chrono::milliseconds(0));
}

void LagProbe::on_fire() {
  const std::chrono::nanoseconds now(uv_hrtime());
  // Between its making and run() a loop has no events that could be late.
  if (std::exchange(running_, true)) on_lag_(now - due_);
  arm();
}

}  // namespace uv
