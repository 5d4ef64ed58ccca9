// SHA-256 and double SHA-256 for one message at a time, as the pool needs them: a coinbase, a
// merkle branch, a header. (The miner's many-nonces kernels are another table:
// miner/scan_kernel.h.)
//
// A compress kernel is a row of sha256_kernels(). The row in use is chosen once, before main, from
// what the processor can do; a row that fails its self-test is passed over. Portable is last. So no
// initialiser of a static object may hash.
//
// Units:  digests are in the order SHA-256 produces; Bitcoin shows them reversed.
// Thread: pure; any thread.
// Source: FIPS 180-4.
#pragma once

#include "common/base/bytes.h"
#include "common/crypto/cpu_features.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace crypto {

using Digest = std::array<std::uint8_t, 32>;
using Sha256State = std::array<std::uint32_t, 8>;

Digest sha256(base::ByteSpan message);
Digest sha256d(base::ByteSpan message);
// sha256d of two digests side by side: one inner node of a merkle tree.
Digest sha256d_pair(const Digest& left, const Digest& right);

// Streaming form.
class Sha256 {
 public:
  Sha256();
  Sha256& update(base::ByteSpan bytes);
  Digest finish();  // ends the object's use
 private:
  Sha256State state_;
  std::array<std::uint8_t, 64> block_{};
  std::uint64_t length_ = 0;  // bytes so far
};

extern const Sha256State sha256_initial_state;
// The state after one more 64-byte block: a header's midstate, a coinbase prefix's.
Sha256State sha256_midstate(const Sha256State& from, std::span<const std::uint8_t, 64> block);

// --- kernels ---

// Compresses `blocks` 64-byte blocks into state.
using CompressFunction = void(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks);

struct Sha256Kernel {
  std::string_view name;  // "x86_shani", "portable"
  bool (*supported)(const CpuFeatures&);
  CompressFunction* compress;
};

// Every kernel compiled in, fastest first.
std::span<const Sha256Kernel> sha256_kernels();
// The kernel in use.
const Sha256Kernel& sha256_kernel();
// Known answers through one kernel; false if it computes anything wrong.
bool sha256_self_test(const Sha256Kernel& kernel);

}  // namespace crypto
