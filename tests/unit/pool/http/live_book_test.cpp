#include "pool/http/live_book.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace pool;
using namespace std::chrono_literals;

namespace {

// Two shards, whose answers the test gives.
struct Shards {
  std::vector<LiveQuestion> sent;
  PostedToShards posted{2, 2};
  base::MonoTime now{};
  LiveBook book{[this](const LiveQuestion& question) {
    sent.push_back(question);
    return posted;
  }};
  std::vector<LiveWorkers> told;

  void ask(const std::string& address, std::vector<std::string> names = {}) {
    book.ask({address, std::move(names)}, now,
             [this](const LiveWorkers& workers) { told.push_back(workers); });
  }
  void answer(std::uint32_t shard, std::vector<LiveWorker> workers,
              std::vector<std::uint64_t> hashes = {}, std::uint64_t count = 0) {
    LiveAnswer answer;
    answer.request = sent.back().request;
    answer.shard = ShardIndex{shard};
    answer.asked = workers;
    answer.silent = std::move(workers);
    answer.workers = std::max<std::uint64_t>(count, hashes.size());
    answer.hashes = std::move(hashes);
    book.on(answer, now);
  }
};

LiveWorker worker(const std::string& name, std::int64_t connected_us,
                  std::optional<std::int64_t> last_share_us = {}) {
  return {name, 1,     connected_us, connected_us, name + " at " + std::to_string(connected_us),
          2.0,  false, last_share_us};
}

}  // namespace

TEST_CASE("an answer is the sum of all shards'") {
  Shards t;
  t.ask("a", {"x", "y", "z"});
  REQUIRE_EQ(t.sent.size(), 1);
  CHECK_EQ(t.sent[0].wanted->address, "a");
  CHECK_EQ(t.sent[0].wanted->names, std::vector<std::string>{"x", "y", "z"});
  t.answer(0, {worker("x", 5, 50), worker("y", 6)}, {1, 2});
  CHECK(t.told.empty());
  t.answer(1, {worker("x", 9, 40), worker("z", 7)}, {1, 3}, 5);
  REQUIRE_EQ(t.told.size(), 1);
  const LiveWorkers& told = t.told[0];
  CHECK(told.complete);
  CHECK_EQ(told.connected, 6);  // 1, 2, 3, and three that were not told by hash
  REQUIRE_EQ(told.asked.size(), 3);
  const LiveWorker& x = told.asked.at("x");
  CHECK_EQ(x.connections, 2);
  CHECK_EQ(x.connected_us, 5);
  CHECK_EQ(x.newest_us, 9);
  CHECK_EQ(x.user_agent, "x at 9");
  CHECK_EQ(x.last_share_us, 50);
  CHECK_EQ(told.asked.at("y"), worker("y", 6));
  CHECK_EQ(t.book.in_flight(), 0);
}

TEST_CASE("who is silent at one shard and well at another is not silent") {
  Shards t;
  t.ask("a");
  t.answer(0, {worker("x", 5), worker("y", 5)});
  t.answer(1, {worker("x", 6, 60)});
  REQUIRE_EQ(t.told.size(), 1);
  CHECK_EQ(t.told[0].silent.size(), 1);
  CHECK(t.told[0].silent.contains("y"));
}

TEST_CASE("the same question is asked once, and its answer kept for a second") {
  Shards t;
  t.ask("a", {"x"});
  t.ask("a", {"x"});
  t.ask("a", {"y"});  // another question
  t.ask("ax");        // another
  REQUIRE_EQ(t.sent.size(), 3);
  t.sent.resize(1);
  t.answer(0, {});
  t.answer(1, {});
  CHECK_EQ(t.told.size(), 2);
  t.now += limits::live_answer_kept - 1ms;
  t.ask("a", {"x"});
  CHECK_EQ(t.told.size(), 3);
  CHECK_EQ(t.sent.size(), 1);
  t.now += 1ms;
  t.ask("a", {"x"});
  CHECK_EQ(t.told.size(), 3);
  CHECK_EQ(t.sent.size(), 2);
}

TEST_CASE("a shard that is late is not waited for, and its answer dropped") {
  Shards t;
  t.ask("a", {"x"});
  t.answer(1, {worker("x", 5)}, {1});
  t.now += limits::live_answer_deadline - 1ms;
  t.book.on_deadline(t.now);
  CHECK(t.told.empty());
  t.now += 1ms;
  t.book.on_deadline(t.now);
  REQUIRE_EQ(t.told.size(), 1);
  CHECK_FALSE(t.told[0].complete);
  CHECK_EQ(t.told[0].connected, 1);
  CHECK(t.told[0].asked.contains("x"));
  t.answer(0, {worker("x", 4)}, {1});
  CHECK_EQ(t.told.size(), 1);
}

TEST_CASE("shards that could not be asked are not waited for either") {
  Shards t;
  t.posted.taken = 1;
  t.ask("a");
  t.answer(0, {});
  REQUIRE_EQ(t.told.size(), 1);
  CHECK_FALSE(t.told[0].complete);
  t.posted.taken = 0;
  t.ask("b");
  REQUIRE_EQ(t.told.size(), 2);
  CHECK_FALSE(t.told[1].complete);
  CHECK_EQ(t.book.in_flight(), 0);
}

TEST_CASE("one question too many on its way is answered at once, with nothing") {
  Shards t;
  for (std::size_t i = 0; i < limits::live_questions_in_flight_max; ++i) t.ask(std::to_string(i));
  CHECK(t.told.empty());
  t.ask("one more");
  REQUIRE_EQ(t.told.size(), 1);
  CHECK_FALSE(t.told[0].complete);
  CHECK_EQ(t.sent.size(), limits::live_questions_in_flight_max);
}

TEST_CASE("no more questions a second than a shard has time for, and no more answers kept") {
  Shards t;
  for (int i = 0; i < 1000; ++i) {
    t.ask(std::to_string(i));
    if (t.book.in_flight() == 0) continue;
    t.answer(0, {});
    t.answer(1, {});
  }
  CHECK_EQ(t.told.size(), 1000);
  CHECK_EQ(t.sent.size(), static_cast<std::size_t>(limits::live_questions_per_second_max));
  for (int i = 0; i < 1000; ++i) {
    t.now += 10ms;
    t.ask("later " + std::to_string(i));
    t.answer(0, {});
    t.answer(1, {});
    REQUIRE_LE(t.book.kept(), limits::live_answers_kept_max);
  }
  CHECK_EQ(t.told.size(), 2000);
  CHECK(t.told.back().complete);
}
