// `phasepool payout plan|show|send|settle|cancel`: what miners are owed, sent from the node's
// wallet. docs/payout-sending.md tells it from the operator's side.
//
// Nothing is changed without `commit`: neither in the database nor in the wallet.
//
// Exit codes: payout_error.h. With `json` a document on stdout, else lines; errors also on stderr.
// Thread: the caller's, which it blocks.
#pragma once

#include "pool/config/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct PayoutCommand {
  enum class Action { plan, show, send, settle, cancel };
  Action action = Action::plan;
  std::optional<std::int64_t> id;  // show and settle: none is all of them
  bool commit = false;
  bool json = false;
  std::uint32_t node = 0;  // of the config's nodes
  // plan
  std::optional<std::int64_t> minimum_sats;  // none: of the scheme in force
  std::uint32_t outputs_max = 500;
  std::vector<std::string> addresses;  // none: everybody's
  // send
  std::string fee_rate_sat_vb;  // decimal; empty: the node estimates
  std::uint32_t target_blocks = 6;
  std::optional<std::int64_t> fee_max_sats;
  std::uint32_t input_confirmations_min = 6;
  // settle
  std::int64_t confirmations_min = 6;
};

// Prints, and returns the exit code.
int payout_command(const Config& config, const PayoutCommand& command);

}  // namespace pool
