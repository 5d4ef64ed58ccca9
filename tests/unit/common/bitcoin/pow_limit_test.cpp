#include "common/bitcoin/pow_limit.h"

#include <doctest/doctest.h>

#include <string>

using bitcoin::Network;

TEST_CASE("the easiest target of each network, in full and as its first block has it") {
  struct Row {
    Network network;
    std::string display_hex;
    std::uint32_t nbits;
  };
  // The genesis blocks' bits: Bitcoin Core, kernel/chainparams.cpp.
  const Row rows[] = {
      {Network::mainnet, "00000000" + std::string(56, 'f'), 0x1d00ffff},
      {Network::testnet, "00000000" + std::string(56, 'f'), 0x1d00ffff},
      {Network::testnet4, "00000000" + std::string(56, 'f'), 0x1d00ffff},
      {Network::signet, "00000377ae" + std::string(54, '0'), 0x1e0377ae},
      {Network::regtest, "7f" + std::string(62, 'f'), 0x207fffff},
  };
  for (const Row& row : rows) {
    CAPTURE(bitcoin::network_name(row.network));
    const bitcoin::Target256 limit = bitcoin::pow_limit(row.network);
    CHECK_EQ(limit.display_hex(), row.display_hex);
    CHECK_EQ(limit.to_compact(), row.nbits);
    CHECK_LE(*bitcoin::Target256::from_compact(row.nbits), limit);
  }
}
