// Bloom kernel for AVX2.
//
// Compiled alone with -mavx2: see walk.h. What the vectors are used for, and why it is done this
// way, is in kernel_body.inc and in README.md.
// Source: Intel Intrinsics Guide.
#if defined(__x86_64__)

#include "common/bloom/walk.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bloom {
namespace {

using V = __m256i;
constexpr std::uint32_t width = 8;

inline V splat(std::int32_t x) { return _mm256_set1_epi32(x); }
inline V splat16(std::int16_t x) { return _mm256_set1_epi16(x); }
inline V load_vector(const std::uint32_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const V*>(from));
}
inline void store_vector(std::uint32_t* to, V x) {
  _mm256_storeu_si256(reinterpret_cast<V*>(to), x);
}
inline std::int32_t first_dword(V x) { return _mm_cvtsi128_si32(_mm256_castsi256_si128(x)); }

inline V add32(V a, V b) { return _mm256_add_epi32(a, b); }
inline V add16(V a, V b) { return _mm256_add_epi16(a, b); }
inline V sub16(V a, V b) { return _mm256_sub_epi16(a, b); }
inline V abs16(V a) { return _mm256_abs_epi16(a); }
inline V mullo16(V a, V b) { return _mm256_mullo_epi16(a, b); }
inline V mulhrs16(V a, V b) { return _mm256_mulhrs_epi16(a, b); }
inline V madd(V a, V b) { return _mm256_madd_epi16(a, b); }
inline V dot(V sum, V a, V b) { return add32(sum, madd(a, b)); }
inline V add_lows(V sum, V a) { return dot(sum, a, splat(1)); }
inline V add_highs(V sum, V a) { return dot(sum, a, splat(0x10000)); }
inline V add_1024_lows(V sum, V a) { return dot(sum, a, splat(1024)); }

// The same order of bytes in every 16.
inline V shuffle(V x, std::int32_t d, std::int32_t c, std::int32_t b, std::int32_t a) {
  return _mm256_shuffle_epi8(x, _mm256_setr_epi32(a, b, c, d, a, b, c, d));
}
inline V high_twice(V x) { return shuffle(x, 0x0f0e0f0e, 0x0b0a0b0a, 0x07060706, 0x03020302); }
inline V sort_pairs(V x) { return shuffle(x, 0x0d0c0908, 0x0f0e0b0a, 0x05040100, 0x07060302); }
inline V negate_high(V x) { return _mm256_sign_epi16(x, splat(-0x0000ffff)); }
inline V ones_but_last() {
  return _mm256_setr_epi32(0x10001, 0x10001, 0x10001, 0x10001, 0x10001, 0x10001, 1, 1);
}

inline V order_of_sums(V c, V s) {
  return _mm256_blend_epi16(_mm256_srai_epi32(s, 4), _mm256_slli_epi32(c, 12), 0xaa);
}
inline V order_of_all(V sums) {
  V x = add32(sums, _mm256_permute4x64_epi64(sums, 0x4e));
  x = add32(x, _mm256_shuffle_epi32(x, 0x4e));
  return shuffle(_mm256_srai_epi32(x, 4), 0x05040100, 0x05040100, 0x05040100, 0x05040100);
}

inline V is_at_least(V values, V bounds) {
  return _mm256_cmpgt_epi32(values, add32(bounds, splat(-1)));
}
inline std::uint32_t at_least(V values, V bounds) {
  return static_cast<std::uint32_t>(
      _mm256_movemask_ps(_mm256_castsi256_ps(is_at_least(values, bounds))));
}
inline V count_if_at_least(V count, V values, V bound) {
  return _mm256_and_si256(is_at_least(values, bound), add32(count, splat(1)));
}

// Each number in both halves of a dword.
struct GateTable {
  std::int32_t rows[64];
};
inline GateTable make_gate_table(const std::int32_t* numbers) {
  GateTable table;
  for (std::uint32_t k = 0; k < 64; ++k) table.rows[k] = numbers[k] * 0x10001;
  return table;
}
inline V look_up(const GateTable& table, V order) {
  return _mm256_i32gather_epi32(table.rows, _mm256_srli_epi32(madd(order, order), 24), 4);
}
inline V look_up_one(const GateTable& table, V order) {
  const V r2 = madd(order, order);
  return splat(table.rows[static_cast<std::uint32_t>(first_dword(r2)) >> 24]);
}

#include "common/bloom/kernel_body.inc"

}  // namespace

extern const LaneKernel lanes_x86_avx2;
const LaneKernel lanes_x86_avx2 = lane_kernel;

void walk_x86_avx2(const Tables& tables, Walk* first, Walk* second) {
  walk_kernel(tables, first, second);
}

}  // namespace bloom

#endif
