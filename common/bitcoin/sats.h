// Sats: an amount of money, integer satoshis. Never a floating-point number.
#pragma once

#include "common/base/strong.h"

#include <cstdint>

namespace bitcoin {

using Sats = base::Strong<struct SatsTag, std::int64_t>;

// Source: Bitcoin Core, consensus/amount.h (MAX_MONEY).
inline constexpr Sats max_money{21'000'000LL * 100'000'000LL};

}  // namespace bitcoin
