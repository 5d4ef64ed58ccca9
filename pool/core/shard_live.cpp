// Who is connected to a shard now, for the web loop.
#include "pool/core/limits.h"
#include "pool/core/shard.h"

#include <algorithm>

namespace pool {

// Its oldest and its newest connection speak for all of them: there may be thousands.
LiveWorker Shard::live_worker(const std::string& name,
                              const ConnectedWorkers::Worker& known) const {
  LiveWorker out;
  out.name = name;
  out.connections = static_cast<std::uint32_t>(known.connections.size());
  out.last_share_us = known.last_share_us;
  const auto oldest = sessions_.find(*known.connections.begin());
  const auto newest = sessions_.find(*known.connections.rbegin());
  if (oldest == sessions_.end() || newest == sessions_.end()) return out;
  out.connected_us = oldest->second->connected_us();
  out.newest_us = newest->second->connected_us();
  newest->second->describe(out);
  return out;
}

LiveAnswer Shard::live(const LiveWanted& wanted) const {
  LiveAnswer out;
  out.shard = context_.options.index;
  const ConnectedWorkers& connected = context_.connected;
  const std::size_t asked = std::min(wanted.names.size(), limits::live_names_asked_max);
  for (std::size_t i = 0; i < asked; ++i) {
    const auto* known = connected.find({wanted.address, wanted.names[i]});
    if (known != nullptr) out.asked.push_back(live_worker(wanted.names[i], *known));
  }
  connected.visit_silent(wanted.address, [&](const std::string& name, const auto& known) {
    out.silent.push_back(live_worker(name, known));
  });
  out.workers = connected.workers_of(wanted.address);
  out.hashes = connected.hashes_of(wanted.address);
  return out;
}

}  // namespace pool
