#include "common/crypto/sha256.h"

#include "common/base/assert.h"

#include <algorithm>

namespace crypto {

// Each in its own file, so that it can be compiled with flags of its own.
CompressFunction sha256_compress_portable;
#if defined(__x86_64__) || defined(__i386__)
CompressFunction sha256_compress_x86_shani;
#endif

// constinit: the kernels' self-tests run before main and start from it.
constinit const Sha256State sha256_initial_state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

namespace {

constexpr std::size_t block_bytes = 64;

constexpr Sha256Kernel kernels[] = {
#if defined(__x86_64__) || defined(__i386__)
    {"x86_shani", [](const CpuFeatures& cpu) { return cpu.sha_ni && cpu.sse41; },
     sha256_compress_x86_shani},
#endif
    {"portable", [](const CpuFeatures&) { return true; }, sha256_compress_portable},
};

const Sha256Kernel& choose_kernel(const CpuFeatures& features) {
  for (const Sha256Kernel& kernel : kernels) {
    if (kernel.supported(features) && sha256_self_test(kernel)) return kernel;
  }
  ASSERT(!"no SHA-256 kernel computes SHA-256");
  return kernels[0];
}

const Sha256Kernel& kernel_in_use = choose_kernel(detect_cpu_features());

Digest digest_of(const Sha256State& state) {
  Digest digest;
  for (std::size_t i = 0; i < state.size(); ++i) {
    base::write_be32(std::span(digest).subspan(4 * i), state[i]);
  }
  return digest;
}

// Hashes the end of a message: `tail` is what follows the last whole block already in `state`.
// REQUIRES: tail is shorter than a block.
Digest finish_message(const Sha256Kernel& kernel, Sha256State state, base::ByteSpan tail,
                      std::uint64_t message_bytes) {
  ASSERT(tail.size() < block_bytes);
  std::array<std::uint8_t, 2 * block_bytes> padded{};
  std::copy(tail.begin(), tail.end(), padded.begin());
  padded[tail.size()] = 0x80;
  const std::size_t blocks = tail.size() + 1 + 8 <= block_bytes ? 1 : 2;
  const std::uint64_t message_bits = 8 * message_bytes;
  const auto length = std::span(padded).subspan(blocks * block_bytes - 8);
  base::write_be32(length, static_cast<std::uint32_t>(message_bits >> 32));
  base::write_be32(length.subspan(4), static_cast<std::uint32_t>(message_bits));
  kernel.compress(state.data(), padded.data(), blocks);
  return digest_of(state);
}

Digest hash_with(const Sha256Kernel& kernel, base::ByteSpan message) {
  Sha256State state = sha256_initial_state;
  const std::size_t whole_blocks = message.size() / block_bytes;
  if (whole_blocks > 0) kernel.compress(state.data(), message.data(), whole_blocks);
  return finish_message(kernel, state, message.subspan(whole_blocks * block_bytes), message.size());
}

}  // namespace

std::span<const Sha256Kernel> sha256_kernels() { return kernels; }
const Sha256Kernel& sha256_kernel() { return kernel_in_use; }

bool sha256_self_test(const Sha256Kernel& kernel) {
  // FIPS 180-2, appendices B.1 and B.2: one block and two.
  const Digest abc = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                      0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                      0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  const Digest alphabet = {0x24, 0x8d, 0x6a, 0x61, 0xd2, 0x06, 0x38, 0xb8, 0xe5, 0xc0, 0x26,
                           0x93, 0x0c, 0x3e, 0x60, 0x39, 0xa3, 0x3c, 0xe4, 0x59, 0x64, 0xff,
                           0x21, 0x67, 0xf6, 0xec, 0xed, 0xd4, 0x19, 0xdb, 0x06, 0xc1};
  if (hash_with(kernel, base::as_bytes("abc")) != abc) return false;
  if (hash_with(kernel,
                base::as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) !=
      alphabet) {
    return false;
  }
  // Several blocks in one call must equal the same blocks one by one.
  std::array<std::uint8_t, 5 * block_bytes> data;
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(7 * i + i / 64);
  Sha256State together = sha256_initial_state;
  kernel.compress(together.data(), data.data(), 5);
  Sha256State apart = sha256_initial_state;
  for (std::size_t i = 0; i < 5; ++i) {
    sha256_compress_portable(apart.data(), data.data() + i * block_bytes, 1);
  }
  return together == apart;
}

Digest sha256(base::ByteSpan message) { return hash_with(kernel_in_use, message); }

Digest sha256d(base::ByteSpan message) { return sha256(sha256(message)); }

Digest sha256d_pair(const Digest& left, const Digest& right) {
  std::array<std::uint8_t, block_bytes> pair;
  std::copy(right.begin(), right.end(), std::copy(left.begin(), left.end(), pair.begin()));
  return sha256d(pair);
}

Sha256State sha256_midstate(const Sha256State& from, std::span<const std::uint8_t, 64> block) {
  Sha256State state = from;
  kernel_in_use.compress(state.data(), block.data(), 1);
  return state;
}

Sha256::Sha256() : state_(sha256_initial_state) {}

Sha256& Sha256::update(base::ByteSpan bytes) {
  const std::size_t buffered = length_ % block_bytes;
  length_ += bytes.size();
  if (buffered > 0) {
    const std::size_t taken = std::min(block_bytes - buffered, bytes.size());
    std::copy_n(bytes.begin(), taken, block_.begin() + static_cast<std::ptrdiff_t>(buffered));
    bytes = bytes.subspan(taken);
    if (buffered + taken < block_bytes) return *this;
    kernel_in_use.compress(state_.data(), block_.data(), 1);
  }
  const std::size_t whole_blocks = bytes.size() / block_bytes;
  if (whole_blocks > 0) kernel_in_use.compress(state_.data(), bytes.data(), whole_blocks);
  const base::ByteSpan rest = bytes.subspan(whole_blocks * block_bytes);
  std::copy(rest.begin(), rest.end(), block_.begin());
  return *this;
}

Digest Sha256::finish() {
  return finish_message(kernel_in_use, state_, base::ByteSpan(block_).first(length_ % block_bytes),
                        length_);
}

}  // namespace crypto
