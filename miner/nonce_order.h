// Orders in which the nonces of a unit are tried. Each is nonce(k) = k * step modulo 2^32 with an
// odd step, so it is a permutation of all 2^32 nonces: none is left out, none comes twice, and a
// vector kernel walks it as fast as it counts. None finds more than another; docs/nonce-orders.md
// says what the orders' sources claim, and what was measured.
//
// Thread: pure.
// Source: golden: D. E. Knuth, The Art of Computer Programming, volume 3, section 6.4 (Fibonacci
//         hashing). The Knuth-Sorrellian ones: m = (BitLoad^power * iterations mod 2^32) | 1, with
//         the BitLoad constant of the miner's description.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace miner {

struct NonceOrder {
  std::string_view name;  // as in --nonce-order golden
  std::uint32_t step;     // odd
  std::string_view what;  // one line for people
};

// The first one is the default.
std::span<const NonceOrder> nonce_orders();

// By its name, or "knuth-sorrellian": the first of that family. Null when there is none such.
const NonceOrder* find_nonce_order(std::string_view name);

}  // namespace miner
