// The 80-byte block header.
// Source: Bitcoin developer reference, "Block headers"; Bitcoin Core, primitives/block.h.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/hash.h"

#include <array>
#include <cstdint>

namespace bitcoin {

using HeaderBytes = std::array<std::uint8_t, 80>;

struct Header {
  std::uint32_t version = 0;  // as the unsigned integer that miners roll bits of
  BlockHash prev_hash;
  Hash256 merkle_root;
  std::uint32_t ntime = 0;
  std::uint32_t nbits = 0;
  std::uint32_t nonce = 0;

  HeaderBytes serialize() const;
  static Header parse(const HeaderBytes& bytes);
  BlockHash hash() const;
  friend bool operator==(const Header&, const Header&) = default;
};

BlockHash hash_header(const HeaderBytes& bytes);

}  // namespace bitcoin
