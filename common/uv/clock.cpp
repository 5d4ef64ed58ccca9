#include "common/uv/clock.h"

namespace uv {

base::Instant read_clock() {
  using std::chrono::floor;
  return base::Instant{.mono = std::chrono::steady_clock::now(),
                       .wall = floor<std::chrono::microseconds>(std::chrono::system_clock::now())};
}

}  // namespace uv
