// The one place that reads a clock. A loop reads it once per event and passes the Instant down.
#pragma once

#include "common/base/time.h"

namespace uv {

base::Instant read_clock();

}  // namespace uv
