// OperatorOrder: what the operator has the shards do while the pool runs; and what came of it.
//
// Thread: plain data.
#pragma once

#include "common/stratum/server_to_client.h"
#include "pool/core/address_prefix.h"
#include "pool/core/shard_types.h"
#include "pool/core/worker_name.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace pool {

struct OperatorOrder {
  // Nobody is let in any more, and the ports are free for another process. Who mines goes on
  // mining, and is told to reconnect if `reconnect` says where to (an empty host: where it is).
  struct Drain {
    std::optional<stratum::Reconnect> reconnect;
  };
  // The end of that.
  struct Resume {};
  // The address is not let in for so long, and its connections are closed.
  struct BanAddress {
    AddressPrefix prefix;
    std::chrono::seconds time{0};
  };
  struct Unban {
    AddressPrefix prefix;
  };
  // client.show_message; to a worker, all workers of an address (no name), or everybody (no
  // address).
  struct Tell {
    WorkerName to;
    std::string text;
  };

  std::uint64_t number = 0;  // echoed
  std::variant<Drain, Resume, BanAddress, Unban, Tell> what;
};

struct OrderDone {
  std::uint64_t number = 0;
  std::string error;              // one line; empty: it is done
  std::uint64_t connections = 0;  // that were told, or closed
  std::string note;               // one line more, for the operator; may be empty
};

}  // namespace pool
