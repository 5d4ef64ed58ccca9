// `phasepool admin`: gives a running pool on this machine an order, over its admin listener, with
// the token of its data_dir.
//
// Exit codes: 0 done, 1 not: one line on stderr says why.
#pragma once

#include "pool/config/config.h"

#include <cstdint>
#include <optional>
#include <string>

namespace pool {

struct AdminCommand {
  std::string order;  // "drain": the last part of the path
  // Members of the order's body; what is empty is left out.
  std::string address;
  std::optional<std::uint32_t> seconds;
  std::string text;
  std::string to;
  bool no_reconnect = false;
  std::string host;
  std::optional<std::uint32_t> port;
  std::optional<std::uint32_t> wait_seconds;
  // drain: goes on telling how many are left, until none is.
  bool wait = false;
};

int admin_command(const Config& config, const AdminCommand& command);

}  // namespace pool
