// ConnectedWorkers: who is connected to a shard now, by payout address and worker name.
//
// Names are told to the web loop as hashes, so that who is connected to two shards can be counted
// once (HashList). Whatever is asked, the answer takes bounded time: no name's connections are
// walked, and no address's workers but the first few.
//
// Memory: about 250 bytes for a worker with its name, 50 for each further connection of it, 150 for
//         an address.
// Time:   an argument.
// Thread: one shard's.
#pragma once

#include "pool/core/shard_types.h"
#include "pool/core/worker_name.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace pool {

// Hashes of some names, close together: they are copied many times, and looked up never.
class HashList {
 public:
  using Hashes = std::vector<std::uint64_t>;

  // `place` is where it stands from then on, kept right until it is removed.
  void add(std::uint64_t hash, std::size_t& place);
  void remove(std::size_t place);
  std::size_t size() const { return hashes_.size(); }
  Hashes some(std::size_t count_max) const;
  // At most limits::hashes_told_max; the same object while nothing changed.
  std::shared_ptr<const Hashes> told();

 private:
  Hashes hashes_;
  std::vector<std::size_t*> places_;  // whose they are
  std::shared_ptr<const Hashes> told_;
};

class ConnectedWorkers {
 public:
  struct Worker {
    std::set<ConnectionId> connections;         // never empty; ids rise, so the oldest is the first
    std::optional<std::int64_t> last_share_us;  // since the first of them
    std::size_t place = 0;                      // among all workers
    std::size_t place_in_address = 0;
  };
  using Visit = std::function<void(const std::string& name, const Worker&)>;

  // Once for each name that a connection has logged in, and once when that is over.
  void add(const WorkerName& worker, ConnectionId connection);
  void remove(const WorkerName& worker, ConnectionId connection);
  void on_share(const WorkerName& worker, std::int64_t time_us);

  std::size_t workers() const { return hashes_.size(); }        // distinct
  std::size_t addresses() const { return by_address_.size(); }  // likewise
  std::shared_ptr<const HashList::Hashes> worker_hashes() { return hashes_.told(); }
  std::shared_ptr<const HashList::Hashes> address_hashes() { return address_hashes_.told(); }

  // Null: no such worker is connected. Valid until the next add() or remove().
  const Worker* find(const WorkerName& worker) const;
  // Of one address; none where it is not connected.
  std::size_t workers_of(const std::string& address) const;
  // At most limits::hashes_of_address_told_max.
  HashList::Hashes hashes_of(const std::string& address) const;
  // Some workers without an accepted share, at most limits::silent_workers_told_max, found among
  // the first limits::silent_workers_looked_at_max of the address.
  void visit_silent(const std::string& address, const Visit& visit) const;

 private:
  struct Address {
    std::unordered_map<std::string, Worker> workers;  // by name
    HashList hashes;
    std::size_t place = 0;
  };

  std::unordered_map<std::string, Address> by_address_;
  HashList hashes_;  // of all workers
  HashList address_hashes_;
};

}  // namespace pool
