// WorkerBook: the workers that one connection has authorized, by the name that its submits use.
//
// Most connections have one; a proxy has one for each machine behind it. When there are too many,
// the one that has been silent longest makes room: it may authorize again.
// Memory: a few hundred bytes for each worker; at most workers_per_connection_max of them.
// Thread: one shard's.
#pragma once

#include "pool/core/worker_name.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

class WorkerBook {
 public:
  struct Worker {
    std::string username;  // as it was authorized
    WorkerName worker;
    std::uint64_t last_used = 0;
  };

  // By the exact user name, or else by any spelling of the same worker. Null: not authorized. Valid
  // until the next add().
  const WorkerName* find(std::string_view username, bitcoin::Network network);
  // REQUIRES: find() does not know it. The worker that had to make room, if any, goes to `removed`
  // before it is forgotten.
  const WorkerName& add(std::string username, WorkerName worker,
                        const std::function<void(const WorkerName&)>& removed);
  bool empty() const { return workers_.empty(); }
  const std::vector<Worker>& all() const { return workers_; }

 private:
  std::vector<Worker> workers_;
  std::uint64_t uses_ = 0;
};

}  // namespace pool
