// What the config's shape has room for and this version can't do. To serve without it would be
// worse than not to start: miners would speak in the clear, or a proxy's address would count as
// theirs. Thread: a pure function.
#pragma once

#include "pool/config/config.h"

#include <string>

namespace pool {

// Empty when this version can honour every setting; else one line for the operator: the key, why,
// and what to do.
[[nodiscard]] std::string check_supported(const Config& config);

}  // namespace pool
