// The scan kernel that runs anywhere, and the reference all others are compared with.
//
// Plain C++ with the savings every kernel has: rounds 0 to 2 of the first hash are done once per
// call, and of the second hash only the word that decides is computed (H7 is the `e` of round 60
// plus a constant).
// Source: FIPS 180-4.
#include "miner/scan_job.h"

namespace miner {
namespace {

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

inline std::uint32_t rotate_right(std::uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }
inline std::uint32_t small_sigma0(std::uint32_t x) {
  return rotate_right(x, 7) ^ rotate_right(x, 18) ^ (x >> 3);
}
inline std::uint32_t small_sigma1(std::uint32_t x) {
  return rotate_right(x, 17) ^ rotate_right(x, 19) ^ (x >> 10);
}
inline std::uint32_t byte_swap(std::uint32_t x) {
  return (x >> 24) | ((x >> 8) & 0xff00) | ((x << 8) & 0xff0000) | (x << 24);
}

struct State {
  std::uint32_t a, b, c, d, e, f, g, h;
};

inline State load_state(const std::uint32_t* words) {
  return State{words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7]};
}

inline void round(State& s, std::uint32_t word_and_constant) {
  const std::uint32_t big_sigma1 =
      rotate_right(s.e, 6) ^ rotate_right(s.e, 11) ^ rotate_right(s.e, 25);
  const std::uint32_t choice = s.g ^ (s.e & (s.f ^ s.g));
  const std::uint32_t t1 = s.h + big_sigma1 + choice + word_and_constant;
  const std::uint32_t big_sigma0 =
      rotate_right(s.a, 2) ^ rotate_right(s.a, 13) ^ rotate_right(s.a, 22);
  const std::uint32_t majority = (s.a & s.b) | (s.c & (s.a | s.b));
  s = State{t1 + big_sigma0 + majority, s.a, s.b, s.c, s.d + t1, s.e, s.f, s.g};
}

// Runs rounds first .. last - 1 over message words that are extended as they are used.
inline void run_rounds(State& s, std::uint32_t* w, int first, int last) {
  // Unrolled, the state's rotation costs nothing: 2.4 instead of 1.9 MH/s.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 64
#endif
  for (int t = first; t < last; ++t) {
    std::uint32_t& word = w[t & 15];
    if (t >= 16) {
      word += small_sigma1(w[(t - 2) & 15]) + w[(t - 7) & 15] + small_sigma0(w[(t - 15) & 15]);
    }
    round(s, word + round_constants[t]);
  }
}

// The first hash, from the state after round 2, as the words of its digest.
inline void first_hash(const ScanJob& job, std::uint32_t midstate, const State& after_round2,
                       std::uint32_t nonce, std::uint32_t* digest) {
  std::uint32_t w[16] = {job.tail[0], job.tail[1], job.tail[2], byte_swap(nonce), 0x80000000};
  w[15] = 640;  // the message's length in bits
  State s = after_round2;
  run_rounds(s, w, 3, 64);
  const std::uint32_t words[8] = {s.a, s.b, s.c, s.d, s.e, s.f, s.g, s.h};
  for (int i = 0; i < 8; ++i) digest[i] = words[i] + job.midstates[midstate][i];
}

inline std::uint32_t second_hash_top_word(std::uint32_t* w) {
  w[8] = 0x80000000;
  for (int i = 9; i < 15; ++i) w[i] = 0;
  w[15] = 256;
  State s = load_state(initial_state);
  run_rounds(s, w, 0, 61);
  return byte_swap(s.e + initial_state[7]);
}

}  // namespace

std::size_t scan_portable(const ScanJob& job, std::uint32_t first_nonce, std::uint32_t count,
                          FoundNonce* found, std::size_t found_max) {
  State after_round2[scan_midstates_max];
  for (std::uint32_t m = 0; m < job.midstate_count; ++m) {
    after_round2[m] = load_state(job.midstates[m]);
    for (int t = 0; t < 3; ++t) round(after_round2[m], job.tail[t] + round_constants[t]);
  }

  std::size_t found_count = 0;
  std::uint32_t nonce = first_nonce;
  for (std::uint32_t done = 0; done < count; ++done, nonce += job.nonce_step) {
    for (std::uint32_t m = 0; m < job.midstate_count; ++m) {
      std::uint32_t words[16];
      first_hash(job, m, after_round2[m], nonce, words);
      const bool wanted = second_hash_top_word(words) <= job.top_word_max;
      if (wanted && found_count < found_max) found[found_count++] = FoundNonce{nonce, m};
    }
  }
  return found_count;
}

}  // namespace miner
