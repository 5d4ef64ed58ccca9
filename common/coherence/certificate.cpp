#include "common/coherence/certificate.h"

#include "common/coherence/lucas.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <span>

namespace coherence {
namespace {

constexpr std::uint32_t coherence_bits =
    0x3f5db3d7;  // sqrt(3)/2 as binary32: z_c, what r must reach
constexpr int binary32_bias = 127;
constexpr int binary32_fraction_bits = 23;

std::uint32_t square_root(std::uint64_t x) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root | bit) * (root | bit) <= x) root |= bit;
  }
  return static_cast<std::uint32_t>(root);
}

// AT_k = atan(2^-k) in 2^-32 turn.
constexpr std::array<std::uint32_t, 18> arc_tangents{
    536870912, 316933406, 167458907, 85004756, 42667331, 21354465, 10679838, 5340245, 2670163,
    1335087,   667544,    333772,    166886,   83443,    41722,    20861,    10430,   5215};

// q of F(q); none when no q has these bits.
std::optional<std::uint16_t> of_float_bits(std::uint32_t bits) {
  if (bits == 0) return 0;
  const int exponent = static_cast<int>(bits >> binary32_fraction_bits) - binary32_bias + 16;
  if (exponent < 0 || exponent > 15) return std::nullopt;
  const std::uint32_t fraction = bits & ((1U << binary32_fraction_bits) - 1);
  const std::uint32_t whole = 1U << binary32_fraction_bits | fraction;
  const auto q = static_cast<std::uint16_t>(whole >> (binary32_fraction_bits - exponent));
  if (float_bits(q) != bits) return std::nullopt;
  return q;
}

// Reads a certificate's words in order and remembers the first that is wrong.
class Reader {
 public:
  explicit Reader(base::ByteSpan bytes) : rest_(bytes) {}

  std::uint32_t word() {
    const std::uint32_t value = base::read_le32(rest_);
    rest_ = rest_.subspan(4);
    return value;
  }
  void expect(std::string_view field, std::uint32_t value) {
    const std::uint32_t found = word();
    if (found != value) wrong(field, fmt::format("{:#x}", found), fmt::format("{:#x}", value));
  }
  std::uint16_t fraction(std::string_view field) {
    const std::uint32_t bits = word();
    const auto q = of_float_bits(bits);
    if (!q) wrong(field, fmt::format("{:#x}", bits), "the binary32 of a whole number of 1/65536");
    return q.value_or(0);
  }
  void wrong(std::string_view field, std::string_view found, std::string_view expected) {
    if (error_.empty()) error_ = fmt::format("{} is {}, not {}", field, found, expected);
  }
  const std::string& error() const { return error_; }

 private:
  base::ByteSpan rest_;
  std::string error_;
};

}  // namespace

std::uint16_t r_q_of(const Order& order) {
  const std::uint64_t squared = (std::uint64_t{order.r2} << 32) / r2_unit;
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(square_root(squared), 65535));
}

std::uint16_t psi_q_of(const Order& order) {
  // CORDIC: the vector is turned by ever smaller angles until it lies on the positive axis.
  std::int64_t x = std::int64_t{8192} * order.c;
  std::int64_t y = std::int64_t{8192} * order.s;
  std::uint32_t z = 0;
  if (x < 0) {
    x = -x;
    y = -y;
    z = 0x80000000;
  }
  for (std::size_t k = 0; k < arc_tangents.size(); ++k) {
    const std::int64_t dx = y >> k;
    const std::int64_t dy = x >> k;
    if (y >= 0) {
      x += dx;
      y -= dy;
      z += arc_tangents[k];
    } else {
      x -= dx;
      y += dy;
      z -= arc_tangents[k];
    }
  }
  return static_cast<std::uint16_t>((z + 0x8000) >> 16);
}

std::uint32_t float_bits(std::uint16_t q) {
  if (q == 0) return 0;
  const int exponent = static_cast<int>(std::bit_width(q)) - 1;
  const std::uint32_t whole = std::uint32_t{q} << (binary32_fraction_bits - exponent);
  const auto biased = static_cast<std::uint32_t>(exponent - 16 + binary32_bias);
  return biased << binary32_fraction_bits | (whole & ((1U << binary32_fraction_bits) - 1));
}

Certificate certificate_of(const Bloom& bloom) {
  Certificate certificate{.bloom_start = bloom.start,
                          .bloom_end = bloom.end,
                          .r_q = {},
                          .psi_q = {},
                          .phases = bloom.phases};
  for (std::size_t i = 0; i < bloom_states; ++i) {
    certificate.r_q[i] = r_q_of(bloom.orders[i]);
    certificate.psi_q[i] = psi_q_of(bloom.orders[i]);
  }
  return certificate;
}

CertificateBytes encode(const Certificate& certificate) {
  CertificateBytes bytes;
  std::span<std::uint8_t> rest(bytes);
  const auto put = [&rest](std::uint32_t word) {
    base::write_le32(rest, word);
    rest = rest.subspan(4);
  };
  put(certificate.bloom_start);
  put(certificate.bloom_end);
  put(oscillators);
  put(coherence_bits);
  put(bloom_states);
  put(bloom_states);
  for (const std::uint16_t r : certificate.r_q) put(float_bits(r));
  for (const std::uint16_t psi : certificate.psi_q) put(float_bits(psi));
  for (const std::uint32_t phase : certificate.phases) put(phase);
  return bytes;
}

base::Result<Certificate, std::string> decode_certificate(base::ByteSpan bytes) {
  if (bytes.size() != certificate_bytes) {
    return base::err(
        fmt::format("certificate is {} bytes, not {}", bytes.size(), certificate_bytes));
  }
  Reader reader(bytes);
  Certificate certificate;
  certificate.bloom_start = reader.word();
  certificate.bloom_end = reader.word();
  const std::uint32_t start = certificate.bloom_start;
  if (start > states_per_attempt - bloom_states) {
    reader.wrong("bloom_start", std::to_string(start),
                 fmt::format("at most {}", states_per_attempt - bloom_states));
  }
  if (certificate.bloom_end != start + bloom_states - 1) {
    reader.wrong("bloom_end", std::to_string(certificate.bloom_end), "bloom_start + 6");
  }
  reader.expect("oscillators", oscillators);
  reader.expect("coherence", coherence_bits);
  reader.expect("states", bloom_states);
  reader.expect("states needed", bloom_states);
  for (std::uint16_t& r : certificate.r_q) {
    r = reader.fraction("r");
    if (r < r_q_least) reader.wrong("r", std::to_string(r), fmt::format("at least {}", r_q_least));
  }
  for (std::uint16_t& psi : certificate.psi_q) psi = reader.fraction("psi");
  for (std::uint32_t& phase : certificate.phases) phase = reader.word();
  if (!reader.error().empty()) return base::err(reader.error());
  return certificate;
}

crypto::Digest cert_hash_of(const CertificateBytes& certificate) {
  return crypto::sha256(certificate);
}

Claim claim_of(std::uint64_t attempt, const Bloom& bloom) {
  const Order& last = bloom.orders.back();
  return {.attempt = attempt,
          .bloom_end = bloom.end,
          .r_q = r_q_of(last),
          .psi_q = psi_q_of(last),
          .cert_hash = cert_hash_of(encode(certificate_of(bloom)))};
}

Header92 header92(const Header76& header, const Claim& claim) {
  Header92 whole;
  const Header80 first = header80(header, claim.attempt);
  std::copy(first.begin(), first.end(), whole.begin());
  const auto phase_encoded = std::span(whole).subspan(first.size());
  base::write_le32(phase_encoded, float_bits(claim.r_q));
  base::write_le32(phase_encoded.subspan(4), float_bits(claim.psi_q));
  base::write_le32(phase_encoded.subspan(8), oscillators);
  return whole;
}

crypto::Digest work_hash_of(const Header76& header, const Claim& claim) {
  std::array<std::uint8_t, 4 + sizeof(Header92) + sizeof(crypto::Digest)> message;
  const std::span<std::uint8_t> out(message);
  const Header92 middle = header92(header, claim);
  base::write_le32(out, lucas(nonce_of(claim.attempt)));
  std::copy(middle.begin(), middle.end(), out.begin() + 4);
  std::copy(claim.cert_hash.begin(), claim.cert_hash.end(), out.begin() + 4 + sizeof(Header92));
  return crypto::sha256d(message);
}

}  // namespace coherence
