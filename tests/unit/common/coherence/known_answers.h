// The two known attempts of docs/coherence.md, "Known answers", every line of them.
#pragma once

#include "common/base/bytes.h"
#include "common/coherence/attempt.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace coherence_test {

struct KnownState {
  std::uint32_t t;
  std::int32_t s;
  std::int32_t c;
  std::uint32_t r2;
  std::uint16_t r_q;
  std::uint16_t psi_q;
};

using KnownPhases = std::vector<std::pair<std::size_t, std::uint32_t>>;

struct KnownAttempt {
  coherence::Job job;
  std::uint64_t attempt;
  std::int32_t kappa;
  std::uint32_t lucas_nonce;
  std::uint32_t nonce;
  std::uint32_t lucas_trace;
  std::string seed;
  KnownPhases first_phases;
  std::vector<KnownState> states;
  std::uint32_t bloom_start;
  std::uint32_t bloom_end;
  std::array<std::uint16_t, 7> bloom_r_q;
  std::uint16_t psi_q;
  KnownPhases last_phases;
  std::string cert_hash;
  std::uint32_t r_bits;
  std::uint32_t psi_bits;
  std::string work_hash;
};

inline std::vector<KnownAttempt> known_attempts() {
  coherence::Header76 counted;
  for (std::size_t i = 0; i < counted.size(); ++i) counted[i] = static_cast<std::uint8_t>(i);
  return {
      {.job = {.header = {}, .extranonce = 0, .params = 0x00010002},
       .attempt = 0,
       .kappa = 2051,
       .lucas_nonce = 3,
       .nonce = 3,
       .lucas_trace = 4,
       .seed = "a6ab0dc6086c183eaf7d02a0bc795286ae9914a173006043a6573938a6afce10",
       .first_phases =
           {{0, 0x196ae6fe}, {1, 0x7826fcdb}, {2, 0xe4b30d45}, {3, 0xcf14a854}, {62, 0xa5534958}},
       .states = {{0, 1016, 1614, 3637252, 3874, 5860},
                  {1, 1036, 1723, 4042025, 4084, 5647},
                  {2, 933, 1853, 4304098, 4215, 4865},
                  {10, 1314, 1382, 3636520, 3874, 7929},
                  {100, 7265, -2727, 60216754, 15766, 20129},
                  {1000, 20370, -9689, 508813621, 45829, 21015},
                  {5000, 20365, -13786, 604787021, 49965, 22591}},
       .bloom_start = 5654,
       .bloom_end = 5660,
       .bloom_r_q = {56911, 57387, 57410, 57672, 57835, 58243, 58321},
       .psi_q = 22086,
       .last_phases = {{0, 0x3dc785e1}, {31, 0x58b0c9ed}, {62, 0x2a00f511}},
       .cert_hash = "afe6871b2223869c5f02fb5f6dec794be40e16ff804d7e13d2047731eeefc1a7",
       .r_bits = 0x3f63d100,
       .psi_bits = 0x3eac8c00,
       .work_hash = "c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b"},
      {.job = {.header = counted, .extranonce = 0x0123456789abcdef, .params = 0x00010003},
       .attempt = 1001,
       .kappa = 1944,
       .lucas_nonce = 3226290629,
       .nonce = 1722269591,
       .lucas_trace = 2784820047,
       .seed = "41dafed3701433f9750ef315b5a55115bd92573c65126f4374804d2fff7e2f33",
       .first_phases =
           {{0, 0x226c9ef8}, {1, 0x834ef52b}, {2, 0x64c92630}, {3, 0xc37ffd8f}, {62, 0x004c1a39}},
       .states = {{0, 4993, -278, 25007333, 10160, 16964},
                  {1, 5003, -154, 25053725, 10169, 16705},
                  {2, 5100, -130, 26026900, 10365, 16650},
                  {10, 5248, -1043, 28629353, 10871, 18430},
                  {100, 7138, 1571, 53419085, 14849, 14124},
                  {1000, 20171, -7702, 466190045, 43868, 20188},
                  {5000, 13067, -17754, 485951005, 44788, 26150}},
       .bloom_start = 9419,
       .bloom_end = 9425,
       .bloom_r_q = {56855, 57095, 57256, 57337, 57405, 57416, 57233},
       .psi_q = 29191,
       .last_phases = {{0, 0x2c485bb1}, {31, 0x75336939}, {62, 0x89e41e54}},
       .cert_hash = "f102162a89a3b9c000e7bcd02d0537ce344821f846cf265a68ba8d4486cdefb8",
       .r_bits = 0x3f5f9100,
       .psi_bits = 0x3ee40e00,
       .work_hash = "3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030f5c0e2e386e9a611"},
  };
}

}  // namespace coherence_test
