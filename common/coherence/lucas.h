// The golden arithmetic of coherence work: Lucas numbers, the golden step, the nonce of an attempt.
//
// Thread: pure. Everything wraps modulo 2^32 or 2^64.
// Source: docs/coherence.md, section 3.
#pragma once

#include <cstdint>

namespace coherence {

// L_n modulo 2^32 (L_0 = 2, L_1 = 1), by fast doubling: 32 steps at most.
std::uint32_t lucas(std::uint32_t n);

// a * 0x9E3779B97F4A7C15 mod 2^64: a permutation, and its inverse.
std::uint64_t golden(std::uint64_t a);
std::uint64_t golden_inverse(std::uint64_t a);

// The nonce of an attempt: L_{L_{(a mod 24)}} mod 2^32, XOR the high half of golden(a).
std::uint32_t nonce_of(std::uint64_t attempt);

}  // namespace coherence
