#include "pool/core/reject_log.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <string>

namespace {

pool::RejectedSubmit reject(const std::string& worker, std::int64_t time_us) {
  pool::RejectedSubmit made;
  made.worker = worker;
  made.time_us = time_us;
  return made;
}

}  // namespace

TEST_CASE("the last rejects of a worker are kept, the newest first") {
  pool::RejectLog log;
  for (std::int64_t i = 0; i < 40; ++i) log.add(reject("a.rig", i));
  const auto kept = log.find("a.rig");
  REQUIRE_EQ(kept.size(), pool::limits::rejects_kept_per_worker);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    CHECK_EQ(kept[i].time_us, 39 - static_cast<std::int64_t>(i));
  }
}

TEST_CASE("an address stands for all of its workers, and for nobody else") {
  pool::RejectLog log;
  log.add(reject("a", 1));
  log.add(reject("a.one", 3));
  log.add(reject("a.two", 2));
  log.add(reject("ab.one", 4));
  const auto kept = log.find("a");
  REQUIRE_EQ(kept.size(), 3);
  CHECK_EQ(kept[0].worker, "a.one");
  CHECK_EQ(kept[1].worker, "a.two");
  CHECK_EQ(kept[2].worker, "a");
  CHECK_EQ(log.find("a.two").size(), 1);
  CHECK(log.find("a.three").empty());
  CHECK(log.find("").empty());
}

TEST_CASE("of an address with many workers the newest are found, so many and no more") {
  pool::RejectLog log;
  for (std::int64_t i = 0; i < 1000; ++i) log.add(reject("a." + std::to_string(i % 300), i));
  const auto found = log.find("a");
  REQUIRE_EQ(found.size(), pool::RejectLog::found_max);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK_EQ(found[i].time_us, 999 - static_cast<std::int64_t>(i));
  }
  CHECK_EQ(log.find("a", 3).size(), 3);
  CHECK_EQ(log.find("a", 100'000).size(), pool::RejectLog::found_max);
  CHECK(log.find("a", 0).empty());
}

TEST_CASE("the worker without news for longest is forgotten") {
  pool::RejectLog log;
  for (std::size_t i = 0; i < pool::limits::reject_log_workers_max; ++i) {
    log.add(reject("w." + std::to_string(i), 1));
  }
  log.add(reject("w.0", 2));
  log.add(reject("w.new", 3));
  CHECK_EQ(log.workers(), pool::limits::reject_log_workers_max);
  CHECK(log.find("w.1").empty());
  CHECK_EQ(log.find("w.0").size(), 2);
  CHECK_EQ(log.find("w.new").size(), 1);
}
