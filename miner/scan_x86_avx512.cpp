// The scan kernel for processors with AVX-512: sixteen nonces at once.
//
// One instruction rotates, and one computes any function of three words, so both hashes of sixteen
// nonces take some 2850 vector instructions, on two ports. docs/miner-kernels.md counts them.
#include "miner/scan_job.h"

#include <immintrin.h>

namespace miner {
namespace {

using V = __m512i;
constexpr std::uint32_t lanes = 16;
constexpr std::uint32_t together = 2;

inline V splat(std::uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
inline V add(V a, V b) { return _mm512_add_epi32(a, b); }
// The last number is the function's truth table, a row for each value of the three bits.
inline V xor3(V a, V b, V c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
inline V choose(V e, V f, V g) { return _mm512_ternarylogic_epi32(e, f, g, 0xca); }
inline V majority(V a, V b, V c, V&) { return _mm512_ternarylogic_epi32(a, b, c, 0xe8); }

inline V big_sigma0(V x) {
  return xor3(_mm512_ror_epi32(x, 2), _mm512_ror_epi32(x, 13), _mm512_ror_epi32(x, 22));
}
inline V big_sigma1(V x) {
  return xor3(_mm512_ror_epi32(x, 6), _mm512_ror_epi32(x, 11), _mm512_ror_epi32(x, 25));
}
inline V small_sigma0(V x) {
  return xor3(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18), _mm512_srli_epi32(x, 3));
}
inline V small_sigma1(V x) {
  return xor3(_mm512_ror_epi32(x, 17), _mm512_ror_epi32(x, 19), _mm512_srli_epi32(x, 10));
}

inline V swap_bytes(V x) {
  // Bytes 0 and 2 of each word from the first rotation, 1 and 3 from the second.
  return _mm512_ternarylogic_epi32(splat(0x00ff00ff), _mm512_rol_epi32(x, 8),
                                   _mm512_ror_epi32(x, 8), 0xca);
}
inline V multiples(std::uint32_t step) {
  const V numbers = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return _mm512_mullo_epi32(numbers, splat(step));
}
inline std::uint32_t zero_lanes(V x, V mask) { return _mm512_testn_epi32_mask(x, mask); }

#include "miner/scan_lanes.inc"

}  // namespace

std::size_t scan_x86_avx512(const ScanJob& job, std::uint32_t first_nonce, std::uint32_t count,
                            FoundNonce* found, std::size_t found_max) {
  return scan_lanes(job, first_nonce, count, found, found_max);
}

}  // namespace miner
