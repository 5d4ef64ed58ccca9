// A block that a solo miner might keep in a file.
#pragma once

#include "common/bitcoin/block.h"
#include "common/bitcoin/coinbase.h"
#include "miner/solo_client.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace miner {

// Block 170 of the main chain would do too; this one only has to parse.
inline SoloBlock some_block(std::uint32_t height) {
  bitcoin::CoinbaseSpec spec;
  spec.height = height;
  spec.outputs = {{bitcoin::Sats{5'000'000'000}, base::Bytes{0x51}}};
  spec.extranonce_bytes = 8;
  const auto parts = bitcoin::build_coinbase(spec);
  REQUIRE(parts.has_value());
  const base::Bytes coinbase = bitcoin::assemble_coinbase(*parts, base::Bytes(4), base::Bytes(4));
  bitcoin::Header header;
  header.prev_hash.bytes.fill(7);
  header.nonce = height;
  SoloBlock block;
  block.hash = bitcoin::hash_header(header.serialize());
  block.prev_hash = header.prev_hash;
  block.height = height;
  block.hex = base::to_hex(bitcoin::serialize_block(header.serialize(), coinbase, 0, {}));
  return block;
}

}  // namespace miner
