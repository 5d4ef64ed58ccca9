#include "pool/core/worker_book.h"

#include "pool/core/limits.h"

#include <algorithm>
#include <utility>

namespace pool {

const WorkerName* WorkerBook::find(std::string_view username, bitcoin::Network network) {
  auto found = std::find_if(workers_.begin(), workers_.end(),
                            [&](const Worker& known) { return known.username == username; });
  if (found == workers_.end() && !workers_.empty()) {
    const auto worker = parse_worker_name(username, network);
    if (!worker) return nullptr;
    found = std::find_if(workers_.begin(), workers_.end(),
                         [&](const Worker& known) { return known.worker == *worker; });
  }
  if (found == workers_.end()) return nullptr;
  found->last_used = ++uses_;
  return &found->worker;
}

const WorkerName& WorkerBook::add(std::string username, WorkerName worker,
                                  const std::function<void(const WorkerName&)>& removed) {
  if (workers_.size() == limits::workers_per_connection_max) {
    const auto oldest = std::min_element(
        workers_.begin(), workers_.end(),
        [](const Worker& a, const Worker& b) { return a.last_used < b.last_used; });
    removed(oldest->worker);
    workers_.erase(oldest);
  }
  workers_.push_back({std::move(username), std::move(worker), ++uses_});
  return workers_.back().worker;
}

}  // namespace pool
