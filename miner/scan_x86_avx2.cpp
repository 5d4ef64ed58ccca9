// The scan kernel for processors with AVX2: eight nonces at once.
//
// There is no rotation, and logic takes two words: majority reuses the previous round's a ^ b.
#include "miner/scan_job.h"

#include <immintrin.h>

namespace miner {
namespace {

using V = __m256i;
constexpr std::uint32_t lanes = 8;
constexpr std::uint32_t together = 1;

inline V splat(std::uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
inline V add(V a, V b) { return _mm256_add_epi32(a, b); }
inline V exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }
inline V choose(V e, V f, V g) { return exclusive_or(g, _mm256_and_si256(e, exclusive_or(f, g))); }
inline V majority(V a, V b, V, V& b_xor_c) {
  const V a_xor_b = exclusive_or(a, b);
  const V result = exclusive_or(b, _mm256_and_si256(a_xor_b, b_xor_c));
  b_xor_c = a_xor_b;
  return result;
}

// x rotated right by n, its two parts still apart: their bits do not overlap, so that exclusive or
// joins them as well.
template <int n>
inline V rotate(V x) {
  return exclusive_or(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - n));
}
template <int p, int q, int r>
inline V rotate_thrice(V x) {
  return exclusive_or(exclusive_or(rotate<p>(x), rotate<q>(x)), rotate<r>(x));
}
inline V big_sigma0(V x) { return rotate_thrice<2, 13, 22>(x); }
inline V big_sigma1(V x) { return rotate_thrice<6, 11, 25>(x); }
inline V small_sigma0(V x) {
  return exclusive_or(exclusive_or(rotate<7>(x), rotate<18>(x)), _mm256_srli_epi32(x, 3));
}
inline V small_sigma1(V x) {
  return exclusive_or(exclusive_or(rotate<17>(x), rotate<19>(x)), _mm256_srli_epi32(x, 10));
}

inline V swap_bytes(V x) {
  const V order = _mm256_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203, 0x0c0d0e0f08090a0b,
                                    0x0405060700010203);
  return _mm256_shuffle_epi8(x, order);
}
inline V multiples(std::uint32_t step) {
  return _mm256_mullo_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), splat(step));
}
inline std::uint32_t zero_lanes(V x, V mask) {
  const V zero = _mm256_cmpeq_epi32(_mm256_and_si256(x, mask), _mm256_setzero_si256());
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(zero)));
}

#include "miner/scan_lanes.inc"

}  // namespace

std::size_t scan_x86_avx2(const ScanJob& job, std::uint32_t first_nonce, std::uint32_t count,
                          FoundNonce* found, std::size_t found_max) {
  return scan_lanes(job, first_nonce, count, found, found_max);
}

}  // namespace miner
