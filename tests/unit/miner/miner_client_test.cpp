// The client's conversation: golden server lines in, verbs out, at every fragment size.
#include "miner/miner_client.h"

#include "tests/unit/miner/conversation.h"
#include "tests/unit/miner/golden.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace miner {
namespace {

using namespace conversation;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("the handshake: configure and subscribe together, authorize after subscribe's answer") {
  Conversation talk;
  REQUIRE_EQ(talk.host.sent.size(), 2);
  CHECK(contains(talk.host.sent[0], "\"mining.configure\""));
  CHECK(contains(talk.host.sent[0], "\"1fffe000\""));
  CHECK(contains(talk.host.sent[1], "\"mining.subscribe\""));
  CHECK(contains(talk.host.sent[1], "phaseminer/test"));
  talk.line(configure_ok);
  CHECK_EQ(talk.host.sent.size(), 2);
  talk.line(subscribe_ok);
  REQUIRE_EQ(talk.host.sent.size(), 3);
  CHECK(contains(talk.host.sent[2], "\"mining.authorize\""));
  CHECK(contains(talk.host.sent[2], "\"bcrt1qaddress.rig1\",\"x\""));
  CHECK_FALSE(talk.client.is_authorized());
  talk.line(authorize_ok);
  CHECK(talk.client.is_authorized());
  CHECK(talk.host.works.empty());
}

TEST_CASE("a whole conversation comes out the same at every fragment size") {
  std::string stream;
  for (const std::string_view line :
       {configure_ok, subscribe_ok, authorize_ok, difficulty_low, golden::v1_notify_line}) {
    stream += std::string(line) + "\r\n\n";
  }
  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{10},
                                 std::size_t{100}, stream.size()}) {
    CAPTURE(size);
    Conversation talk;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      const std::string_view piece = std::string_view(stream).substr(at, size);
      talk.client.on_bytes(base::as_bytes(piece), talk.now);
    }
    REQUIRE_EQ(talk.host.works.size(), 1);
    const Work& work = *talk.host.works[0];
    CHECK_EQ(work.notify.job_id, "18468e1f5fa5cbaa");
    CHECK_EQ(base::to_hex(work.extranonce1), "fdf8b667");
    CHECK_EQ(work.extranonce2_size, 8);
    CHECK_EQ(work.difficulty.value(), 0.5);
    CHECK_EQ(work.share_target, bitcoin::Target256::from_difficulty(work.difficulty));
    CHECK_EQ(work.network_target, bitcoin::Target256::from_compact(0x1e0377ae).value());
    CHECK_EQ(work.version_mask, 0x1fffe000);
    CHECK(talk.host.disconnects.empty());
    CHECK_EQ(talk.client.counters().lines_not_understood, 0);
  }
}

TEST_CASE("a found share is submitted as the vectors have it, and its answer is counted") {
  Conversation talk;
  talk.line(configure_refused);
  talk.line(subscribe_ok);
  talk.line(authorize_ok);
  talk.line(golden::v1_notify_line);
  REQUIRE_EQ(talk.host.works.size(), 1);
  CHECK_FALSE(talk.host.works[0]->version_mask.has_value());
  FoundShare share = talk.share(true);
  share.nonce = golden::v1_nonce;
  talk.client.on_share(share, talk.now);
  REQUIRE_EQ(talk.host.sent.size(), 5);
  CHECK(contains(
      talk.host.sent[4],
      R"(["bcrt1qaddress.rig1","18468e1f5fa5cbaa","0000000000000000","67b6f938","f15f1590"])"));
  CHECK_EQ(talk.client.unanswered(), 1);
  talk.line(R"({"id":5,"result":true,"error":null})");
  CHECK_EQ(talk.client.unanswered(), 0);
  CHECK_EQ(talk.client.counters().accepted, 1);
  CHECK_EQ(talk.client.counters().blocks_found, 1);
  CHECK_EQ(talk.client.counters().blocks_accepted, 1);
  CHECK_EQ(talk.client.counters().difficulty_accepted, 1);
  CHECK_EQ(talk.client.counters().best_share, bitcoin::hash_difficulty(share.hash.bytes));
  REQUIRE_NE(talk.host.events.back().share, nullptr);
  CHECK_EQ(talk.host.events.back().share->nonce, golden::v1_nonce);
}

TEST_CASE("where rolling is granted, submit carries the job's own bits under the mask") {
  Conversation talk;
  talk.handshake();
  talk.line(golden::v1_notify_line);
  talk.client.on_share(talk.share(), talk.now);
  CHECK(contains(talk.host.sent.back(), R"("00001000","00000000"])"));
}

TEST_CASE("answers come in any order, unknown ones are passed over") {
  Conversation talk;
  talk.handshake();
  talk.line(golden::v1_notify_line);
  for (int i = 0; i < 3; ++i) talk.client.on_share(talk.share(), talk.now);  // ids 5, 6, 7
  talk.line(R"({"id":7,"result":true,"error":null})");
  talk.line(R"({"id":5,"result":false,"error":[23,"Low difficulty share\u001b[2J",null]})");
  CHECK_EQ(talk.client.unanswered(), 1);
  CHECK_EQ(talk.client.counters().accepted, 1);
  CHECK_EQ(talk.client.counters().rejected, 1);
  CHECK_EQ(talk.host.events.back().kind, ClientEventKind::rejected);
  CHECK_EQ(talk.host.events.back().text, "share rejected: Low difficulty share?[2J");
  CHECK_EQ(talk.client.counters().reject_reasons.counts().at("Low difficulty share?[2J"), 1);
  CHECK_NE(talk.host.events.back().share, nullptr);
  for (const char* line : {R"({"id":7,"result":true,"error":null})",     // a second time
                           R"({"id":99,"result":true,"error":null})",    // never asked
                           R"({"id":null,"result":true,"error":null})",  //
                           R"({"id":"x","result":true,"error":null})"}) {
    talk.line(line);
  }
  CHECK_EQ(talk.client.counters().accepted, 1);
  CHECK_EQ(talk.client.unanswered(), 1);
  CHECK(talk.host.disconnects.empty());
}

TEST_CASE("a job that comes before the answers waits for them") {
  Conversation talk;
  talk.line(golden::v1_notify_line);
  talk.line(subscribe_ok);
  CHECK(talk.host.works.empty());
  talk.line(authorize_ok);
  REQUIRE_EQ(talk.host.works.size(), 1);
  CHECK_EQ(base::to_hex(talk.host.works[0]->extranonce1), "fdf8b667");
}

TEST_CASE("set_difficulty and set_extranonce apply from the next job on") {
  Conversation talk;
  talk.handshake();
  talk.line(notify_line("1", "01", true));
  talk.line(difficulty_low);
  talk.line(R"({"id":null,"method":"mining.set_extranonce","params":["aabb",4]})");
  CHECK_EQ(talk.host.works.size(), 1);
  CHECK_EQ(talk.client.difficulty(), 1);
  talk.client.on_share(talk.share(), talk.now);  // still of the old difficulty
  talk.line(notify_line("2", "02", false));
  REQUIRE_EQ(talk.host.works.size(), 2);
  CHECK_EQ(talk.host.works[1]->difficulty.value(), 0.5);
  CHECK_EQ(base::to_hex(talk.host.works[1]->extranonce1), "aabb");
  CHECK_EQ(talk.host.works[1]->extranonce2_size, 4);
  talk.line(R"({"id":5,"result":true,"error":null})");
  CHECK_EQ(talk.client.counters().difficulty_accepted, 1);
}

TEST_CASE("a clean job drops what waits and what is still on its way; another job does not") {
  ClientOptions options;
  options.unanswered_max = 1;
  Conversation talk(options);
  talk.handshake();
  talk.line(notify_line("1", "01", true));
  for (int i = 0; i < 4; ++i) talk.client.on_share(talk.share(), talk.now);
  CHECK_EQ(talk.client.queued(), 3);
  const FoundShare late = talk.share();

  talk.line(notify_line("2", "02", false));  // the same tip: older shares still count
  CHECK_EQ(talk.client.queued(), 3);
  talk.client.on_share(late, talk.now);
  CHECK_EQ(talk.client.queued(), 4);

  talk.line(notify_line("3", "03", true));
  CHECK_EQ(talk.client.queued(), 0);
  CHECK_EQ(talk.client.counters().dropped_stale, 4);
  talk.client.on_share(late, talk.now);
  CHECK_EQ(talk.client.counters().dropped_stale, 5);

  talk.client.on_share(talk.share(), talk.now);
  CHECK_EQ(talk.client.queued(), 1);
  talk.line(notify_line("4", "04", false, "1"));  // another tip is clean, whatever the flag says
  CHECK_EQ(talk.client.queued(), 0);
}

TEST_CASE("unanswered shares and the queue are bounded, and blocks go first") {
  ClientOptions options;
  options.unanswered_max = 2;
  options.queued_max = 4;
  Conversation talk(options);
  talk.handshake();
  talk.line(notify_line("1", "01", true));
  CHECK_EQ(talk.client.appetite(), Appetite::shares);
  for (int i = 0; i < 20; ++i) talk.client.on_share(talk.share(), talk.now);
  CHECK_EQ(talk.host.submits(), 2);
  CHECK_EQ(talk.client.queued(), 4);
  CHECK_EQ(talk.client.counters().dropped_full, 14);
  CHECK_EQ(talk.client.appetite(), Appetite::blocks);
  for (int i = 0; i < 6; ++i) talk.client.on_share(talk.share(true), talk.now);
  CHECK_EQ(talk.client.queued(), 8);
  CHECK_EQ(talk.client.appetite(), Appetite::nothing);

  talk.line(R"({"id":5,"result":true,"error":null})");
  CHECK_EQ(talk.host.submits(), 3);
  CHECK_EQ(talk.client.counters().blocks_found, 1);
  CHECK_EQ(talk.client.unanswered(), 2);
}

TEST_CASE("a rate is kept to, over time and not in bursts") {
  ClientOptions options;
  options.shares_per_second_max = 20;
  Conversation talk(options);
  talk.handshake();
  talk.line(notify_line("1", "01", true));
  for (int i = 0; i < 100; ++i) talk.client.on_share(talk.share(), talk.now);
  for (int tick = 0; tick < 50; ++tick) talk.pass(milliseconds(20));
  CHECK_GE(talk.host.submits(), 19);
  CHECK_LE(talk.host.submits(), 22);
}

TEST_CASE("the same hash is never submitted twice, not even for another job or connection") {
  Conversation talk;
  talk.handshake();
  talk.line(notify_line("1", "01", true));
  FoundShare share = talk.share();
  talk.client.on_share(share, talk.now);
  talk.client.on_share(share, talk.now);
  CHECK_EQ(talk.host.submits(), 1);
  CHECK_EQ(talk.client.counters().dropped_repeat, 1);

  talk.client.on_disconnected();
  talk.client.on_connected(talk.now);  // ids go on: 6, 7, then 8
  talk.line(R"({"id":7,"result":[[["mining.notify","x"]],"fdf8b668",8],"error":null})");
  talk.line(R"({"id":8,"result":true,"error":null})");
  talk.line(notify_line("1", "01", true));
  share.work = talk.host.works.back();
  talk.client.on_share(share, talk.now);
  CHECK_EQ(talk.host.submits(), 1);
  CHECK_EQ(talk.client.counters().dropped_repeat, 2);
}

TEST_CASE("a job sent again under another name is the same search; another coinbase is not") {
  Conversation talk;
  talk.handshake();
  talk.line(notify_line("1", "01", true));
  talk.line(notify_line("2", "01", true));
  talk.line(notify_line("2", "01", false));
  talk.line(notify_line("2", "02", false));
  REQUIRE_EQ(talk.host.works.size(), 4);
  CHECK_EQ(talk.host.works[0]->search_id, talk.host.works[1]->search_id);
  CHECK_EQ(talk.host.works[0]->search_id, talk.host.works[2]->search_id);
  CHECK_NE(talk.host.works[0]->search_id, talk.host.works[3]->search_id);
}

TEST_CASE("a lost connection stops the work, forgets its shares, and the next one starts afresh") {
  Conversation talk;
  talk.handshake();
  talk.line(difficulty_low);
  talk.line(notify_line("1", "01", true));
  talk.client.on_share(talk.share(), talk.now);
  const FoundShare late = talk.share();
  talk.client.on_bytes(base::as_bytes(R"({"id":5,"resu)"), talk.now);  // half a line
  talk.client.on_disconnected();
  REQUIRE_EQ(talk.host.works.size(), 2);
  CHECK_EQ(talk.host.works[1], nullptr);
  CHECK_EQ(talk.client.counters().unanswered_lost, 0);  // its session may be resumed
  CHECK_EQ(talk.client.unanswered(), 1);
  talk.client.on_share(late, talk.now);
  CHECK_EQ(talk.client.counters().dropped_stale, 1);

  talk.host.sent.clear();
  talk.client.on_connected(talk.now);
  CHECK_EQ(talk.host.sent.size(), 2);
  talk.line(R"({"id":7,"result":[[["mining.notify","x"]],"00000002",4],"error":null})");
  talk.line(R"({"id":8,"result":true,"error":null})");
  talk.line(notify_line("9", "09", false));
  CHECK_EQ(talk.client.counters().unanswered_lost, 1);
  REQUIRE_EQ(talk.host.works.size(), 3);
  CHECK_EQ(talk.host.works[2]->difficulty.value(), 1);  // the old connection's does not linger
  CHECK_EQ(base::to_hex(talk.host.works[2]->extranonce1), "00000002");
  talk.client.on_share(late, talk.now);
  CHECK_EQ(talk.client.counters().dropped_stale, 2);
}

TEST_CASE("silence, an unfinished handshake and an unanswered share end the connection") {
  {
    Conversation talk;
    talk.pass(seconds(30));
    CHECK(talk.host.disconnects.empty());
    talk.pass(milliseconds(1));
    CHECK_EQ(talk.host.disconnects.size(), 1);
    CHECK(contains(talk.host.last_problem(), "did not answer subscribe within 30 s"));
  }
  {
    Conversation talk;
    talk.handshake();
    talk.line(notify_line("1", "01", true));
    talk.pass(seconds(90));
    CHECK(talk.host.disconnects.empty());
    talk.pass(milliseconds(1));
    CHECK_EQ(talk.host.disconnects.size(), 1);
    CHECK(contains(talk.host.last_problem(), "no word from the pool for 90 s"));
    CHECK_EQ(talk.host.works.back(), nullptr);
    talk.pass(seconds(500));  // told once
    CHECK_EQ(talk.host.disconnects.size(), 1);
  }
  {
    Conversation talk;
    talk.handshake();
    talk.line(notify_line("1", "01", true));
    talk.client.on_share(talk.share(), talk.now);
    talk.pass(seconds(60));
    talk.line(difficulty_low);  // the pool lives, but does not answer
    talk.pass(seconds(60));
    CHECK(talk.host.disconnects.empty());
    talk.pass(milliseconds(1));
    CHECK_EQ(talk.host.disconnects.size(), 1);
    CHECK(contains(talk.host.last_problem(), "did not answer a share"));
  }
}

TEST_CASE("refusals end the connection with the pool's reason and a pause") {
  struct Row {
    const char* why;
    std::vector<std::string_view> lines;
    const char* problem;
  };
  const Row rows[] = {
      {"subscribe refused",
       {R"({"id":2,"result":null,"error":[20,"full",null]})"},
       "refused to subscribe us: full"},
      {"authorize refused",
       {subscribe_ok, R"({"id":3,"result":false,"error":[24,"Unauthorized worker",null]})"},
       "refused user \"bcrt1qaddress.rig1\": Unauthorized worker"},
      {"authorize false without a reason",
       {subscribe_ok, R"({"id":3,"result":false,"error":null})"},
       "no reason given"},
      {"subscribe's answer is of another shape",
       {R"({"id":2,"result":[1],"error":null})"},
       "unusable answer to subscribe"},
      {"an extranonce1 of 33 bytes",
       {R"({"id":2,"result":[[],"000000000000000000000000000000000000000000000000000000000000000000",4],"error":null})"},
       "not at most 32 bytes"},
      {"an extranonce2 of 17 bytes", {R"({"id":2,"result":[[],"00",17],"error":null})"}, "17"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Conversation talk;
    for (const std::string_view line : row.lines) talk.line(line);
    CHECK_EQ(talk.host.disconnects.size(), 1);
    CHECK_MESSAGE(contains(talk.host.last_problem(), row.problem), talk.host.last_problem());
    talk.line(golden::v1_notify_line);  // what comes after is not heard
    CHECK(talk.host.works.empty());
  }
}

TEST_CASE("an unauthorized share's answer ends the connection, so that authorize runs again") {
  Conversation talk;
  talk.handshake();
  talk.line(notify_line("1", "01", true));
  talk.client.on_share(talk.share(), talk.now);
  talk.line(R"({"id":5,"result":false,"error":[24,"Unauthorized worker",null]})");
  CHECK_EQ(talk.client.counters().rejected, 1);
  CHECK_EQ(talk.host.disconnects.size(), 1);
}

TEST_CASE("a few garbage lines are passed over, many end the connection") {
  Conversation talk;
  talk.handshake();
  for (const char* line : {"HTTP/1.1 400 Bad Request", "[]", "{", "\x16\x03\x01", "null", "{}}"}) {
    talk.line(line);
  }
  CHECK(talk.host.disconnects.empty());
  talk.line(R"({"id":null,"method":"mining.unheard_of","params":[]})");
  talk.line(R"({"id":null,"method":"mining.notify","params":["1","zz"]})");
  CHECK(contains(talk.host.last_problem(), "unusable mining.notify"));
  talk.line(notify_line("1", "01", true));
  CHECK_EQ(talk.host.works.size(), 1);
  talk.line("x");
  CHECK(talk.host.disconnects.empty());
  talk.line("x");
  CHECK_EQ(talk.host.disconnects.size(), 1);
  CHECK(contains(talk.host.last_problem(), "does not speak Stratum"));
}

TEST_CASE("a line without an end is given up, whatever its pieces") {
  Conversation talk;
  const std::string piece(10000, 'x');
  for (int i = 0; i < 30 && talk.host.disconnects.empty(); ++i) {
    talk.client.on_bytes(base::as_bytes(piece), talk.now);
  }
  CHECK_EQ(talk.host.disconnects.size(), 1);
}

TEST_CASE("rolled bits are submitted; a new mask applies to the job at hand, and to what waits") {
  ClientOptions options;
  options.unanswered_max = 1;
  Conversation talk(options);
  talk.handshake();
  talk.line(golden::v1_notify_line);
  REQUIRE_EQ(talk.host.works.size(), 1);
  const std::uint64_t search_id = talk.host.works[0]->search_id;
  FoundShare low = talk.share();
  low.version_bits = 0x00006000;
  talk.client.on_share(low, talk.now);
  CHECK(contains(talk.host.sent.back(), "\"00006000\"]"));
  FoundShare high = talk.share();  // waits for the first one's answer
  high.version_bits = 0x10000000;
  talk.client.on_share(high, talk.now);
  CHECK_EQ(talk.host.submits(), 1);

  talk.line(R"({"id":null,"method":"mining.set_version_mask","params":["00ffe000"]})");
  REQUIRE_EQ(talk.host.works.size(), 2);
  CHECK_EQ(talk.host.works[1]->version_mask, 0x00ffe000);
  CHECK_NE(talk.host.works[1]->search_id, search_id);  // the units are others
  CHECK_EQ(talk.host.works[1]->notify.job_id, talk.host.works[0]->notify.job_id);
  talk.answer("mining.submit", Conversation::yes);
  CHECK_EQ(talk.host.submits(), 1);
  CHECK_EQ(talk.client.counters().dropped_stale, 1);

  talk.line(R"({"id":null,"method":"mining.set_version_mask","params":["00ffe000"]})");
  CHECK_EQ(talk.host.works.size(), 2);
}

TEST_CASE("a share waits for another mask: judged by the version that was hashed") {
  struct Row {
    std::uint32_t bits;  // under the first mask
    std::string_view sent;
  };
  // The job's version is 20002000, so it has a bit under the first mask alone.
  const Row rows[] = {{0x4000, ""}, {0x2000, "\"00000000\"]"}, {0x6000, "\"00004000\"]"}};
  for (const Row& row : rows) {
    CAPTURE(row.bits);
    ClientOptions options;
    options.unanswered_max = 1;
    Conversation talk(options);
    talk.handshake();
    std::string notify = notify_line("a1", "01", true);
    notify.replace(notify.find("20000000"), 8, "20002000");
    talk.line(notify);
    talk.client.on_share(talk.share(), talk.now);
    FoundShare waiting = talk.share();
    waiting.version_bits = row.bits;
    talk.client.on_share(waiting, talk.now);
    REQUIRE_EQ(talk.host.submits(), 1);
    talk.line(R"({"id":null,"method":"mining.set_version_mask","params":["0000c000"]})");
    talk.answer("mining.submit", Conversation::yes);
    CHECK_EQ(talk.host.submits(), row.sent.empty() ? 1 : 2);
    CHECK_EQ(talk.client.counters().dropped_stale, row.sent.empty() ? 1 : 0);
    if (!row.sent.empty()) CHECK(contains(talk.host.sent.back(), row.sent));
  }
}

TEST_CASE("the pool's other words: ping, version, message, reconnect") {
  Conversation talk;
  talk.handshake();
  talk.line(R"({"id":17,"method":"mining.ping","params":[]})");
  CHECK(contains(talk.host.sent.back(), "\"pong\""));
  CHECK(contains(talk.host.sent.back(), "17"));
  talk.line(R"({"id":18,"method":"client.get_version","params":[]})");
  CHECK(contains(talk.host.sent.back(), "phaseminer/test"));
  talk.line(R"({"id":null,"method":"client.show_message","params":["hello\n\u0007world"]})");
  CHECK_EQ(talk.host.events.back().text, "pool: hello??world");
}

TEST_CASE("a pause the pool asks for is bounded") {
  Conversation talk;
  talk.handshake();
  talk.line(R"({"id":null,"method":"client.reconnect","params":["",0,600]})");
  REQUIRE_EQ(talk.host.disconnects.size(), 1);
  CHECK_EQ(talk.host.disconnects[0], seconds(60));
}

}  // namespace
}  // namespace miner
