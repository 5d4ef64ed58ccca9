#include "pool/core/connected_workers.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using pool::ConnectedWorkers;
using pool::ConnectionId;
using pool::HashList;

namespace {

std::set<std::uint64_t> set_of(const std::shared_ptr<const HashList::Hashes>& hashes) {
  return {hashes->begin(), hashes->end()};
}

std::vector<std::string> silent_of(const ConnectedWorkers& workers, const std::string& address) {
  std::vector<std::string> names;
  workers.visit_silent(address,
                       [&](const std::string& name, const auto&) { names.push_back(name); });
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("a worker counts once, until its last connection has gone") {
  ConnectedWorkers workers;
  workers.add({"a", "x"}, ConnectionId{1});
  workers.add({"a", "x"}, ConnectionId{2});
  workers.add({"a", "y"}, ConnectionId{2});
  workers.add({"b", "x"}, ConnectionId{3});
  CHECK_EQ(workers.workers(), 3);
  CHECK_EQ(workers.addresses(), 2);
  CHECK_EQ(workers.workers_of("a"), 2);
  workers.remove({"a", "x"}, ConnectionId{1});
  CHECK_EQ(workers.workers(), 3);
  REQUIRE(workers.find({"a", "x"}) != nullptr);
  CHECK_EQ(workers.find({"a", "x"})->connections, std::set<ConnectionId>{ConnectionId{2}});
  workers.remove({"a", "x"}, ConnectionId{2});
  CHECK(workers.find({"a", "x"}) == nullptr);
  CHECK_EQ(workers.workers_of("a"), 1);
  workers.remove({"a", "y"}, ConnectionId{2});
  CHECK_EQ(workers.addresses(), 1);
  CHECK_EQ(workers.workers_of("a"), 0);
  workers.remove({"a", "y"}, ConnectionId{2});  // not there
  workers.remove({"b", "y"}, ConnectionId{3});
  CHECK_EQ(workers.workers(), 1);
}

TEST_CASE("the same name has the same hash in every shard, and another in another address") {
  ConnectedWorkers one;
  ConnectedWorkers other;
  one.add({"a", "x"}, ConnectionId{1});
  other.add({"c", "x"}, ConnectionId{8});
  other.add({"a", "x"}, ConnectionId{9});
  CHECK(set_of(other.worker_hashes()).contains(one.worker_hashes()->at(0)));
  CHECK(set_of(other.address_hashes()).contains(one.address_hashes()->at(0)));
  CHECK_EQ(set_of(other.worker_hashes()).size(), 2);
  CHECK_EQ(one.hashes_of("a"), other.hashes_of("a"));
  CHECK(one.hashes_of("c").empty());
}

TEST_CASE("hashes are copied only when a name came or went") {
  ConnectedWorkers workers;
  workers.add({"a", "x"}, ConnectionId{1});
  const auto told = workers.worker_hashes();
  workers.add({"a", "x"}, ConnectionId{2});
  workers.on_share({"a", "x"}, 5);
  CHECK_EQ(workers.worker_hashes(), told);
  workers.add({"a", "y"}, ConnectionId{2});
  CHECK_NE(workers.worker_hashes(), told);
  CHECK_EQ(workers.worker_hashes()->size(), 2);
  CHECK_EQ(workers.address_hashes()->size(), 1);
}

TEST_CASE("the last share is remembered while the worker is connected") {
  ConnectedWorkers workers;
  workers.on_share({"a", "x"}, 1);  // of nobody
  workers.add({"a", "x"}, ConnectionId{1});
  CHECK_FALSE(workers.find({"a", "x"})->last_share_us);
  workers.add({"a", "x"}, ConnectionId{2});
  workers.on_share({"a", "x"}, 7);
  workers.remove({"a", "x"}, ConnectionId{1});
  CHECK_EQ(workers.find({"a", "x"})->last_share_us, 7);
  workers.remove({"a", "x"}, ConnectionId{2});
  workers.add({"a", "x"}, ConnectionId{3});
  CHECK_FALSE(workers.find({"a", "x"})->last_share_us);
}

TEST_CASE("the silent are those without a share; of very many, some") {
  ConnectedWorkers workers;
  for (const char* name : {"x", "y", "z"}) workers.add({"a", name}, ConnectionId{1});
  workers.on_share({"a", "y"}, 7);
  CHECK_EQ(silent_of(workers, "a"), std::vector<std::string>{"x", "z"});
  CHECK(silent_of(workers, "b").empty());
  for (std::uint64_t i = 0; i < 2 * pool::limits::silent_workers_looked_at_max; ++i)
    workers.add({"b", std::to_string(i)}, ConnectionId{2});
  CHECK_EQ(silent_of(workers, "b").size(), pool::limits::silent_workers_told_max);
}

TEST_CASE("no more is told than there is room for") {
  HashList list;
  std::deque<std::size_t> places;
  for (std::uint64_t i = 0; i <= pool::limits::hashes_told_max; ++i)
    list.add(i, places.emplace_back());
  CHECK_EQ(list.size(), pool::limits::hashes_told_max + 1);
  CHECK_EQ(list.told()->size(), pool::limits::hashes_told_max);
  CHECK_EQ(list.some(3), HashList::Hashes{0, 1, 2});
}

TEST_CASE("whatever comes and goes, names and hashes agree") {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp)
  ConnectedWorkers workers;
  std::map<std::pair<std::string, std::string>, std::set<std::uint64_t>> expected;
  for (int step = 0; step < 20'000; ++step) {
    const std::string address(1, static_cast<char>('a' + random() % 5));
    const std::string name = std::to_string(random() % 20);
    const std::uint64_t id = random() % 4;
    auto& holders = expected[{address, name}];
    if (holders.contains(id)) {
      workers.remove({address, name}, ConnectionId{id});
      holders.erase(id);
    } else {
      workers.add({address, name}, ConnectionId{id});
      holders.insert(id);
    }
    if (holders.empty()) expected.erase({address, name});
    std::map<std::string, std::size_t> of_address;
    for (const auto& [worker, ids] : expected) ++of_address[worker.first];
    REQUIRE_EQ(workers.workers(), expected.size());
    REQUIRE_EQ(workers.addresses(), of_address.size());
    REQUIRE_EQ(set_of(workers.worker_hashes()).size(), expected.size());
    REQUIRE_EQ(set_of(workers.address_hashes()).size(), of_address.size());
    for (const auto& [name_of, count] : of_address)
      REQUIRE_EQ(workers.hashes_of(name_of).size(), count);
  }
}
