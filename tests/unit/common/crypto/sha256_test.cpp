#include "common/crypto/sha256.h"

#include "common/base/random.h"

#include <doctest/doctest.h>
#include <openssl/sha.h>

#include <algorithm>
#include <string>

using base::Bytes;
using base::ByteSpan;
using crypto::Digest;
using crypto::Sha256Kernel;
using crypto::Sha256State;

namespace {

Digest openssl_sha256(ByteSpan message) {
  Digest digest;
  SHA256(message.data(), message.size(), digest.data());
  return digest;
}

Bytes random_bytes(base::Random& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

// SHA-256 over one kernel, padded here and not by the code under test.
Digest hash_with(const Sha256Kernel& kernel, ByteSpan message) {
  Bytes padded(message.begin(), message.end());
  padded.push_back(0x80);
  while (padded.size() % 64 != 56) padded.push_back(0);
  const std::uint64_t bits = 8 * std::uint64_t{message.size()};
  for (int shift = 56; shift >= 0; shift -= 8) {
    padded.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
  Sha256State state = crypto::sha256_initial_state;
  kernel.compress(state.data(), padded.data(), padded.size() / 64);
  Digest digest;
  for (std::size_t i = 0; i < 8; ++i) base::write_be32(std::span(digest).subspan(4 * i), state[i]);
  return digest;
}

// Calls check(kernel) for every kernel that this machine can run, and says loudly which it can't.
template <class Check>
void for_each_supported_kernel(Check check) {
  for (const Sha256Kernel& kernel : crypto::sha256_kernels()) {
    CAPTURE(kernel.name);
    if (!kernel.supported(crypto::detect_cpu_features())) {
      MESSAGE("SKIPPED: this processor can't run the SHA-256 kernel ", std::string(kernel.name));
      continue;
    }
    check(kernel);
  }
}

struct KnownAnswer {
  const char* source;
  std::string message;
  const char* digest;
};

const KnownAnswer known_answers[] = {
    {"FIPS 180-2, B.1: one block", "abc",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"FIPS 180-2, B.2: two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"FIPS 180-2, B.3: long", std::string(1000000, 'a'),
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {"NIST CAVP SHA256ShortMsg, Len = 0", "",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"NIST CAVP SHA256ShortMsg, Len = 8", "\xd3",
     "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
};

}  // namespace

TEST_CASE("every kernel gives the published answers") {
  for_each_supported_kernel([](const Sha256Kernel& kernel) {
    CHECK(crypto::sha256_self_test(kernel));
    for (const KnownAnswer& row : known_answers) {
      CAPTURE(row.source);
      CHECK_EQ(base::to_hex(hash_with(kernel, base::as_bytes(row.message))), row.digest);
    }
  });
}

TEST_CASE("every kernel agrees with OpenSSL at every length around the block size") {
  base::Random random(1);
  const Bytes data = random_bytes(random, 300);
  for_each_supported_kernel([&](const Sha256Kernel& kernel) {
    for (std::size_t length = 0; length <= data.size(); ++length) {
      CAPTURE(length);
      const ByteSpan message = ByteSpan(data).first(length);
      CHECK_EQ(hash_with(kernel, message), openssl_sha256(message));
    }
  });
}

TEST_CASE("every kernel agrees with OpenSSL on random messages at any alignment") {
  for_each_supported_kernel([](const Sha256Kernel& kernel) {
    base::Random random(2);
    for (int round = 0; round < 500; ++round) {
      const Bytes data = random_bytes(random, random.below(2000) + 16);
      const ByteSpan message = ByteSpan(data).subspan(random.below(16));
      CAPTURE(round);
      CHECK_EQ(hash_with(kernel, message), openssl_sha256(message));
    }
  });
}

TEST_CASE("the self-test refuses kernels that compute something else") {
  const auto always = [](const crypto::CpuFeatures&) { return true; };
  const Sha256Kernel idle = {"idle", always,
                             [](std::uint32_t*, const std::uint8_t*, std::size_t) {}};
  CHECK_FALSE(crypto::sha256_self_test(idle));
  // Right for a single block, wrong when given several.
  const Sha256Kernel first_only = {"first_only", always,
                                   [](std::uint32_t* state, const std::uint8_t* data, std::size_t) {
                                     crypto::sha256_kernels().back().compress(state, data, 1);
                                   }};
  CHECK_FALSE(crypto::sha256_self_test(first_only));
}

TEST_CASE("the kernel in use is the first that the processor supports, portable the last") {
  const auto features = crypto::detect_cpu_features();
  const auto kernels = crypto::sha256_kernels();
  const auto first = std::find_if(kernels.begin(), kernels.end(), [&](const Sha256Kernel& kernel) {
    return kernel.supported(features);
  });
  REQUIRE(first != kernels.end());
  CHECK_EQ(crypto::sha256_kernel().name, first->name);
  CHECK_EQ(kernels.back().name, "portable");
  CHECK(kernels.back().supported(crypto::CpuFeatures{}));
}

TEST_CASE("sha256 and sha256d agree with OpenSSL at lengths 0 to 300") {
  base::Random random(3);
  const Bytes data = random_bytes(random, 300);
  for (std::size_t length = 0; length <= data.size(); ++length) {
    CAPTURE(length);
    const ByteSpan message = ByteSpan(data).first(length);
    CHECK_EQ(crypto::sha256(message), openssl_sha256(message));
    CHECK_EQ(crypto::sha256d(message), openssl_sha256(openssl_sha256(message)));
  }
}

TEST_CASE("sha256d_pair is sha256d of the two digests side by side") {
  const Digest left = crypto::sha256(base::as_bytes("left"));
  const Digest right = crypto::sha256(base::as_bytes("right"));
  Bytes both(left.begin(), left.end());
  base::append(both, right);
  CHECK_EQ(crypto::sha256d_pair(left, right), openssl_sha256(openssl_sha256(both)));
  CHECK_NE(crypto::sha256d_pair(left, right), crypto::sha256d_pair(right, left));
}

TEST_CASE("the streaming form gives the same digest at every fragment size") {
  base::Random random(4);
  for (std::size_t length : {0, 1, 55, 56, 63, 64, 65, 127, 128, 129, 300, 1000}) {
    const Bytes data = random_bytes(random, length);
    for (std::size_t fragment : {1, 2, 5, 10, 63, 64, 65, 100, 1000}) {
      CAPTURE(length);
      CAPTURE(fragment);
      crypto::Sha256 hasher;
      for (std::size_t at = 0; at < length; at += fragment) {
        hasher.update(ByteSpan(data).subspan(at, std::min(fragment, length - at)));
      }
      CHECK_EQ(hasher.finish(), openssl_sha256(data));
    }
  }
}

TEST_CASE("a midstate continues where its block ended") {
  base::Random random(5);
  const Bytes data = random_bytes(random, 128);
  const std::span<const std::uint8_t, 64> first(data.data(), 64);
  const std::span<const std::uint8_t, 64> second(data.data() + 64, 64);
  Sha256State expected = crypto::sha256_initial_state;
  crypto::sha256_kernels().back().compress(expected.data(), data.data(), 2);
  const Sha256State middle = crypto::sha256_midstate(crypto::sha256_initial_state, first);
  CHECK_EQ(crypto::sha256_midstate(middle, second), expected);
}
