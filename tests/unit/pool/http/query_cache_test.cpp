#include "pool/http/query_cache.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pool;
using namespace std::chrono_literals;

namespace {

using What = StatsQuery::What;
using Kind = DatabaseAnswer::Kind;

struct Asked {
  std::vector<StatsQuery> sent;
  bool is_full = false;
  base::MonoTime now{};
  std::vector<std::string> told;  // "a:json" by asker
  QueryCache cache{[this](StatsQuery query) {
    if (is_full) return false;
    sent.push_back(std::move(query));
    return true;
  }};

  void ask(What what, QueryCache::Arguments arguments, const std::string& name) {
    cache.ask(what, std::move(arguments), now, [this, name](const DatabaseAnswer& answer) {
      constexpr const char* kinds[] = {"found", "nothing", "away", "busy"};
      told.push_back(name + ":" +
                     (answer.json ? *answer.json : kinds[static_cast<int>(answer.kind)]));
    });
  }
  bool answer(std::size_t which, const std::string& json) {
    return cache.on_result({sent.at(which).request, true, json, false}, now);
  }
};

}  // namespace

TEST_CASE("a question that many ask is sent once, and its answer kept for a while") {
  Asked t;
  t.ask(What::history, {"1d"}, "a");
  t.ask(What::history, {"1d"}, "b");
  t.ask(What::history, {"7d"}, "c");
  REQUIRE_EQ(t.sent.size(), 2);
  CHECK_EQ(*t.sent[0].arguments.at(0), "1d");
  CHECK(t.told.empty());
  CHECK(t.answer(0, "{1}"));
  CHECK_EQ(t.told, std::vector<std::string>{"a:{1}", "b:{1}"});
  t.ask(What::history, {"1d"}, "d");
  CHECK_EQ(t.told.back(), "d:{1}");
  CHECK_EQ(t.sent.size(), 2);
  t.now += kept_for(What::history);
  t.ask(What::history, {"1d"}, "e");
  REQUIRE_EQ(t.sent.size(), 3);
  CHECK_EQ(t.told.size(), 3);
  CHECK(t.answer(2, "{2}"));
  CHECK_EQ(t.told.back(), "e:{2}");
  CHECK_FALSE(t.answer(2, "{3}"));  // once
}

TEST_CASE("questions differ in any of their arguments, and none is not empty") {
  Asked t;
  t.ask(What::miner_history, {"x", std::nullopt, "1d"}, "a");
  t.ask(What::miner_history, {"x", "", "1d"}, "b");
  t.ask(What::miner_history, {"x1", "d", ""}, "c");
  t.ask(What::miner_history, {"x", "1d", ""}, "d");
  t.ask(What::miner, {"x"}, "e");
  t.ask(What::ckpool_user, {"x"}, "f");
  CHECK_EQ(t.sent.size(), 6);
}

TEST_CASE("nothing is an answer; failures are told for a moment, and then asked again") {
  Asked t;
  t.ask(What::miner, {"x"}, "a");
  CHECK(t.answer(0, ""));
  t.ask(What::miner, {"x"}, "b");
  CHECK_EQ(t.told, std::vector<std::string>{"a:nothing", "b:nothing"});
  t.ask(What::miner, {"y"}, "c");
  CHECK(t.cache.on_result({t.sent[1].request, false, "gone", false}, t.now));
  t.now += 1s;
  t.ask(What::miner, {"y"}, "d");
  CHECK_EQ(t.sent.size(), 2);
  t.now += 1s;
  t.ask(What::miner, {"y"}, "e");
  REQUIRE_EQ(t.sent.size(), 3);
  CHECK(t.cache.on_result({t.sent[2].request, false, "too slow", true}, t.now));
  CHECK_EQ(t.told.at(2), "c:away");
  CHECK_EQ(t.told.at(3), "d:away");
  CHECK_EQ(t.told.at(4), "e:busy");
}

TEST_CASE("what can't be sent is busy at once, and tried again by the next") {
  Asked t;
  t.is_full = true;
  t.ask(What::miner, {"x"}, "a");
  CHECK_EQ(t.told, std::vector<std::string>{"a:busy"});
  t.is_full = false;
  t.ask(What::miner, {"x"}, "b");
  CHECK_EQ(t.sent.size(), 1);
}

TEST_CASE("those that take long have a part of the room, and so have the others") {
  struct Row {
    What what;
    What other;
    std::size_t room;
  };
  const Row rows[] = {{What::miner, What::block, 8}, {What::block, What::miner, 24}};
  static_assert(limits::http_queries_in_flight_max == 8 + 24);
  for (const Row& row : rows) {
    CAPTURE(row.room);
    Asked t;
    for (std::size_t i = 0; i < row.room; ++i) t.ask(row.what, {std::to_string(i)}, "a");
    CHECK_EQ(t.sent.size(), row.room);
    t.ask(row.what, {"one too many"}, "b");
    CHECK_EQ(t.told, std::vector<std::string>{"b:busy"});
    t.ask(row.other, {"x"}, "c");
    CHECK_EQ(t.sent.size(), row.room + 1);
    CHECK(t.answer(0, "{}"));
    t.ask(row.what, {"one too many"}, "d");
    CHECK_EQ(t.sent.size(), row.room + 2);
  }
}

TEST_CASE("where there is no room for a question its last answer has to do, unless it is old") {
  Asked t;
  t.ask(What::miner, {"x"}, "a");
  CHECK(t.answer(0, "{1}"));
  t.is_full = true;
  t.now += 1min;
  t.ask(What::miner, {"x"}, "b");
  CHECK_EQ(t.told.back(), "b:{1}");
  t.is_full = false;
  t.ask(What::miner, {"x"}, "c");
  CHECK(t.cache.on_result({t.sent[1].request, false, "too slow", true}, t.now));
  CHECK_EQ(t.told.back(), "c:{1}");
  t.now += 10min;
  t.is_full = true;
  t.ask(What::miner, {"x"}, "d");
  CHECK_EQ(t.told.back(), "d:busy");
}

TEST_CASE("no more askers wait than requests may, whatever they ask") {
  Asked t;
  for (std::size_t i = 0; i < limits::http_answers_waited_for_max; ++i)
    t.ask(i % 2 == 0 ? What::block : What::miner, {"x"}, "a");
  CHECK_EQ(t.cache.askers(), limits::http_answers_waited_for_max);
  CHECK(t.told.empty());
  t.ask(What::block, {"x"}, "b");
  CHECK_EQ(t.told, std::vector<std::string>{"b:busy"});
  CHECK(t.answer(0, "{}"));
  CHECK_EQ(t.cache.askers(), limits::http_answers_waited_for_max / 2);
  t.ask(What::history, {"1d"}, "c");
  CHECK_EQ(t.cache.askers(), limits::http_answers_waited_for_max / 2 + 1);
}

TEST_CASE("a question without an answer is given up after the deadline") {
  Asked t;
  t.ask(What::miner, {"x"}, "a");
  t.now += limits::http_query_deadline;
  t.cache.tick(t.now);
  CHECK(t.told.empty());
  t.now += 1ms;
  t.cache.tick(t.now);
  CHECK_EQ(t.told, std::vector<std::string>{"a:busy"});
  CHECK_EQ(t.cache.in_flight(), 0);
  CHECK_FALSE(t.answer(0, "{late}"));
  t.now += 2s;
  t.ask(What::miner, {"x"}, "b");
  CHECK_EQ(t.sent.size(), 2);
}

TEST_CASE("the last answer is there at once, and another is asked for when it is old") {
  Asked t;
  CHECK_FALSE(t.cache.last(What::preview, {}, t.now));
  CHECK_EQ(t.sent.size(), 1);
  CHECK_FALSE(t.cache.last(What::preview, {}, t.now));
  CHECK_EQ(t.sent.size(), 1);
  CHECK(t.answer(0, "{1}"));
  const auto first = t.cache.last(What::preview, {}, t.now);
  REQUIRE(first);
  t.now += kept_for(What::preview);
  const auto second = t.cache.last(What::preview, {}, t.now);
  REQUIRE(second);
  CHECK_EQ(second->json, first->json);
  REQUIRE_EQ(t.sent.size(), 2);
  CHECK(t.answer(1, "{1}"));
  CHECK_EQ(t.cache.last(What::preview, {}, t.now)->json, first->json);  // the same object
  t.now += kept_for(What::preview);
  t.ask(What::preview, {}, "a");
  CHECK(t.cache.on_result({t.sent[2].request, false, "gone", false}, t.now));
  CHECK_EQ(t.told.back(), "a:away");
  CHECK_EQ(*t.cache.last(What::preview, {}, t.now)->json, "{1}");  // old, but not lost
}

TEST_CASE("answers are bounded in number and in bytes; the one not asked for longest goes") {
  Asked t;
  const auto fill = [&](const std::string& name, const std::string& json) {
    t.ask(What::miner, {name}, name);
    CHECK(t.answer(t.sent.size() - 1, json));
  };
  for (std::size_t i = 0; i < limits::http_query_answers_max + 10; ++i)
    fill(std::to_string(i), "{}");
  CHECK_EQ(t.cache.answers(), limits::http_query_answers_max);
  const std::size_t sent = t.sent.size();
  t.ask(What::miner, {"0"}, "gone");
  CHECK_EQ(t.sent.size(), sent + 1);
  t.ask(What::miner, {std::to_string(limits::http_query_answers_max)}, "kept");
  CHECK_EQ(t.sent.size(), sent + 1);
  const std::string large(limits::http_query_bytes_max / 4, 'x');
  for (int i = 0; i < 8; ++i) fill("large" + std::to_string(i), large);
  CHECK_LE(t.cache.bytes(), limits::http_query_bytes_max);
  CHECK_GE(t.cache.bytes(), large.size() * 3);
}

TEST_CASE("who is told may ask again") {
  Asked t;
  t.cache.ask(What::round, {}, t.now, [&](const DatabaseAnswer&) {
    t.ask(What::round, {}, "again");
    t.ask(What::luck, {}, "another");
  });
  CHECK(t.answer(0, "{}"));
  CHECK_EQ(t.told, std::vector<std::string>{"again:{}"});
  CHECK_EQ(t.sent.size(), 2);
}
