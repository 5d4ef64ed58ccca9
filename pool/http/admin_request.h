// What the operator asks for, read from the JSON body of a request; and the answers.
//
// Errors: AdminError names the member, the value and what was expected; it becomes a 400.
// Thread: pure functions.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/address.h"
#include "pool/core/operator_order.h"
#include "pool/http/snapshot.h"

#include <string>
#include <string_view>

namespace pool {

struct AdminError {
  std::string message;
  std::string hint;
};

template <class Order>
using AdminRequest = base::Result<Order, AdminError>;

// {"reconnect": true, "host": "", "port": 0, "wait_seconds": 0}: all may be left out.
[[nodiscard]] AdminRequest<OperatorOrder::Drain> parse_drain(std::string_view body);
// {"address": "192.0.2.1", "seconds": 600}: seconds may be left out.
[[nodiscard]] AdminRequest<OperatorOrder::BanAddress> parse_ban(std::string_view body);
// {"address": "192.0.2.1"}
[[nodiscard]] AdminRequest<OperatorOrder::Unban> parse_unban(std::string_view body);
// {"text": "…", "to": "ADDRESS.worker"}: without `to`, everybody.
[[nodiscard]] AdminRequest<OperatorOrder::Tell> parse_tell(std::string_view body,
                                                           bitcoin::Network network);
// For requests that say nothing more than their path: "" or {}.
[[nodiscard]] base::Result<void, AdminError> parse_nothing(std::string_view body);

// {"done":true,"connections":3,"note":null}
std::string order_json(const OrderDone& done);
// Whether the shards let anybody in, and what is left to do for a drain.
std::string admin_status_json(const PoolSnapshot& snapshot);

}  // namespace pool
