#include "common/coherence/attempt.h"

#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "common/coherence/lucas.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace coherence {
namespace {

constexpr std::uint32_t level_mask = 0xffff;
constexpr std::string_view seed_tag = "COH1seed";

}  // namespace

std::uint32_t params_of(std::uint32_t level) {
  ASSERT(level < levels);
  return params_version | level;
}

std::optional<std::uint32_t> level_of(std::uint32_t params) {
  const std::uint32_t level = params & level_mask;
  if ((params & ~level_mask) != params_version || level >= levels) return std::nullopt;
  return level;
}

Header80 header80(const Header76& header, std::uint64_t attempt) {
  Header80 whole;
  std::copy(header.begin(), header.end(), whole.begin());
  base::write_le32(std::span(whole).subspan(header.size()), nonce_of(attempt));
  return whole;
}

crypto::Digest seed_of(const Job& job, std::uint64_t attempt) {
  std::array<std::uint8_t, seed_tag.size() + sizeof(Header80) + 8 + 8 + 4> message;
  const std::span<std::uint8_t> out(message);
  const Header80 header = header80(job.header, attempt);
  std::copy(seed_tag.begin(), seed_tag.end(), out.begin());
  std::copy(header.begin(), header.end(), out.begin() + seed_tag.size());
  const auto numbers = out.subspan(seed_tag.size() + header.size());
  base::write_le64(numbers, job.extranonce);
  base::write_le64(numbers.subspan(8), attempt);
  base::write_le32(numbers.subspan(16), job.params);
  return crypto::sha256d(message);
}

Phases phases_of(const crypto::Digest& seed) {
  // B_0 | … | B_7 hold 64 words; the last is not used.
  constexpr std::uint32_t blocks = 8;
  constexpr std::size_t words_per_block = sizeof(crypto::Digest) / 4;
  Phases phases;
  std::array<std::uint8_t, sizeof(crypto::Digest) + 4> message;
  std::copy(seed.begin(), seed.end(), message.begin());
  for (std::uint32_t b = 0; b < blocks; ++b) {
    base::write_le32(std::span(message).subspan(seed.size()), b);
    const crypto::Digest words = crypto::sha256(message);
    for (std::size_t w = 0; w < words_per_block; ++w) {
      const std::size_t i = words_per_block * b + w;
      if (i < oscillators) phases[i] = base::read_le32(base::ByteSpan(words).subspan(4 * w));
    }
  }
  return phases;
}

std::optional<Bloom> run(Phases phases, std::uint32_t level, std::uint32_t last_state,
                         const Watch& watch) {
  ASSERT(last_state < states_per_attempt);
  const Gate coupling = gate(level);
  std::array<Order, bloom_states> recent;  // of state t at t mod 7
  std::uint32_t coherent = 0;              // states in a row, up to this one
  for (std::uint32_t t = 0;; ++t) {
    const Waves waves = waves_of(phases);
    const Order order = order_of(waves);
    if (watch) watch(t, order, phases);
    recent[t % bloom_states] = order;
    coherent = order.is_coherent() ? coherent + 1 : 0;
    if (coherent == bloom_states) {
      Bloom bloom{.start = t - (bloom_states - 1), .end = t, .orders = {}, .phases = phases};
      for (std::uint32_t i = 0; i < bloom_states; ++i) {
        bloom.orders[i] = recent[(bloom.start + i) % bloom_states];
      }
      return bloom;
    }
    if (t == last_state) return std::nullopt;
    step(phases, waves, order, coupling);
  }
}

}  // namespace coherence
