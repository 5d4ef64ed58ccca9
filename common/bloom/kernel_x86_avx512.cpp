// Bloom kernel for AVX-512 with 16-bit lanes and VNNI (Cascade Lake, Zen 4 and later).
//
// Compiled alone with those instructions: see walk.h. What the vectors are used for, and why it is
// done this way, is in kernel_body.inc and in README.md.
// Source: Intel Intrinsics Guide.
#if defined(__x86_64__)

#include "common/bloom/walk.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bloom {
namespace {

using V = __m512i;
constexpr std::uint32_t width = 16;
constexpr __mmask32 high_halves = 0xaaaaaaaa;

inline V splat(std::int32_t x) { return _mm512_set1_epi32(x); }
inline V splat16(std::int16_t x) { return _mm512_set1_epi16(x); }
inline V load_vector(const std::uint32_t* from) { return _mm512_loadu_si512(from); }
inline void store_vector(std::uint32_t* to, V x) { _mm512_storeu_si512(to, x); }
inline std::int32_t first_dword(V x) { return _mm_cvtsi128_si32(_mm512_castsi512_si128(x)); }

inline V add32(V a, V b) { return _mm512_add_epi32(a, b); }
inline V add16(V a, V b) { return _mm512_add_epi16(a, b); }
inline V sub16(V a, V b) { return _mm512_sub_epi16(a, b); }
inline V abs16(V a) { return _mm512_abs_epi16(a); }
inline V mullo16(V a, V b) { return _mm512_mullo_epi16(a, b); }
inline V mulhrs16(V a, V b) { return _mm512_mulhrs_epi16(a, b); }
inline V madd(V a, V b) { return _mm512_madd_epi16(a, b); }
inline V dot(V sum, V a, V b) { return _mm512_dpwssd_epi32(sum, a, b); }
inline V add_lows(V sum, V a) { return dot(sum, a, splat(1)); }
inline V add_highs(V sum, V a) { return dot(sum, a, splat(0x10000)); }
inline V add_1024_lows(V sum, V a) { return dot(sum, a, splat(1024)); }

// The same order of bytes in every 16; a byte of 0x80 and above gives a zero.
inline V shuffle(V x, std::uint32_t d, std::uint32_t c, std::uint32_t b, std::uint32_t a) {
  return _mm512_shuffle_epi8(
      x, _mm512_set4_epi32(static_cast<std::int32_t>(d), static_cast<std::int32_t>(c),
                           static_cast<std::int32_t>(b), static_cast<std::int32_t>(a)));
}
inline V high_twice(V x) { return shuffle(x, 0x0f0e0f0e, 0x0b0a0b0a, 0x07060706, 0x03020302); }
inline V sort_pairs(V x) { return shuffle(x, 0x0d0c0908, 0x0f0e0b0a, 0x05040100, 0x07060302); }
inline V negate_high(V x) {
  return _mm512_mask_sub_epi16(x, high_halves, _mm512_setzero_si512(), x);
}
inline V ones_but_last() { return _mm512_maskz_set1_epi16(0x5fffffff, 1); }

inline V order_of_sums(V c, V s) {
  return _mm512_mask_blend_epi16(high_halves, _mm512_srai_epi32(s, 4), _mm512_slli_epi32(c, 12));
}
inline V order_of_all(V sums) {
  V x = add32(sums, _mm512_shuffle_i64x2(sums, sums, 0x4e));
  x = add32(x, _mm512_shuffle_i64x2(x, x, 0xb1));
  x = add32(x, _mm512_shuffle_epi32(x, _MM_PERM_BADC));
  return shuffle(_mm512_srai_epi32(x, 4), 0x05040100, 0x05040100, 0x05040100, 0x05040100);
}

inline std::uint32_t at_least(V values, V bounds) {
  return _mm512_cmpge_epi32_mask(values, bounds);
}
inline V count_if_at_least(V count, V values, V bound) {
  return _mm512_maskz_add_epi32(_mm512_cmpge_epi32_mask(values, bound), count, splat(1));
}

// 64 numbers of 16 bits: what one instruction can choose from.
struct GateTable {
  V rows[2];
};
inline GateTable make_gate_table(const std::int32_t* numbers) {
  std::int16_t rows[64];
  for (std::uint32_t k = 0; k < 64; ++k) rows[k] = static_cast<std::int16_t>(numbers[k]);
  return {{_mm512_loadu_si512(rows), _mm512_loadu_si512(rows + 32)}};
}
inline V look_up(const GateTable& table, V order) {
  // The top byte of R2, in both halves.
  const V row = shuffle(madd(order, order), 0x800f800f, 0x800b800b, 0x80078007, 0x80038003);
  return _mm512_permutex2var_epi16(table.rows[0], row, table.rows[1]);
}
inline V look_up_one(const GateTable& table, V order) { return look_up(table, order); }

#include "common/bloom/kernel_body.inc"

}  // namespace

extern const LaneKernel lanes_x86_avx512;
const LaneKernel lanes_x86_avx512 = lane_kernel;

void walk_x86_avx512(const Tables& tables, Walk* first, Walk* second) {
  walk_kernel(tables, first, second);
}

}  // namespace bloom

#endif
