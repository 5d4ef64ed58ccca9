// What `phasepool check` reads out of a node's answers beyond what the pool itself asks for.
//
// Errors: an answer of another shape reads as nothing told.
// Thread: pure functions.
// Source: Bitcoin Core 27, rpc help of getzmqnotifications and getwalletinfo.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// getzmqnotifications: a publisher's topic and the address it is bound to.
struct ZmqNotification {
  std::string topic;    // "hashblock"
  std::string address;  // "tcp://0.0.0.0:28332"
};
std::optional<std::vector<ZmqNotification>> parse_zmq_notifications(std::string_view json);

// getwalletinfo.
struct WalletInfo {
  bool locked = false;    // encrypted, and its passphrase not given
  bool has_keys = true;   // false: made to watch only
  bool scanning = false;  // for transactions it has missed
};
std::optional<WalletInfo> parse_wallet_info(std::string_view json);
// Why payouts can't be sent from it, with the remedy; empty: they can.
std::string wallet_objection(const WalletInfo& info, const std::string& name);

}  // namespace pool
