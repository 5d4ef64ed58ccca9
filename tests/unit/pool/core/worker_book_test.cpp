#include "pool/core/worker_book.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using bitcoin::Network;

namespace {

const std::string address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

struct Book {
  pool::WorkerBook book;
  std::vector<std::string> removed;

  void add(const std::string& username) {
    book.add(username, *pool::parse_worker_name(username, Network::regtest),
             [this](const pool::WorkerName& worker) { removed.push_back(worker.name); });
  }
  bool knows(const std::string& username) {
    return book.find(username, Network::regtest) != nullptr;
  }
};

}  // namespace

TEST_CASE("a worker is found by its user name in any spelling") {
  Book b;
  CHECK_FALSE(b.knows(address + ".rig"));
  b.add(address + "_rig");
  CHECK(b.knows(address + "_rig"));
  CHECK(b.knows(address + ".rig"));
  CHECK(b.knows(address + "%2Erig"));
  CHECK_FALSE(b.knows(address));
  CHECK_FALSE(b.knows(address + ".rig2"));
  CHECK_FALSE(b.knows("no address"));
}

TEST_CASE("the worker that was silent longest makes room") {
  Book b;
  for (std::size_t i = 0; i < pool::limits::workers_per_connection_max; ++i) {
    b.add(address + "." + std::to_string(i));
  }
  CHECK(b.removed.empty());
  CHECK(b.knows(address + ".0"));  // and so the silent one is 1
  b.add(address + ".new");
  CHECK_EQ(b.removed, std::vector<std::string>{"1"});
  CHECK_FALSE(b.knows(address + ".1"));
  CHECK(b.knows(address + ".0"));
  CHECK(b.knows(address + ".new"));
  CHECK_EQ(b.book.all().size(), pool::limits::workers_per_connection_max);
}
