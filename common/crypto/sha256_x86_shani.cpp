// SHA-256 compression with the x86 SHA extensions.
//
// Compiled alone with -msha -msse4.1, so it includes nothing of ours: an inline function compiled
// here could become the copy that every other file is linked with (tests look for weak symbols).
//
// The instructions keep the state as two vectors, A B E F and C D G H with A and C in the highest
// lane, and do two rounds at a time from two words of schedule plus constant.
// Source: Intel SDM volume 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2.
#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace crypto {
namespace {

alignas(16) const std::uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// Four schedule words, in lane order, from 16 big-endian bytes.
__m128i load_words(const std::uint8_t* bytes) {
  const __m128i swap_each_word = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)), swap_each_word);
}

// The four schedule words after w0 w1 w2 w3, each of which is four words.
__m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
  const __m128i sevenths = _mm_alignr_epi8(w3, w2, 4);  // W[t - 7] in each lane
  return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), sevenths), w3);
}

void four_rounds(__m128i& abef, __m128i& cdgh, __m128i words, int first_round) {
  const __m128i constants =
      _mm_load_si128(reinterpret_cast<const __m128i*>(round_constants + first_round));
  const __m128i sums = _mm_add_epi32(words, constants);
  // After two rounds C D G H are the A B E F of before: the two vectors take turns.
  cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sums);
  abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sums, 0x0e));
}

void compress_block(__m128i& abef, __m128i& cdgh, const std::uint8_t* block) {
  const __m128i abef_before = abef;
  const __m128i cdgh_before = cdgh;
  __m128i w[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) w[i] = load_words(block + 16 * i);
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) {
    four_rounds(abef, cdgh, w[i % 4], 4 * i);
    w[i % 4] = next_words(w[i % 4], w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]);
  }
#pragma GCC unroll 4
  for (int i = 12; i < 16; ++i) four_rounds(abef, cdgh, w[i % 4], 4 * i);
  abef = _mm_add_epi32(abef, abef_before);
  cdgh = _mm_add_epi32(cdgh, cdgh_before);
}

}  // namespace

void sha256_compress_x86_shani(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks) {
  __m128i* const halves = reinterpret_cast<__m128i*>(state);
  const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(halves), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(halves + 1), 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
  __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);

  for (std::size_t i = 0; i < blocks; ++i) compress_block(abef, cdgh, data + 64 * i);

  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(halves, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(halves + 1, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace crypto

#endif
