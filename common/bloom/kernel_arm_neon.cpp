// Bloom kernel for 64-bit ARM, where every processor has NEON.
//
// Rounded products are those of the specification but for (-32768) * (-32768), which saturates and
// which no number of the map's reaches. What the vectors are used for is in kernel_body.inc.
// Source: Arm C Language Extensions, Advanced SIMD intrinsics.
#if defined(__aarch64__)

#include "common/bloom/walk.h"

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bloom {
namespace {

using V = int32x4_t;
constexpr std::uint32_t width = 4;

inline int16x8_t in_16(V x) { return vreinterpretq_s16_s32(x); }
inline V in_32(int16x8_t x) { return vreinterpretq_s32_s16(x); }

inline V splat(std::int32_t x) { return vdupq_n_s32(x); }
inline V splat16(std::int16_t x) { return in_32(vdupq_n_s16(x)); }
inline V load_vector(const std::uint32_t* from) { return vreinterpretq_s32_u32(vld1q_u32(from)); }
inline void store_vector(std::uint32_t* to, V x) { vst1q_u32(to, vreinterpretq_u32_s32(x)); }
inline std::int32_t first_dword(V x) { return vgetq_lane_s32(x, 0); }

inline V add32(V a, V b) { return vaddq_s32(a, b); }
inline V add16(V a, V b) { return in_32(vaddq_s16(in_16(a), in_16(b))); }
inline V sub16(V a, V b) { return in_32(vsubq_s16(in_16(a), in_16(b))); }
inline V abs16(V a) { return in_32(vabsq_s16(in_16(a))); }
inline V mullo16(V a, V b) { return in_32(vmulq_s16(in_16(a), in_16(b))); }
inline V mulhrs16(V a, V b) { return in_32(vqrdmulhq_s16(in_16(a), in_16(b))); }
inline V madd(V a, V b) {
  const int16x8_t x = in_16(a);
  const int16x8_t y = in_16(b);
  return vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
}
inline V dot(V sum, V a, V b) { return add32(sum, madd(a, b)); }
inline V add_lows(V sum, V a) { return vaddw_s16(sum, vmovn_s32(a)); }
inline V add_highs(V sum, V a) { return vaddw_s16(sum, vshrn_n_s32(a, 16)); }
inline V add_1024_lows(V sum, V a) { return vmlal_n_s16(sum, vmovn_s32(a), 1024); }

inline V high_twice(V x) { return in_32(vtrn2q_s16(in_16(x), in_16(x))); }
inline V sort_pairs(V x) {
  const uint8x16_t order = {2, 3, 6, 7, 0, 1, 4, 5, 10, 11, 14, 15, 8, 9, 12, 13};
  return vreinterpretq_s32_u8(vqtbl1q_u8(vreinterpretq_u8_s32(x), order));
}
inline V high_of(V high, V low) { return vbslq_s32(vdupq_n_u32(0xffff0000), high, low); }
inline V negate_high(V x) { return high_of(in_32(vnegq_s16(in_16(x))), x); }
inline V ones_but_last() { return int32x4_t{0x10001, 0x10001, 1, 1}; }

inline V order_of_sums(V c, V s) { return high_of(vshlq_n_s32(c, 12), vshrq_n_s32(s, 4)); }
inline V order_of_all(V sums) {
  const V x = vshrq_n_s32(add32(sums, vextq_s32(sums, sums, 2)), 4);
  return in_32(vuzp1q_s16(in_16(x), in_16(x)));
}

inline std::uint32_t at_least(V values, V bounds) {
  const uint32x4_t bits = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(vcgeq_s32(values, bounds), bits));
}
inline V count_if_at_least(V count, V values, V bound) {
  return vandq_s32(vreinterpretq_s32_u32(vcgeq_s32(values, bound)), add32(count, splat(1)));
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
  const V row = vshrq_n_s32(madd(order, order), 24);
  V found = splat(table.rows[vgetq_lane_s32(row, 0)]);
  found = vsetq_lane_s32(table.rows[vgetq_lane_s32(row, 1)], found, 1);
  found = vsetq_lane_s32(table.rows[vgetq_lane_s32(row, 2)], found, 2);
  return vsetq_lane_s32(table.rows[vgetq_lane_s32(row, 3)], found, 3);
}
inline V look_up_one(const GateTable& table, V order) {
  return splat(table.rows[first_dword(madd(order, order)) >> 24]);
}

#include "common/bloom/kernel_body.inc"

}  // namespace

extern const LaneKernel lanes_arm_neon;
const LaneKernel lanes_arm_neon = lane_kernel;

void walk_arm_neon(const Tables& tables, Walk* first, Walk* second) {
  walk_kernel(tables, first, second);
}

}  // namespace bloom

#endif
