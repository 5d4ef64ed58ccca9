// What becomes of shares whose connection ended: over a session that the pool takes up again, and
// otherwise.
#include "miner/miner_client.h"

#include "tests/unit/miner/conversation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace miner {
namespace {

using namespace conversation;

constexpr std::string_view same_extranonce1 = "fdf8b667";
constexpr std::string_view other_extranonce1 = "fdf8b668";

std::vector<std::string> submits_of(const RecordingHost& host) {
  std::vector<std::string> found;
  for (const std::string& line : host.sent) {
    if (contains(line, "mining.submit")) found.push_back(line.substr(line.find("\"params\"")));
  }
  return found;
}

// Two shares without an answer, one that waits behind them.
struct WithShares : Conversation {
  explicit WithShares(ClientOptions options = {}) : Conversation(two_at_once(std::move(options))) {
    handshake();
    line(notify_line("a1", "01", true));
    for (int i = 0; i < 3; ++i) client.on_share(share(), now);
    REQUIRE_EQ(host.submits(), 2);
    REQUIRE_EQ(client.queued(), 1);
  }
  static ClientOptions two_at_once(ClientOptions options) {
    options.unanswered_max = 2;
    return options;
  }
};

TEST_CASE("the session is asked for by its subscription's id") {
  Conversation talk;
  CHECK_FALSE(contains(talk.host.sent[1], "6an"));
  talk.handshake();
  talk.client.on_disconnected();
  talk.client.on_connected(talk.now);
  CHECK(contains(talk.host.sent.back(), R"("params":["phaseminer/test","6an"])"));
}

TEST_CASE("resumed at the same tip: shares go out again, byte for byte, and those that waited") {
  WithShares talk;
  const auto first = submits_of(talk.host);
  talk.client.on_disconnected();
  CHECK_EQ(talk.client.unanswered(), 2);
  CHECK_FALSE(talk.client.awaits_answers());  // nobody is there to answer
  talk.come_back(same_extranonce1);
  CHECK_EQ(talk.host.submits(), 2);  // not before the pool has told its tip
  talk.line(notify_line("a2", "02", true));
  CHECK_EQ(talk.host.submits(), 4);
  CHECK_EQ(submits_of(talk.host)[2], first[0]);
  CHECK_EQ(submits_of(talk.host)[3], first[1]);
  CHECK(contains(talk.host.events.back().text, "session resumed: 3 shares"));

  const std::uint64_t newest = talk.last_id("mining.submit");
  const auto answer_to = [&](std::uint64_t id, std::string_view rest) {
    talk.line("{\"id\":" + std::to_string(id) + "," + std::string(rest) + "}");
  };
  answer_to(newest - 1, R"("result":true,"error":null)");
  CHECK_EQ(talk.host.submits(), 5);  // the one that had waited
  answer_to(newest, R"("result":null,"error":[22,"Duplicate share",null])");
  talk.answer("mining.submit", Conversation::yes);
  const ClientCounters& counters = talk.client.counters();
  CHECK_EQ(counters.resubmitted, 2);
  CHECK_EQ(counters.resubmitted_known, 1);  // the pool had it: neither accepted now nor rejected
  CHECK_EQ(counters.accepted, 2);
  CHECK_EQ(counters.rejected, 0);
  CHECK_EQ(counters.unanswered_lost, 0);
  CHECK_EQ(counters.dropped_stale, 0);
}

TEST_CASE("not resumed, or of no more use: nothing goes out again, and all is counted") {
  struct Row {
    const char* why;
    std::string_view extranonce1;
    std::string notify;
  };
  const Row rows[] = {
      {"another extranonce1", other_extranonce1, notify_line("a2", "01", true)},
      {"another tip meanwhile", same_extranonce1, notify_line("a2", "01", false, "1")},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    WithShares talk;
    talk.come_back(row.extranonce1);
    talk.line(row.notify);
    CHECK_EQ(talk.host.submits(), 2);
    CHECK_EQ(talk.client.counters().unanswered_lost, 2);
    CHECK_EQ(talk.client.counters().dropped_stale, 1);
    CHECK_EQ(talk.client.counters().resubmitted, 0);
    CHECK_EQ(talk.client.unanswered(), 0);
  }
}

TEST_CASE("they wait for two minutes, over any number of attempts, and no longer") {
  for (const bool in_time : {true, false}) {
    WithShares talk;
    talk.client.on_disconnected();
    for (int i = 0; i < 3; ++i) {
      talk.client.on_connected(talk.now);  // ends before a word
      talk.pass(seconds(20));
      talk.client.on_disconnected();
      talk.pass(seconds(in_time ? 20 : 21));
    }
    CHECK_EQ(talk.client.counters().unanswered_lost, in_time ? 0 : 2);
    talk.come_back(same_extranonce1);
    talk.line(notify_line("a2", "01", true));
    CHECK_EQ(talk.client.counters().resubmitted, in_time ? 2 : 0);
  }
}

TEST_CASE("the end, or no window: what waits is lost at once") {
  WithShares talk;
  talk.client.on_disconnected();
  talk.client.end();
  CHECK_EQ(talk.client.counters().unanswered_lost, 2);
  CHECK_EQ(talk.client.counters().dropped_stale, 1);

  ClientOptions options;
  options.resume_window = seconds(0);
  WithShares without(options);
  without.client.on_disconnected();
  CHECK_EQ(without.client.counters().unanswered_lost, 2);
  CHECK_EQ(without.client.counters().dropped_stale, 1);
}

TEST_CASE("a pool without sessions, or with an endless id for one: never asked, never resumed") {
  const std::string endless = "[[\"mining.notify\",\"" + std::string(129, 'a') + "\"]]";
  for (const std::string& subscriptions : {std::string("[]"), endless}) {
    Conversation talk;
    const auto subscribe = [&] {
      talk.answer("mining.subscribe",
                  "\"result\":[" + subscriptions + R"(,"fdf8b667",8],"error":null)");
      talk.answer("mining.authorize", Conversation::yes);
      talk.line(notify_line("a1", "01", true));
    };
    subscribe();
    talk.client.on_share(talk.share(), talk.now);
    talk.client.on_disconnected();
    CHECK_EQ(talk.client.counters().unanswered_lost, 1);
    talk.client.on_connected(talk.now);
    CHECK(contains(talk.host.sent.back(), R"("params":["phaseminer/test"])"));
    subscribe();
    CHECK_EQ(talk.host.submits(), 1);
  }
}

TEST_CASE("blocks of a resumed session go first") {
  ClientOptions options;
  options.unanswered_max = 1;
  Conversation talk(options);
  talk.handshake();
  talk.line(notify_line("a1", "01", true));
  const FoundShare share = talk.share();
  const FoundShare block = talk.share(true);
  talk.client.on_share(share, talk.now);
  talk.client.on_share(talk.share(), talk.now);
  talk.client.on_share(block, talk.now);
  talk.come_back(same_extranonce1);
  talk.line(notify_line("a1", "01", true));
  CHECK(contains(talk.host.sent.back(), base::u32_hex(block.nonce)));
  talk.answer("mining.submit", Conversation::yes);
  CHECK_EQ(talk.client.counters().blocks_accepted, 1);
  CHECK_EQ(talk.client.counters().blocks_found, 1);
  CHECK(contains(talk.host.sent.back(), base::u32_hex(share.nonce)));
}

}  // namespace
}  // namespace miner
