#include "common/bitcoin/pow_limit.h"

namespace bitcoin {

namespace {

// A target whose top bits are `first` (most significant byte first), and all below are `rest`.
Target256 target_of(std::array<std::uint8_t, 6> first, std::uint8_t rest) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(rest);
  for (std::size_t i = 0; i < first.size(); ++i) bytes[31 - i] = first[i];
  return Target256(bytes);
}

}  // namespace

Target256 pow_limit(Network network) {
  switch (network) {
    case Network::mainnet:
    case Network::testnet:
    case Network::testnet4:
      break;
    case Network::signet:
      return target_of({0x00, 0x00, 0x03, 0x77, 0xae, 0x00}, 0x00);
    case Network::regtest:
      return target_of({0x7f, 0xff, 0xff, 0xff, 0xff, 0xff}, 0xff);
  }
  return target_of({0x00, 0x00, 0x00, 0x00, 0xff, 0xff}, 0xff);
}

}  // namespace bitcoin
