#include "common/mining/template_network.h"

#include "common/bitcoin/pow_limit.h"

#include <doctest/doctest.h>

#include <string>

using bitcoin::Network;

namespace {

std::string objection(const mining::BlockTemplate& block_template, Network network) {
  const auto found = mining::network_objection(block_template, network);
  return found ? found->field + ": " + found->why : "";
}

mining::BlockTemplate with_bits(std::uint32_t nbits) {
  mining::BlockTemplate block_template;
  block_template.nbits = nbits;
  block_template.network_target = *bitcoin::Target256::from_compact(nbits);
  return block_template;
}

}  // namespace

TEST_CASE("challenges that are true without a solution: one small number that is not zero") {
  for (int op = 0; op < 256; ++op) {
    CAPTURE(op);
    const base::Bytes script{static_cast<std::uint8_t>(op)};
    CHECK_EQ(mining::needs_no_solution(script), op == 0x4f || (op >= 0x51 && op <= 0x60));
  }
  CHECK_FALSE(mining::needs_no_solution({}));
  CHECK_FALSE(mining::needs_no_solution(base::Bytes{0x51, 0x51}));
  CHECK_FALSE(mining::needs_no_solution(base::Bytes{0x51, 0x69}));  // OP_1 OP_VERIFY leaves nothing
  CHECK_FALSE(mining::needs_no_solution(base::Bytes{0x01, 0x51}));  // a push, true but not alone
}

TEST_CASE("a template's target is at most as easy as its network allows") {
  for (const Network network :
       {Network::mainnet, Network::testnet, Network::testnet4, Network::signet, Network::regtest}) {
    CAPTURE(bitcoin::network_name(network));
    const std::uint32_t easiest = bitcoin::pow_limit(network).to_compact();
    mining::BlockTemplate block_template = with_bits(easiest);
    if (network == Network::signet) block_template.signet_challenge = base::Bytes{0x51};
    CHECK_EQ(objection(block_template, network), "");
    const std::uint32_t easier = network == Network::regtest ? 0x2100ffff : easiest + 1;
    block_template.network_target = *bitcoin::Target256::from_compact(easier);
    CHECK_NE(objection(block_template, network), "");
  }
  CHECK_EQ(objection(with_bits(0x207fffff), Network::mainnet),
           "bits: 207fffff is easier than mainnet allows (1d00ffff)");
}

TEST_CASE("a signet's template has its challenge, and no other has") {
  mining::BlockTemplate block_template = with_bits(0x1d00ffff);
  CHECK_EQ(objection(block_template, Network::signet),
           "signet_challenge: it is missing, and the config's network is signet");
  block_template.signet_challenge = base::Bytes{0x51};
  CHECK_EQ(objection(block_template, Network::signet), "");
  CHECK_EQ(objection(block_template, Network::mainnet),
           "signet_challenge: it is there, and the config's network is mainnet");
}
