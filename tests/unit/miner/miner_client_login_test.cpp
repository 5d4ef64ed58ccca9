// The beginning of a connection with every kind of pool: what is asked, what may be refused, what
// may be missing, and what nonsense may stand in an answer.
#include "miner/miner_client.h"

#include "tests/unit/miner/conversation.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace miner {
namespace {

using namespace conversation;

// From a subscribe's answer to the first job.
std::shared_ptr<const Work> work_after(Conversation& talk, std::string_view subscribe_result) {
  talk.answer("mining.subscribe",
              "\"result\":" + std::string(subscribe_result) + ",\"error\":null");
  talk.answer("mining.authorize", Conversation::yes);
  talk.line(notify_line("a1", "01", true));
  return talk.host.works.empty() ? nullptr : talk.host.works.back();
}
constexpr std::string_view usual_result = R"([[["mining.notify","6an"]],"fdf8b667",8])";

TEST_CASE("subscribe's answer in each shape that pools send it") {
  struct Row {
    const char* why;
    std::string_view result;
    std::string_view extranonce1;
    std::uint32_t extranonce2_size;
  };
  const Row rows[] = {
      {"ckpool: one pair", R"([[["mining.notify","5e"]],"fdf8b667",8])", "fdf8b667", 8},
      {"both pairs", R"([[["mining.set_difficulty","d"],["mining.notify","n"]],"08",4])", "08", 4},
      {"old servers: a bare pair", R"([["mining.notify","n"],"08000002",4])", "08000002", 4},
      {"no subscriptions", R"([[],"08000002",4])", "08000002", 4},
      {"null for them", R"([null,"08000002",4])", "08000002", 4},
      {"more than three members", R"([[],"08000002",4,"extra"])", "08000002", 4},
      {"upper case", R"([[],"FDF8B667",8])", "fdf8b667", 8},
      {"no extranonce2 at all", R"([[],"08000002",0])", "08000002", 0},
      {"the longest extranonce2", R"([[],"08000002",16])", "08000002", 16},
      {"no extranonce1", R"([[],"",8])", "", 8},
      {"the longest extranonce1",
       R"([[],"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",2])",
       "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 2},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Conversation talk;
    const auto work = work_after(talk, row.result);
    REQUIRE(work);
    CHECK_EQ(base::to_hex(work->extranonce1), row.extranonce1);
    CHECK_EQ(work->extranonce2_size, row.extranonce2_size);
  }
}

TEST_CASE("subscribe's answer that is of no use: it says so and disconnects") {
  for (const std::string_view result :
       {"true", "{}", "\"ok\"", "[]", R"([[],"zz",8])", R"([[],"08"])", R"([[],"08",-1])",
        R"([[],"08",17])", R"([[],"08",4294967297])", R"([[],"08",1e99])", R"([[],8,8])",
        R"([[],"080",8])"}) {
    CAPTURE(result);
    Conversation talk;
    CHECK_EQ(work_after(talk, result), nullptr);
    CHECK_EQ(talk.host.disconnects.size(), 1);
    CHECK_FALSE(talk.host.last_problem().empty());
    CHECK(talk.host.works.empty());
  }
}

TEST_CASE("configure: granted, refused, unanswered, late, or with nonsense in it") {
  struct Row {
    const char* why;
    std::string_view answer;  // empty: none
    std::optional<std::uint32_t> mask;
  };
  const Row rows[] = {
      {"granted",
       R"("result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null)",
       0x1fffe000},
      {"less than asked",
       R"("result":{"version-rolling":true,"version-rolling.mask":"00ff0000"},"error":null)",
       0x00ff0000},
      {"more than asked",
       R"("result":{"version-rolling":true,"version-rolling.mask":"ffffffff"},"error":null)",
       0x1fffe000},
      {"refused", R"("result":{"version-rolling":false},"error":null)", std::nullopt},
      {"refused in words", R"("result":{"version-rolling":"not here"},"error":null)", std::nullopt},
      {"refused, with a mask",
       R"("result":{"version-rolling":false,"version-rolling.mask":"00000000"},"error":null)",
       std::nullopt},
      {"granted without a mask", R"("result":{"version-rolling":true},"error":null)", std::nullopt},
      {"unknown method", R"("result":null,"error":[20,"Unsupported method",null])", std::nullopt},
      {"unknown method, as JSON-RPC 2 says it",
       R"("result":null,"error":{"code":-32601,"message":"Method not found"})", std::nullopt},
      {"unknown method in a bare word", R"("result":null,"error":"unknown")", std::nullopt},
      {"true", R"("result":true,"error":null)", std::nullopt},
      {"a mask that is none",
       R"("result":{"version-rolling":true,"version-rolling.mask":"zz"},"error":null)",
       std::nullopt},
      {"nothing at all", "", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Conversation talk;
    if (!row.answer.empty()) talk.answer("mining.configure", row.answer);
    const auto work = work_after(talk, usual_result);
    REQUIRE(work);
    CHECK_EQ(work->version_mask, row.mask);
    CHECK(talk.host.disconnects.empty());
  }
}

TEST_CASE("no version rolling wanted: it is not asked for, and not taken either") {
  ClientOptions options;
  options.version_rolling = false;
  Conversation talk(options);
  REQUIRE_EQ(talk.host.sent.size(), 1);
  CHECK(contains(talk.host.sent[0], "mining.subscribe"));
  talk.line(configure_ok);  // id 1, which was not sent
  const auto work = work_after(talk, usual_result);
  REQUIRE(work);
  CHECK_FALSE(work->version_mask);
}

TEST_CASE("answers whose ids came back as strings, and answers in another order") {
  Conversation talk;
  talk.line(R"({"id":"2","result":[[],"fdf8b667",8],"error":null})");
  CHECK(contains(talk.host.sent.back(), "mining.authorize"));
  talk.line(R"({"error":null,"result":true,"id":"3"})");
  CHECK(talk.client.is_authorized());
  talk.line(configure_ok);  // after everything
  talk.line(notify_line("a1", "01", true));
  CHECK(talk.host.works.back()->version_mask.has_value());
}

TEST_CASE("what comes between the answers counts as if it had come after them") {
  Conversation talk;
  talk.line(difficulty_low);  // NiceHash's order: right after subscribe, or even before
  talk.line(R"({"id":null,"method":"client.show_message","params":["hello"]})");
  talk.line(notify_line("a0", "00", true));
  talk.answer("mining.subscribe", "\"result\":" + std::string(usual_result) + ",\"error\":null");
  talk.line(R"({"id":null,"method":"mining.set_extranonce","params":["0a0b",4]})");
  talk.line(notify_line("a1", "01", true));
  CHECK(talk.host.works.empty());
  talk.answer("mining.authorize", Conversation::yes);
  REQUIRE_EQ(talk.host.works.size(), 1);
  CHECK_EQ(talk.host.works[0]->notify.job_id, "a1");
  CHECK_EQ(talk.host.works[0]->difficulty.value(), 0.5);
  CHECK_EQ(base::to_hex(talk.host.works[0]->extranonce1), "0a0b");
}

TEST_CASE(
    "after authorize: extranonces may change, and a difficulty is suggested where one is set") {
  ClientOptions options;
  options.suggest_difficulty = 0.25;
  Conversation talk(options);
  talk.handshake();
  REQUIRE_EQ(talk.host.sent.size(), 5);
  CHECK(contains(talk.host.sent[3], R"("mining.extranonce.subscribe","params":[])"));
  CHECK(contains(talk.host.sent[4], R"("mining.suggest_difficulty","params":[0.25])"));
  talk.answer("mining.extranonce.subscribe",
              R"("result":false,"error":[20,"Not supported.",null])");
  talk.answer("mining.suggest_difficulty", R"("result":null,"error":[20,"too low",null])");
  CHECK(contains(talk.host.events.back().text,
                 "does not take the suggested difficulty 0.25: too low"));
  CHECK(talk.host.disconnects.empty());
  talk.line(R"({"id":null,"method":"mining.set_extranonce","params":["0a",3]})");
  talk.line(notify_line("a1", "01", true));
  CHECK_EQ(talk.host.works.back()->extranonce2_size, 3);
}

TEST_CASE("a difficulty that no pool could take is not suggested") {
  for (const double difficulty : {0.0, -1.0, 1e300}) {
    ClientOptions options;
    options.suggest_difficulty = difficulty;
    Conversation talk(options);
    talk.handshake();
    CHECK_EQ(talk.last_id("mining.suggest_difficulty"), 0);
  }
}

TEST_CASE("a pool that closes without a word is asked in fewer words, and then in all again") {
  Conversation talk;
  const auto words = [&] {
    talk.host.sent.clear();
    talk.client.on_disconnected();
    talk.client.on_connected(talk.now);
    return talk.host.sent.size();
  };
  CHECK_EQ(words(), 1);  // subscribe alone
  CHECK_EQ(words(), 2);
  CHECK_EQ(words(), 1);
  const auto work = work_after(talk, usual_result);
  REQUIRE(work);
  CHECK_EQ(talk.last_id("mining.extranonce.subscribe"), 0);
  CHECK_EQ(words(), 2);  // one that speaks is asked for everything
  REQUIRE(work_after(talk, usual_result));
  CHECK_EQ(words(), 2);  // and once it has understood that, always
  CHECK_EQ(words(), 2);
}

TEST_CASE("refused for who we are: said once, with the pool's reason, and a pause") {
  struct Row {
    std::string_view answer;
    std::string_view reason;
  };
  const Row rows[] = {
      {R"("result":false,"error":[24,"Unauthorized worker: invalid address",null])",
       "Unauthorized worker: invalid address"},
      {R"("result":false,"error":null)", "no reason given"},
      {R"("result":null,"error":"go away")", "go away"},
      {R"("result":null,"error":{"code":-1,"message":"banned"})", "banned"},
      {R"("result":null,"error":[24])", "24"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.answer);
    Conversation talk;
    talk.answer("mining.subscribe", "\"result\":" + std::string(usual_result) + ",\"error\":null");
    talk.answer("mining.authorize", row.answer);
    CHECK_FALSE(talk.client.is_authorized());
    REQUIRE_EQ(talk.host.disconnects.size(), 1);
    CHECK_GE(talk.host.disconnects[0], seconds(1));
    CHECK(contains(talk.host.last_problem(), "refused user \"bcrt1qaddress.rig1\": "));
    CHECK_MESSAGE(contains(talk.host.last_problem(), row.reason), talk.host.last_problem());
  }
}

}  // namespace
}  // namespace miner
