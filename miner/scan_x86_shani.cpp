// The scan kernel for processors with the SHA extensions: two nonces at once.
//
// SHA256RNDS2 does two rounds with a latency of about four cycles, so two independent streams keep
// the unit busy. What does not depend on the nonce is done once per call: rounds 0 and 1 and words
// 16 and 17 of the first hash, and the parts of words 18 to 31 that only constants enter. Of the
// second hash only the word that decides is computed: H7 is the `e` of round 60 plus a constant, so
// rounds 62 and 63 are never run.
//
// Registers: the instructions keep the state as ABEF and CDGH, highest lane first.
// Source: Intel, "Intel SHA Extensions" (2013); FIPS 180-4.
#include "miner/scan_job.h"

#include <immintrin.h>

namespace miner {
namespace {

#define PHASEPOOL_INLINE static inline __attribute__((always_inline))

alignas(16) const std::uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Words 4..15 of the first hash's second block (the padding of an 80-byte message) plus their round
// constants, and words 8..15 of the second hash (the padding of a 32-byte message) plus theirs.
alignas(16) const std::uint32_t first_padding[12] = {
    0xb956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf3f4};
alignas(16) const std::uint32_t second_padding[8] = {
    0x5807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf274};

PHASEPOOL_INLINE std::uint32_t rotate_right(std::uint32_t x, int n) {
  return (x >> n) | (x << (32 - n));
}
PHASEPOOL_INLINE std::uint32_t sigma0(std::uint32_t x) {
  return rotate_right(x, 7) ^ rotate_right(x, 18) ^ (x >> 3);
}
PHASEPOOL_INLINE std::uint32_t sigma1(std::uint32_t x) {
  return rotate_right(x, 17) ^ rotate_right(x, 19) ^ (x >> 10);
}
PHASEPOOL_INLINE __m128i words(std::uint32_t w0, std::uint32_t w1, std::uint32_t w2,
                               std::uint32_t w3) {
  return _mm_set_epi32(static_cast<int>(w3), static_cast<int>(w2), static_cast<int>(w1),
                       static_cast<int>(w0));
}
PHASEPOOL_INLINE __m128i load(const std::uint32_t* at) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(at));
}
PHASEPOOL_INLINE __m128i load_two(const std::uint32_t* at) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
}

// What all nonces of a job share.
struct Prepared {
  __m128i mid_abef, mid_cdgh;  // the midstate
  __m128i abef0, abef2;        // ABEF before round 0 and after round 1
  std::uint32_t w2_k2;         // word 2 plus its round constant
  std::uint32_t w16, w17;
  std::uint32_t w18_part, w19_part;  // without the nonce's term
  __m128i w20_part, w28_part;  // what msg2 adds sigma1 terms to, for 20..23; and for 28..31 the
                               // part that stands beside words 21..27
};

PHASEPOOL_INLINE Prepared prepare(const ScanJob& job, std::uint32_t midstate) {
  Prepared p;
  const std::uint32_t* m = job.midstates[midstate];
  p.mid_abef = words(m[5], m[4], m[1], m[0]);
  p.mid_cdgh = words(m[7], m[6], m[3], m[2]);
  p.abef0 = p.mid_abef;
  const __m128i first_two =
      words(job.tail[0] + round_constants[0], job.tail[1] + round_constants[1], 0, 0);
  p.abef2 = _mm_sha256rnds2_epu32(p.mid_cdgh, p.mid_abef, first_two);
  p.w2_k2 = job.tail[2] + round_constants[2];
  p.w16 = sigma0(job.tail[1]) + job.tail[0];
  p.w17 = sigma1(640) + sigma0(job.tail[2]) + job.tail[1];
  p.w18_part = sigma1(p.w16) + job.tail[2];
  p.w19_part = sigma1(p.w17) + sigma0(0x80000000);
  p.w20_part = words(0x80000000, 0, 640, p.w16);
  p.w28_part = words(0, 0, sigma0(640), 640 + sigma0(p.w16));
  return p;
}

// One of the two streams: its state and the last sixteen message words.
struct Stream {
  __m128i abef, cdgh;
  __m128i m0, m1, m2, m3;
};

PHASEPOOL_INLINE void four_rounds(Stream& s, __m128i words_and_constants) {
  s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, words_and_constants);
  s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, _mm_shuffle_epi32(words_and_constants, 0x0e));
}
// Words that are the same for every nonce need no shuffle: both halves are loaded.
PHASEPOOL_INLINE void four_constant_rounds(Stream& s, const std::uint32_t* words_and_constants) {
  s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, load_two(words_and_constants));
  s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, load_two(words_and_constants + 2));
}
PHASEPOOL_INLINE __m128i with_constants(__m128i message, int round) {
  return _mm_add_epi32(message, load(round_constants + round));
}
// The next four words from the last sixteen: w[t] = s1(w[t-2]) + w[t-7] + s0(w[t-15]) + w[t-16].
PHASEPOOL_INLINE __m128i next_words(__m128i a, __m128i b, __m128i c, __m128i d) {
  const __m128i older = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4));
  return _mm_sha256msg2_epu32(older, d);
}

// Sixteen rounds that also replace the sixteen words they used by the next sixteen.
PHASEPOOL_INLINE void extend_and_run(Stream& x, Stream& y, int round) {
  x.m0 = next_words(x.m0, x.m1, x.m2, x.m3);
  y.m0 = next_words(y.m0, y.m1, y.m2, y.m3);
  four_rounds(x, with_constants(x.m0, round));
  four_rounds(y, with_constants(y.m0, round));
  x.m1 = next_words(x.m1, x.m2, x.m3, x.m0);
  y.m1 = next_words(y.m1, y.m2, y.m3, y.m0);
  four_rounds(x, with_constants(x.m1, round + 4));
  four_rounds(y, with_constants(y.m1, round + 4));
  x.m2 = next_words(x.m2, x.m3, x.m0, x.m1);
  y.m2 = next_words(y.m2, y.m3, y.m0, y.m1);
  four_rounds(x, with_constants(x.m2, round + 8));
  four_rounds(y, with_constants(y.m2, round + 8));
  x.m3 = next_words(x.m3, x.m0, x.m1, x.m2);
  y.m3 = next_words(y.m3, y.m0, y.m1, y.m2);
  four_rounds(x, with_constants(x.m3, round + 12));
  four_rounds(y, with_constants(y.m3, round + 12));
}

PHASEPOOL_INLINE void first_hash_start(Stream& s, const Prepared& p, std::uint32_t nonce_value) {
  // The header holds the nonce in little-endian; SHA-256 reads words in big-endian.
  const std::uint32_t nonce = __builtin_bswap32(nonce_value);
  s.cdgh = p.abef2;
  s.abef =
      _mm_sha256rnds2_epu32(p.abef0, p.abef2, words(p.w2_k2, nonce + round_constants[3], 0, 0));
  four_constant_rounds(s, first_padding);
  four_constant_rounds(s, first_padding + 4);
  four_constant_rounds(s, first_padding + 8);
  s.m0 = words(p.w16, p.w17, p.w18_part + sigma0(nonce), p.w19_part + nonce);
  four_rounds(s, with_constants(s.m0, 16));
  s.m1 = _mm_sha256msg2_epu32(p.w20_part, s.m0);
  four_rounds(s, with_constants(s.m1, 20));
  s.m2 = _mm_sha256msg2_epu32(_mm_alignr_epi8(s.m1, s.m0, 4), s.m1);
  four_rounds(s, with_constants(s.m2, 24));
  s.m3 = _mm_sha256msg2_epu32(_mm_add_epi32(p.w28_part, _mm_alignr_epi8(s.m2, s.m1, 4)), s.m2);
  four_rounds(s, with_constants(s.m3, 28));
}

// Turns the first hash into the message of the second and runs that up to round 31.
PHASEPOOL_INLINE void second_hash_start(Stream& s, const Prepared& p) {
  const __m128i abef = _mm_add_epi32(s.abef, p.mid_abef);
  const __m128i cdgh = _mm_add_epi32(s.cdgh, p.mid_cdgh);
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  const __m128i digest0 = _mm_blend_epi16(feba, dchg, 0xf0);
  const __m128i digest1 = _mm_alignr_epi8(dchg, feba, 8);
  const __m128i padding0 = words(0x80000000, 0, 0, 0);
  const __m128i padding1 = words(0, 0, 0, 256);

  s.abef = words(0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667);
  s.cdgh = words(0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372);
  four_rounds(s, with_constants(digest0, 0));
  four_rounds(s, with_constants(digest1, 4));
  four_constant_rounds(s, second_padding);
  four_constant_rounds(s, second_padding + 4);
  s.m0 = _mm_sha256msg2_epu32(_mm_sha256msg1_epu32(digest0, digest1), padding1);
  four_rounds(s, with_constants(s.m0, 16));
  s.m1 = next_words(digest1, padding0, padding1, s.m0);
  four_rounds(s, with_constants(s.m1, 20));
  // msg1 of the two padding vectors is padding0 itself: sigma0 of zero is zero.
  s.m2 = _mm_sha256msg2_epu32(_mm_add_epi32(padding0, _mm_alignr_epi8(s.m1, s.m0, 4)), s.m1);
  four_rounds(s, with_constants(s.m2, 24));
  s.m3 = next_words(padding1, s.m0, s.m1, s.m2);
  four_rounds(s, with_constants(s.m3, 28));
}

// Rounds 48..61 of the second hash; returns the hash's most significant word.
PHASEPOOL_INLINE std::uint32_t second_hash_end(Stream& s) {
  s.m0 = next_words(s.m0, s.m1, s.m2, s.m3);
  four_rounds(s, with_constants(s.m0, 48));
  s.m1 = next_words(s.m1, s.m2, s.m3, s.m0);
  four_rounds(s, with_constants(s.m1, 52));
  s.m2 = next_words(s.m2, s.m3, s.m0, s.m1);
  four_rounds(s, with_constants(s.m2, 56));
  s.m3 = next_words(s.m3, s.m0, s.m1, s.m2);
  // After rounds 60 and 61 the lowest lane is `f`, the `e` of round 60, which ends as H7.
  const __m128i abef = _mm_sha256rnds2_epu32(s.cdgh, s.abef, with_constants(s.m3, 60));
  return __builtin_bswap32(static_cast<std::uint32_t>(_mm_cvtsi128_si32(abef)) + 0x5be0cd19);
}

// The most significant words of two nonces' hashes.
PHASEPOOL_INLINE void two_hashes(const Prepared& p, std::uint32_t nonce_x, std::uint32_t nonce_y,
                                 std::uint32_t* top_x, std::uint32_t* top_y) {
  Stream x;
  Stream y;
  first_hash_start(x, p, nonce_x);
  first_hash_start(y, p, nonce_y);
  extend_and_run(x, y, 32);
  extend_and_run(x, y, 48);
  second_hash_start(x, p);
  second_hash_start(y, p);
  extend_and_run(x, y, 32);
  *top_x = second_hash_end(x);
  *top_y = second_hash_end(y);
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

std::size_t scan_x86_shani(const ScanJob& job, std::uint32_t first_nonce, std::uint32_t count,
                           FoundNonce* found, std::size_t found_max) {
  Prepared prepared[scan_midstates_max];
  for (std::uint32_t m = 0; m < job.midstate_count; ++m) prepared[m] = prepare(job, m);
  std::size_t found_count = 0;
  std::uint32_t nonce = first_nonce;
  for (std::uint32_t done = 0; done < count; done += 2) {
    const std::uint32_t nonce_x = nonce;
    const std::uint32_t nonce_y = nonce + job.nonce_step;
    nonce = nonce_y + job.nonce_step;
    std::uint32_t top_x[scan_midstates_max];
    std::uint32_t top_y[scan_midstates_max];
    bool any = false;
    for (std::uint32_t m = 0; m < job.midstate_count; ++m) {
      two_hashes(prepared[m], nonce_x, nonce_y, &top_x[m], &top_y[m]);
      any = any || top_x[m] <= job.top_word_max || top_y[m] <= job.top_word_max;
    }
    if (!any) continue;
    found_count = propose(job, nonce_x, top_x, found, found_count, found_max);
    found_count = propose(job, nonce_y, top_y, found, found_count, found_max);
  }
  return found_count;
}

#undef PHASEPOOL_INLINE

}  // namespace miner
