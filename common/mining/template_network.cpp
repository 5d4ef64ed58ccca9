#include "common/mining/template_network.h"

#include "common/bitcoin/pow_limit.h"

#include <string>

namespace mining {

bool needs_no_solution(base::ByteSpan signet_challenge) {
  constexpr std::uint8_t op_1negate = 0x4f;
  constexpr std::uint8_t op_1 = 0x51;
  constexpr std::uint8_t op_16 = 0x60;
  if (signet_challenge.size() != 1) return false;
  const std::uint8_t op = signet_challenge[0];
  return op == op_1negate || (op >= op_1 && op <= op_16);
}

std::optional<TemplateError> network_objection(const BlockTemplate& block_template,
                                               bitcoin::Network network) {
  const std::string name(bitcoin::network_name(network));
  const bitcoin::Target256 easiest = bitcoin::pow_limit(network);
  if (block_template.network_target > easiest) {
    return TemplateError{"bits", base::u32_hex(block_template.nbits) + " is easier than " + name +
                                     " allows (" + base::u32_hex(easiest.to_compact()) + ")"};
  }
  const bool is_signet = block_template.signet_challenge.has_value();
  if (network == bitcoin::Network::signet && !is_signet) {
    return TemplateError{"signet_challenge", "it is missing, and the config's network is signet"};
  }
  if (network != bitcoin::Network::signet && is_signet) {
    return TemplateError{"signet_challenge", "it is there, and the config's network is " + name};
  }
  return std::nullopt;
}

}  // namespace mining
