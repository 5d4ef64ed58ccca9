// How an amount is divided, exactly: the same arithmetic as in SQL (sql/migrations/010 to 017),
// written once more, so that whoever has the shares can check what the database paid.
//
// Units:  satoshis and work are integers; a PPLNS window is decimal text, a multiple of work.
// Errors: one line, which names the value.
// Thread: pure functions.
// Source: docs/payouts.md.
#pragma once

#include "common/base/natural.h"
#include "common/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

struct PayoutWeight {
  std::string key;
  base::Natural weight;
};

// Each key gets amount * weight / total, rounded down; what is left goes one each to the largest
// remainders, of equal ones to the key that comes first in byte order. In the order of the weights;
// the parts add up to the amount. Error: there is no weight to divide an amount by, or a key comes
// twice.
[[nodiscard]] base::Result<std::vector<base::Natural>, std::string> split_by_largest_remainder(
    const base::Natural& amount, const std::vector<PayoutWeight>& weights);

// amount * ppm / 10^6, rounded down.
base::Natural part_per_million(const base::Natural& amount, std::uint32_t ppm);

// Expected hashes for a block at these nbits: 2^256 / (target + 1), rounded down.
[[nodiscard]] base::Result<base::Natural, std::string> nbits_work(std::uint32_t nbits);

// window * work, rounded down.
[[nodiscard]] base::Result<base::Natural, std::string> pplns_window_work(std::string_view window,
                                                                         const base::Natural& work);

}  // namespace pool
