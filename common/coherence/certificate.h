// What a bloom proves, and how it is written: encodings, header92, certificate, work hash.
//
//   header92     header80 | F(r_q) | F(psi_q) | u32 63, of the bloom's last state
//   certificate  332 bytes, all u32: bloom_start | bloom_end | 63 | 0x3f5db3d7 | 7 | 7 | F(r_q) of
//                the 7 states | F(psi_q) of the 7 states | theta_0 … theta_62 of the last state
//   work_hash    sha256d(u32 lucas(nonce) | header92 | sha256(certificate)), little-endian
//
// F(q) is the IEEE binary32 bit pattern of q / 65536, which is exact.
// Units:  r_q and psi_q in 1/65536, psi of a turn. Integers little-endian.
// Thread: pure.
// Source: docs/coherence.md, section 11.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/coherence/attempt.h"
#include "common/crypto/sha256.h"

#include <array>
#include <cstdint>
#include <string>

namespace coherence {

inline constexpr std::size_t certificate_bytes = 332;
inline constexpr std::uint32_t r_q_least = 56755;  // of a coherent state
using Header92 = std::array<std::uint8_t, 92>;
using CertificateBytes = std::array<std::uint8_t, certificate_bytes>;

std::uint16_t r_q_of(const Order& order);
std::uint16_t psi_q_of(const Order& order);
// F(q), without floating point.
std::uint32_t float_bits(std::uint16_t q);

struct Certificate {
  std::uint32_t bloom_start = 0;
  std::uint32_t bloom_end = 0;
  std::array<std::uint16_t, bloom_states> r_q{};
  std::array<std::uint16_t, bloom_states> psi_q{};
  Phases phases{};
  friend bool operator==(const Certificate&, const Certificate&) = default;
};
Certificate certificate_of(const Bloom& bloom);
CertificateBytes encode(const Certificate& certificate);
// Strict: exactly what encode() gives of some certificate. The error names the field, its value and
// what was expected.
[[nodiscard]] base::Result<Certificate, std::string> decode_certificate(base::ByteSpan bytes);
crypto::Digest cert_hash_of(const CertificateBytes& certificate);

// What a miner says of a bloom: all that the work hash is made of, but for the job.
struct Claim {
  std::uint64_t attempt = 0;
  std::uint32_t bloom_end = 0;
  std::uint16_t r_q = 0;
  std::uint16_t psi_q = 0;
  crypto::Digest cert_hash{};
  friend bool operator==(const Claim&, const Claim&) = default;
};
Claim claim_of(std::uint64_t attempt, const Bloom& bloom);
Header92 header92(const Header76& header, const Claim& claim);
// In the order that SHA-256 gives; as an integer little-endian.
crypto::Digest work_hash_of(const Header76& header, const Claim& claim);

}  // namespace coherence
