// TipNews: somebody says what the node's best block is, and what else was said of it.
//
// A header says more than a hash: what work on top of the block looks like, before any template.
// Thread: plain data.
#pragma once

#include "common/bitcoin/hash.h"
#include "common/bitcoin/header.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pool {

enum class TipSource : std::uint8_t {
  zmq_rawblock,
  zmq_hashblock,
  zmq_sequence,
  long_poll,
  poll,
  own_block,  // the node took a block that was found here
};
inline constexpr std::size_t tip_source_count = 6;

constexpr std::string_view name_of(TipSource source) {
  constexpr std::array<std::string_view, tip_source_count> names = {
      "zmq_rawblock", "zmq_hashblock", "zmq_sequence", "long_poll", "poll", "own_block"};
  return names[static_cast<std::size_t>(source)];
}

struct TipNews {
  bitcoin::BlockHash hash;
  TipSource source = TipSource::poll;
  std::optional<bitcoin::Header> header;  // whose hash is `hash`
  std::optional<std::uint32_t> height;
  // The median time past that holds for a block on top of it (BIP113).
  std::optional<std::uint32_t> median_time;
};

}  // namespace pool
