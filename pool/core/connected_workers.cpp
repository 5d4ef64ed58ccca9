#include "pool/core/connected_workers.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"

#include <algorithm>

namespace pool {

void HashList::add(std::uint64_t hash, std::size_t& place) {
  place = hashes_.size();
  hashes_.push_back(hash);
  places_.push_back(&place);
  told_.reset();
}

// The last one takes its place.
void HashList::remove(std::size_t place) {
  ASSERT(place < hashes_.size());
  hashes_[place] = hashes_.back();
  places_[place] = places_.back();
  *places_[place] = place;
  hashes_.pop_back();
  places_.pop_back();
  told_.reset();
}

HashList::Hashes HashList::some(std::size_t count_max) const {
  const std::size_t count = std::min(hashes_.size(), count_max);
  return {hashes_.begin(), hashes_.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::shared_ptr<const HashList::Hashes> HashList::told() {
  if (told_ == nullptr) told_ = std::make_shared<const Hashes>(some(limits::hashes_told_max));
  return told_;
}

void ConnectedWorkers::add(const WorkerName& worker, ConnectionId connection) {
  const auto hash = [](const std::string& text) { return std::hash<std::string>{}(text); };
  const auto [address, is_new_address] = by_address_.try_emplace(worker.address);
  if (is_new_address) address_hashes_.add(hash(worker.address), address->second.place);
  const auto [entry, is_new] = address->second.workers.try_emplace(worker.name);
  if (is_new) {
    hashes_.add(hash(worker.full()), entry->second.place);
    address->second.hashes.add(hash(worker.name), entry->second.place_in_address);
  }
  entry->second.connections.insert(connection);
}

void ConnectedWorkers::remove(const WorkerName& worker, ConnectionId connection) {
  const auto address = by_address_.find(worker.address);
  if (address == by_address_.end()) return;
  const auto entry = address->second.workers.find(worker.name);
  if (entry == address->second.workers.end()) return;
  entry->second.connections.erase(connection);
  if (!entry->second.connections.empty()) return;
  hashes_.remove(entry->second.place);
  address->second.hashes.remove(entry->second.place_in_address);
  address->second.workers.erase(entry);
  if (!address->second.workers.empty()) return;
  address_hashes_.remove(address->second.place);
  by_address_.erase(address);
}

void ConnectedWorkers::on_share(const WorkerName& worker, std::int64_t time_us) {
  const auto address = by_address_.find(worker.address);
  if (address == by_address_.end()) return;
  const auto entry = address->second.workers.find(worker.name);
  if (entry != address->second.workers.end()) entry->second.last_share_us = time_us;
}

const ConnectedWorkers::Worker* ConnectedWorkers::find(const WorkerName& worker) const {
  const auto address = by_address_.find(worker.address);
  if (address == by_address_.end()) return nullptr;
  const auto entry = address->second.workers.find(worker.name);
  return entry == address->second.workers.end() ? nullptr : &entry->second;
}

std::size_t ConnectedWorkers::workers_of(const std::string& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? 0 : found->second.workers.size();
}

HashList::Hashes ConnectedWorkers::hashes_of(const std::string& address) const {
  const auto found = by_address_.find(address);
  if (found == by_address_.end()) return {};
  return found->second.hashes.some(limits::hashes_of_address_told_max);
}

void ConnectedWorkers::visit_silent(const std::string& address, const Visit& visit) const {
  const auto found = by_address_.find(address);
  if (found == by_address_.end()) return;
  std::size_t looked_at = 0;
  std::size_t told = 0;
  for (const auto& [name, worker] : found->second.workers) {
    if (++looked_at > limits::silent_workers_looked_at_max) return;
    if (worker.last_share_us) continue;
    visit(name, worker);
    if (++told == limits::silent_workers_told_max) return;
  }
}

}  // namespace pool
