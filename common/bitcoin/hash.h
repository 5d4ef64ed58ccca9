// Hash256 and the ids made from it. Bytes are kept in internal order, the order sha256d() returns
// and that headers and merkle trees are built from; text shown to people is the reverse and says so
// in its name.
#pragma once

#include "common/base/bytes.h"

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace bitcoin {

template <class Tag>
struct TaggedHash {
  std::array<std::uint8_t, 32> bytes{};

  TaggedHash() = default;
  explicit TaggedHash(const std::array<std::uint8_t, 32>& internal_order) : bytes(internal_order) {}

  std::string display_hex() const { return base::to_reversed_hex(bytes); }
  [[nodiscard]] static base::Result<TaggedHash, base::HexError> from_display_hex(
      std::string_view hex) {
    TaggedHash hash;
    if (auto decoded = base::decode_hex(hex, hash.bytes); !decoded) {
      return base::err(decoded.error());
    }
    for (std::size_t i = 0; i < 16; ++i) std::swap(hash.bytes[i], hash.bytes[31 - i]);
    return hash;
  }
  friend auto operator<=>(const TaggedHash&, const TaggedHash&) = default;
};

using Hash256 = TaggedHash<struct Hash256Tag>;
using BlockHash = TaggedHash<struct BlockHashTag>;
using Txid = TaggedHash<struct TxidTag>;
using Wtxid = TaggedHash<struct WtxidTag>;

}  // namespace bitcoin

template <class Tag>
struct std::hash<bitcoin::TaggedHash<Tag>> {
  // The low bytes of a double SHA-256 are as good as random; a peer can't choose them cheaply.
  std::size_t operator()(const bitcoin::TaggedHash<Tag>& value) const noexcept {
    return static_cast<std::size_t>(base::read_le64(value.bytes));
  }
};
