// LiveWorker: what a shard's connections know of a worker now; and how the web loop asks for it.
//
// A question names a payout address and some of its workers; every shard answers for itself, from
// its own tables, in bounded time. The sum of the answers is what is known of those workers.
//
// Units:  times are microseconds since 1970.
// Thread: plain data.
#pragma once

#include "pool/core/shard_types.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct LiveWorker {
  std::string name;  // of the worker, without the address; may be empty
  std::uint32_t connections = 0;
  std::int64_t connected_us = 0;  // the oldest of them
  std::int64_t newest_us = 0;     // the newest, of which the next three are
  std::string user_agent;
  std::optional<double> difficulty;  // that its shares are held to; none: it takes no such work
  bool takes_coherence = false;
  std::optional<std::int64_t> last_share_us;  // accepted since the oldest connection, of any kind
  friend bool operator==(const LiveWorker&, const LiveWorker&) = default;
};

struct LiveWanted {
  std::string address;             // canonical
  std::vector<std::string> names;  // at most limits::live_names_asked_max
};

// http -> every shard.
struct LiveQuestion {
  std::uint64_t request = 0;  // echoed
  std::shared_ptr<const LiveWanted> wanted;
};

// shard -> http.
struct LiveAnswer {
  std::uint64_t request = 0;
  ShardIndex shard;
  std::vector<LiveWorker> asked;   // those of the names asked for that are connected
  std::vector<LiveWorker> silent;  // without an accepted share here; not all where there are many
  std::uint64_t workers = 0;       // of the address, that are connected
  // Of their names, to count who is connected to two shards once; at most
  // limits::hashes_of_address_told_max.
  std::vector<std::uint64_t> hashes;
};

}  // namespace pool
