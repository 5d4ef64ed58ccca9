// The scan kernel for 64-bit ARM processors with the SHA-2 extension: two nonces at once.
//
// SHA256H and SHA256H2 do four rounds with a latency of several cycles, so two independent streams
// keep the unit busy. What does not depend on the nonce is done once per call: rounds 0 to 2 and
// nearly all of round 3, and the constant parts of words 16 to 31. The first hash's message
// schedule is computed once per nonce, for all midstates. Of the second hash only the word that
// decides is computed: H7 is the `e` of round 60 plus a constant, so the last four rounds are half
// done.
//
// Registers: the instructions keep the state as ABCD and EFGH, `a` and `e` in the lowest lane.
// Source: Arm Architecture Reference Manual, SHA256H and its neighbours; FIPS 180-4.
#include "miner/scan_job.h"

#include <arm_neon.h>

namespace miner {
namespace {

using V = uint32x4_t;

constexpr std::uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
constexpr std::uint32_t initial_state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
// Words 4..15 of the first hash's second block (the padding of an 80-byte message) and words 8..15
// of the second hash (the padding of a 32-byte message), both with their round constants.
constexpr std::uint32_t first_padding[12] = {0xb956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
                                             0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
                                             0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf3f4};
constexpr std::uint32_t second_padding[8] = {0x5807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
                                             0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf274};

inline std::uint32_t rotate(std::uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }
inline std::uint32_t small_sigma0(std::uint32_t x) {
  return rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3);
}
inline std::uint32_t small_sigma1(std::uint32_t x) {
  return rotate(x, 17) ^ rotate(x, 19) ^ (x >> 10);
}
inline V words(std::uint32_t w0, std::uint32_t w1, std::uint32_t w2, std::uint32_t w3) {
  const std::uint32_t all[4] = {w0, w1, w2, w3};
  return vld1q_u32(all);
}

struct State {
  V abcd, efgh;
};

inline void four_rounds(State& s, V words_and_constants) {
  const V abcd = s.abcd;
  s.abcd = vsha256hq_u32(abcd, s.efgh, words_and_constants);
  s.efgh = vsha256h2q_u32(s.efgh, abcd, words_and_constants);
}
inline V with_constants(V message, int round) {
  return vaddq_u32(message, vld1q_u32(round_constants + round));
}
// The next four words from the last sixteen: w[t] = s1(w[t-2]) + w[t-7] + s0(w[t-15]) + w[t-16].
inline V next_words(V a, V b, V c, V d) { return vsha256su1q_u32(vsha256su0q_u32(a, b), c, d); }

// What the nonces of a job share, whatever the midstate.
struct Shared {
  std::uint32_t w16, w17;
  std::uint32_t w18_part, w19_part;  // without the nonce's term
  V w28_part;                        // words 12..15 and the sigma0 of words 13..16
};

inline Shared prepare(const ScanJob& job) {
  Shared p;
  p.w16 = small_sigma0(job.tail[1]) + job.tail[0];
  p.w17 = small_sigma1(640) + small_sigma0(job.tail[2]) + job.tail[1];
  p.w18_part = small_sigma1(p.w16) + job.tail[2];
  p.w19_part = small_sigma1(p.w17) + small_sigma0(0x80000000);
  p.w28_part = words(0, 0, small_sigma0(640), 640 + small_sigma0(p.w16));
  return p;
}

// What the nonces tried with one midstate share.
struct Midstate {
  State start;
  State after_round3;  // for a nonce of zero; others are added to a and e
};

inline Midstate prepare(const ScanJob& job, std::uint32_t which) {
  Midstate p;
  const std::uint32_t* m = job.midstates[which];
  p.start = State{vld1q_u32(m), vld1q_u32(m + 4)};
  p.after_round3 = p.start;
  four_rounds(p.after_round3, with_constants(words(job.tail[0], job.tail[1], job.tail[2], 0), 0));
  return p;
}

// A nonce as SHA-256 reads it, and the first hash's words 16 to 63 with their constants.
struct Schedule {
  V nonce;  // in the lowest lane
  V words_and_constants[12];
};

inline void make_schedule(const Shared& p, std::uint32_t nonce_value, Schedule& out) {
  // The header holds the nonce in little-endian; SHA-256 reads words in big-endian.
  const std::uint32_t nonce = __builtin_bswap32(nonce_value);
  out.nonce = words(nonce, 0, 0, 0);
  V m[4];
  m[0] = words(p.w16, p.w17, p.w18_part + small_sigma0(nonce), p.w19_part + nonce);
  m[1] = vsha256su1q_u32(words(0x80000000, 0, 0, 0), words(0, 0, 0, 640), m[0]);
  m[2] = vsha256su1q_u32(vdupq_n_u32(0), m[0], m[1]);
  m[3] = vsha256su1q_u32(p.w28_part, m[1], m[2]);
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) {
    if (i >= 4) {
      m[i & 3] = next_words(m[i & 3], m[(i + 1) & 3], m[(i + 2) & 3], m[(i + 3) & 3]);
    }
    out.words_and_constants[i] = with_constants(m[i & 3], 16 + 4 * i);
  }
}

// The first hash's digest, as the first eight words of the second hash's message.
inline void first_hash(const Midstate& p, const Schedule& x, const Schedule& y, V* wx, V* wy) {
  State s = p.after_round3;
  State t = s;
  s.abcd = vaddq_u32(s.abcd, x.nonce);
  s.efgh = vaddq_u32(s.efgh, x.nonce);
  t.abcd = vaddq_u32(t.abcd, y.nonce);
  t.efgh = vaddq_u32(t.efgh, y.nonce);
#pragma GCC unroll 3
  for (int i = 0; i < 12; i += 4) {
    four_rounds(s, vld1q_u32(first_padding + i));
    four_rounds(t, vld1q_u32(first_padding + i));
  }
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) {
    four_rounds(s, x.words_and_constants[i]);
    four_rounds(t, y.words_and_constants[i]);
  }
  wx[0] = vaddq_u32(s.abcd, p.start.abcd);
  wx[1] = vaddq_u32(s.efgh, p.start.efgh);
  wy[0] = vaddq_u32(t.abcd, p.start.abcd);
  wy[1] = vaddq_u32(t.efgh, p.start.efgh);
}

// The most significant word of the second hash, whose `h` after the last round is the `e` of 60.
inline std::uint32_t top_word(const State& before_round60, V words_and_constants) {
  const V efgh = vsha256h2q_u32(before_round60.efgh, before_round60.abcd, words_and_constants);
  return __builtin_bswap32(vgetq_lane_u32(efgh, 3) + initial_state[7]);
}

inline void second_hash(V* wx, V* wy, std::uint32_t* top_x, std::uint32_t* top_y) {
  wx[2] = wy[2] = words(0x80000000, 0, 0, 0);
  wx[3] = wy[3] = words(0, 0, 0, 256);
  State s{vld1q_u32(initial_state), vld1q_u32(initial_state + 4)};
  State t = s;
#pragma GCC unroll 16
  for (int i = 0; i < 15; ++i) {
    if (i >= 4) {
      V& x = wx[i & 3];
      V& y = wy[i & 3];
      x = next_words(x, wx[(i + 1) & 3], wx[(i + 2) & 3], wx[(i + 3) & 3]);
      y = next_words(y, wy[(i + 1) & 3], wy[(i + 2) & 3], wy[(i + 3) & 3]);
    }
    const bool padding = i == 2 || i == 3;
    const V known = vld1q_u32(second_padding + (padding ? 4 * (i - 2) : 0));
    four_rounds(s, padding ? known : with_constants(wx[i & 3], 4 * i));
    four_rounds(t, padding ? known : with_constants(wy[i & 3], 4 * i));
  }
  *top_x = top_word(s, with_constants(next_words(wx[3], wx[0], wx[1], wx[2]), 60));
  *top_y = top_word(t, with_constants(next_words(wy[3], wy[0], wy[1], wy[2]), 60));
}

// Notes the midstates with which the nonce is one to propose; returns how many are noted in all.
std::size_t propose(const ScanJob& job, std::uint32_t nonce, const std::uint32_t* tops,
                    FoundNonce* found, std::size_t found_count, std::size_t found_max) {
  for (std::uint32_t m = 0; m < job.midstate_count; ++m) {
    if (tops[m] > job.top_word_max || found_count == found_max) continue;
    found[found_count++] = FoundNonce{nonce, m};
  }
  return found_count;
}

}  // namespace

std::size_t scan_arm_sha2(const ScanJob& job, std::uint32_t first_nonce, std::uint32_t count,
                          FoundNonce* found, std::size_t found_max) {
  const Shared shared = prepare(job);
  Midstate midstates[scan_midstates_max];
  for (std::uint32_t m = 0; m < job.midstate_count; ++m) midstates[m] = prepare(job, m);
  std::size_t found_count = 0;
  std::uint32_t nonce = first_nonce;
  for (std::uint32_t done = 0; done < count; done += 2) {
    const std::uint32_t nonce_x = nonce;
    const std::uint32_t nonce_y = nonce + job.nonce_step;
    nonce = nonce_y + job.nonce_step;
    Schedule of_x;
    Schedule of_y;
    make_schedule(shared, nonce_x, of_x);
    make_schedule(shared, nonce_y, of_y);
    std::uint32_t top_x[scan_midstates_max];
    std::uint32_t top_y[scan_midstates_max];
    bool any = false;
    for (std::uint32_t m = 0; m < job.midstate_count; ++m) {
      V wx[4];
      V wy[4];
      first_hash(midstates[m], of_x, of_y, wx, wy);
      second_hash(wx, wy, &top_x[m], &top_y[m]);
      any = any || top_x[m] <= job.top_word_max || top_y[m] <= job.top_word_max;
    }
    if (!any) continue;
    found_count = propose(job, nonce_x, top_x, found, found_count, found_max);
    found_count = propose(job, nonce_y, top_y, found, found_count, found_max);
  }
  return found_count;
}

}  // namespace miner
