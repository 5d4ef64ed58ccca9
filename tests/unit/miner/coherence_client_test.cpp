// The coherence half of the conversation: a scripted pool's lines in, verbs out.
#include "miner/coherence_client.h"

#include "common/stratum/codec.h"
#include "tests/unit/miner/conversation.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace miner {
namespace {

using namespace conversation;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view granted =
    R"({"id":1,"result":{"coherence":true,"coherence.version":1},"error":null})";
constexpr std::string_view both_granted =
    R"({"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000",)"
    R"("coherence":true,"coherence.version":1},"error":null})";
constexpr std::string_view set_extranonce =
    R"({"id":null,"method":"coherence.set_extranonce","params":["0102030405060708"]})";

std::string set_target(int zero_digits) {
  return R"({"id":null,"method":"coherence.set_target","params":[")" +
         std::string(static_cast<std::size_t>(zero_digits), '0') +
         std::string(static_cast<std::size_t>(64 - zero_digits), 'f') + "\"]}";
}

// prev_hash is `tip` repeated; bits 1f00ffff.
std::string notify(std::string_view job, std::string_view tip, bool clean,
                   std::string_view height = ",5", std::string_view params = "00010001") {
  std::string header = "01000000";
  for (int i = 0; i < 32; ++i) header += tip;
  header += std::string(64, 'e') + "78563412" + "ffff001f";
  return fmt::format(R"({{"id":null,"method":"coherence.notify","params":["{}","{}","{}",{}{}]}})",
                     job, header, params, clean, height);
}

ClientOptions coherence_only() {
  ClientOptions options;
  options.sha256d = false;
  options.coherence = true;
  return options;
}
ClientOptions both_kinds() {
  ClientOptions options;
  options.coherence = true;
  return options;
}

struct Talk : Conversation {
  explicit Talk(ClientOptions options = coherence_only()) : Conversation(std::move(options)) {}

  void begin() {
    line(granted);
    line(subscribe_ok);
    line(authorize_ok);
    line(set_extranonce);
    line(set_target(3));
    line(notify("a1", "11", true));
    REQUIRE_EQ(host.coherence_works.size(), 1);
  }
  const CoherenceClient& half() const { return *client.coherence(); }
  const CoherenceCounters& counters() const { return half().counters(); }
  std::size_t submits() const { return host.submits("coherence.submit"); }
  // Unlike any before.
  FoundProof proof(bool is_block = false) {
    FoundProof found;
    found.work = host.coherence_works.back();
    found.claim = {++attempt, 5660, 58321, 22086, {}};
    found.claim.cert_hash.fill(0xcc);
    base::write_le64(found.work_hash, attempt);
    found.is_block = is_block;
    return found;
  }
  void answer(std::size_t id, std::string_view result, std::string_view error = "null") {
    line(fmt::format(R"({{"id":{},"result":{},"error":{}}})", id, result, error));
  }
  // The id of what was sent last.
  std::size_t last_id() const {
    const auto request = stratum::parse_request(host.sent.back());
    REQUIRE(request.has_value());
    return std::stoul(request->id.json);
  }
  std::uint64_t attempt = 0;
};

constexpr std::string_view busy = R"([20,"Verifiers are busy: submit it again",null])";

TEST_CASE("the extension is asked for, alone or beside version rolling") {
  const Talk alone;
  CHECK(contains(alone.host.sent[0], R"([["coherence"],{"coherence.version":1,)"
                                     R"("coherence.only":true}])"));
  const Talk beside(both_kinds());
  CHECK(contains(beside.host.sent[0], R"(["version-rolling","coherence"])"));
  CHECK(contains(beside.host.sent[0], R"("coherence.version":1)"));
  CHECK_FALSE(contains(beside.host.sent[0], "coherence.only"));
  const Conversation neither;
  CHECK_FALSE(contains(neither.host.sent[0], "coherence"));
  CHECK_EQ(neither.client.coherence(), nullptr);
}

TEST_CASE("a job is taken up with the connection's extranonce and the target before it") {
  Talk talk;
  talk.begin();
  CHECK(talk.half().is_granted());
  CHECK(talk.client.is_mining());
  const CoherenceWork& work = *talk.host.coherence_works[0];
  CHECK_EQ(work.job_id, "a1");
  CHECK_EQ(work.job.extranonce, 0x0102030405060708);
  CHECK_EQ(work.job.params, 0x00010001);
  CHECK_EQ(work.level, 1);
  CHECK_EQ(work.job.header[0], 1);
  CHECK_EQ(work.job.header[4], 0x11);
  CHECK(work.height == 5);
  CHECK_EQ(work.target, base::U256::max() >> 12);
  CHECK_EQ(work.block_target, base::U256(0xffff) << 224);
  CHECK(hash_difficulty(work.target) == doctest::Approx(4096));
}

TEST_CASE("what comes in another order waits for what it needs") {
  Talk talk;
  talk.line(notify("a0", "11", true));
  talk.line(notify("a1", "11", true));
  talk.line(set_target(3));
  talk.line(granted);
  talk.line(set_extranonce);
  talk.line(subscribe_ok);
  CHECK(talk.host.coherence_works.empty());
  talk.line(authorize_ok);
  REQUIRE_EQ(talk.host.coherence_works.size(), 1);
  CHECK_EQ(talk.host.coherence_works[0]->job_id, "a1");  // the newest alone
}

TEST_CASE("a new target and a new extranonce hold from the next job on") {
  Talk talk;
  talk.begin();
  talk.line(set_target(2));
  talk.line(R"({"id":null,"method":"coherence.set_extranonce","params":["00000000000000ff"]})");
  CHECK_EQ(talk.host.coherence_works.size(), 1);
  talk.line(notify("a2", "11", false, ""));
  REQUIRE_EQ(talk.host.coherence_works.size(), 2);
  const CoherenceWork& work = *talk.host.coherence_works[1];
  CHECK_EQ(work.target, base::U256::max() >> 8);
  CHECK_EQ(work.job.extranonce, 255);
  CHECK_FALSE(work.height);  // a pool may leave it out
}

TEST_CASE("a proof is submitted to the letter, and counted when it is accepted") {
  Talk talk;
  talk.begin();
  talk.client.on_proof(talk.proof(true), talk.now);
  CHECK_EQ(talk.host.sent.back(),
           R"({"id":4,"method":"coherence.submit","params":["bcrt1qaddress.rig1","a1",)"
           R"("0000000000000001",5660,58321,22086,")" +
               std::string([] {
                 std::string hex;
                 for (int i = 0; i < 64; ++i) hex += 'c';
                 return hex;
               }()) +
               "\"]}\n");
  CHECK_EQ(talk.half().unanswered(), 1);
  CHECK(talk.client.awaits_answers());
  talk.answer(4, "true");
  CHECK_EQ(talk.counters().accepted, 1);
  CHECK_EQ(talk.counters().blocks_accepted, 1);
  CHECK(talk.counters().work_accepted == doctest::Approx(3085.0 * 4096));
  CHECK_FALSE(talk.client.awaits_answers());
}

TEST_CASE("answers come in any order, by their ids") {
  Talk talk(both_kinds());
  talk.line(both_granted);
  talk.line(subscribe_ok);
  talk.line(authorize_ok);
  talk.line(set_extranonce);
  talk.line(set_target(3));
  talk.line(notify("a1", "11", true));
  talk.line(R"({"id":null,"method":"mining.notify","params":["b1",")" + std::string(64, '0') +
            R"(","01","00",[],"20000000","207fffff","67b6f938",true]})");
  REQUIRE_EQ(talk.host.works.size(), 1);
  talk.client.on_proof(talk.proof(), talk.now);
  const std::size_t first = talk.last_id();
  talk.client.on_share(talk.share(), talk.now);
  const std::size_t share = talk.last_id();
  talk.client.on_proof(talk.proof(), talk.now);
  const std::size_t second = talk.last_id();
  talk.answer(second, "false", R"([23,"Low difficulty share",null])");
  talk.answer(share, "true");
  talk.answer(first, "true");
  talk.answer(first, "true");  // twice: nobody's
  CHECK_EQ(talk.counters().accepted, 1);
  CHECK_EQ(talk.counters().rejected, 1);
  CHECK_EQ(talk.client.counters().accepted, 1);
  CHECK_EQ(talk.client.counters().rejected, 0);
}

TEST_CASE("busy verifiers: submitted again, later each time, and given up after the last") {
  Talk talk;
  talk.begin();
  const FoundProof proof = talk.proof();
  talk.client.on_proof(proof, talk.now);
  std::size_t id = talk.last_id();
  milliseconds pause{200};
  for (int retry = 1; retry <= 6; ++retry) {
    talk.answer(id, "false", busy);
    CHECK_EQ(talk.half().unanswered(), 1);
    talk.pass(pause - milliseconds(1));
    CHECK_EQ(talk.submits(), retry);
    talk.pass(milliseconds(1));
    REQUIRE_EQ(talk.submits(), retry + 1);
    CHECK_NE(talk.last_id(), id);
    CHECK(contains(talk.host.sent.back(), R"("a1","0000000000000001",5660)"));
    id = talk.last_id();
    pause *= 2;
  }
  talk.answer(id, "false", busy);
  CHECK_EQ(talk.counters().dropped_busy, 1);
  CHECK_EQ(talk.counters().retries, 6);
  CHECK_EQ(talk.counters().rejected, 0);
  CHECK_EQ(talk.half().unanswered(), 0);

  talk.client.on_proof(talk.proof(), talk.now);
  talk.answer(talk.last_id(), "false", busy);
  talk.pass(milliseconds(200));
  talk.answer(talk.last_id(), "true");
  CHECK_EQ(talk.counters().accepted, 1);
}

TEST_CASE("a retry that is over when it is due is not submitted") {
  Talk talk;
  talk.begin();
  talk.client.on_proof(talk.proof(), talk.now);
  const std::size_t first = talk.last_id();
  talk.client.on_proof(talk.proof(), talk.now);
  const std::size_t second = talk.last_id();
  talk.answer(first, "false", busy);
  talk.line(notify("a2", "22", false));  // another prev_hash is a clean job whatever its flag says
  talk.answer(second, "false", busy);
  CHECK_EQ(talk.counters().dropped_stale, 2);
  talk.pass(seconds(30));
  CHECK_EQ(talk.submits(), 2);
}

TEST_CASE("no proof is submitted twice") {
  Talk talk;
  talk.begin();
  const FoundProof proof = talk.proof();
  talk.client.on_proof(proof, talk.now);
  talk.client.on_proof(proof, talk.now);
  talk.answer(talk.last_id(), "true");
  talk.client.on_proof(proof, talk.now);
  CHECK_EQ(talk.submits(), 1);
  CHECK_EQ(talk.counters().dropped_repeat, 2);
}

TEST_CASE("proofs from before a clean job are dropped; after one that is not they are welcome") {
  Talk talk;
  talk.begin();
  const FoundProof early = talk.proof();
  talk.line(notify("a2", "11", false));
  talk.client.on_proof(early, talk.now);
  CHECK_EQ(talk.submits(), 1);
  CHECK(contains(talk.host.sent.back(), "\"a1\""));
  talk.line(notify("a3", "11", true));
  FoundProof stale = talk.proof();
  stale.work = early.work;
  talk.client.on_proof(stale, talk.now);
  CHECK_EQ(talk.submits(), 1);
  CHECK_EQ(talk.counters().dropped_stale, 1);
}

TEST_CASE("few are unanswered at a time, few wait, and blocks go first") {
  Talk talk;
  talk.begin();
  for (int i = 0; i < 32 + 64; ++i) talk.client.on_proof(talk.proof(), talk.now);
  CHECK_EQ(talk.submits(), 32);
  CHECK_EQ(talk.half().queued(), 64);
  CHECK_EQ(talk.half().appetite(), Appetite::blocks);
  talk.client.on_proof(talk.proof(), talk.now);
  CHECK_EQ(talk.counters().dropped_full, 1);

  const std::size_t last = talk.last_id();
  for (std::size_t id = last - 31; id <= last - 30; ++id) talk.answer(id, "true");
  CHECK_EQ(talk.submits(), 34);
  talk.answer(last - 29, "false", busy);  // still counts as unanswered
  CHECK_EQ(talk.submits(), 34);
  talk.client.on_proof(talk.proof(true), talk.now);
  CHECK_EQ(talk.submits(), 35);
  CHECK(contains(talk.host.sent.back(), fmt::format("\"{:016x}\"", talk.attempt)));  // the block
  CHECK_EQ(talk.counters().blocks_found, 1);
  CHECK_EQ(talk.half().queued(), 62);
  talk.answer(last - 28, "true");  // the block has taken its place
  CHECK_EQ(talk.submits(), 35);
}

TEST_CASE("a full queue of other proofs keeps no block out; blocks are bounded among themselves") {
  Talk talk;
  talk.begin();
  for (int i = 0; i < 32 + 64; ++i) talk.client.on_proof(talk.proof(), talk.now);
  const std::size_t last = talk.last_id();
  for (std::size_t id = last - 31; id <= last; ++id) talk.answer(id, "false", busy);
  CHECK_EQ(talk.half().unanswered(), 32);
  for (int i = 0; i < 32; ++i) talk.client.on_proof(talk.proof(true), talk.now);
  CHECK_EQ(talk.submits(), 32 + 32);
  CHECK_EQ(talk.half().unanswered(), 64);
  for (int i = 0; i < 31; ++i) talk.client.on_proof(talk.proof(true), talk.now);
  CHECK_EQ(talk.half().appetite(), Appetite::blocks);
  for (int i = 31; i < 65; ++i) talk.client.on_proof(talk.proof(true), talk.now);
  CHECK_EQ(talk.half().appetite(), Appetite::nothing);
  CHECK_EQ(talk.submits(), 64);
  CHECK_EQ(talk.half().queued(), 64 + 64);
  CHECK_EQ(talk.counters().dropped_full, 1);
  talk.line(notify("a2", "11", true));
  CHECK_EQ(talk.half().queued(), 0);
  CHECK_EQ(talk.half().appetite(), Appetite::shares);
  CHECK_EQ(talk.counters().dropped_stale, 32 + 64 + 64);
}

TEST_CASE("busy verifiers: a block is submitted again until its job is over") {
  Talk talk;
  talk.begin();
  talk.client.on_proof(talk.proof(true), talk.now);
  const auto alive = [&] {
    talk.line(R"({"id":null,"method":"client.show_message","params":["alive"]})");
  };
  for (int retry = 0; retry < 6; ++retry) {
    talk.answer(talk.last_id(), "false", busy);
    talk.pass(milliseconds(200 << retry));
  }
  std::size_t submits = talk.submits();
  CHECK_EQ(submits, 7);
  for (int retry = 0; retry < 60; ++retry) {
    talk.answer(talk.last_id(), "false", busy);
    talk.pass(milliseconds(6399));
    REQUIRE_EQ(talk.submits(), submits);
    talk.pass(milliseconds(1));
    REQUIRE_EQ(talk.submits(), ++submits);
    alive();
  }
  CHECK_EQ(talk.counters().dropped_busy, 0);
  CHECK_EQ(talk.counters().blocks_found, 1);
  talk.answer(talk.last_id(), "false", busy);
  talk.line(notify("a2", "22", true));
  talk.pass(seconds(30));
  CHECK_EQ(talk.submits(), submits);
  CHECK_EQ(talk.counters().dropped_stale, 1);
}

TEST_CASE("a rate that is set is kept to") {
  ClientOptions options = coherence_only();
  options.shares_per_second_max = 10;
  Talk talk(options);
  talk.begin();
  talk.pass(seconds(5));
  for (int i = 0; i < 30; ++i) talk.client.on_proof(talk.proof(), talk.now);
  CHECK_EQ(talk.submits(), 1);
  for (int i = 0; i < 10; ++i) talk.pass(milliseconds(101));
  CHECK_EQ(talk.submits(), 11);
}

TEST_CASE("a rate that is set is kept to by retries as well, blocks first") {
  ClientOptions options = coherence_only();
  options.shares_per_second_max = 1;
  Talk talk(options);
  talk.begin();
  const auto sent_attempt = [&](std::uint64_t attempt) {
    return contains(talk.host.sent.back(), fmt::format("\"{:016x}\"", attempt));
  };
  talk.pass(milliseconds(1001));
  talk.client.on_proof(talk.proof(), talk.now);
  talk.answer(talk.last_id(), "false", busy);
  talk.pass(milliseconds(500));  // due, but not allowed
  CHECK_EQ(talk.submits(), 1);
  talk.client.on_proof(talk.proof(), talk.now);
  talk.client.on_proof(talk.proof(true), talk.now);
  CHECK_EQ(talk.submits(), 1);
  talk.pass(milliseconds(501));
  CHECK_EQ(talk.submits(), 2);
  CHECK(sent_attempt(3));  // the block
  talk.answer(talk.last_id(), "false", busy);
  talk.pass(milliseconds(1001));
  CHECK_EQ(talk.submits(), 3);
  CHECK(sent_attempt(3));  // again
  talk.answer(talk.last_id(), "true");
  talk.pass(milliseconds(1001));
  CHECK(sent_attempt(1));
  talk.pass(milliseconds(1001));
  CHECK(sent_attempt(2));
  CHECK_EQ(talk.submits(), 5);
}

TEST_CASE("unusable messages change nothing") {
  Talk talk;
  talk.begin();
  for (const std::string& line :
       {std::string(R"({"id":null,"method":"coherence.set_extranonce","params":["1"]})"),
        std::string(R"({"id":null,"method":"coherence.set_extranonce","params":[7]})"),
        std::string(R"({"id":null,"method":"coherence.set_target","params":["ff"]})"),
        std::string(R"({"id":null,"method":"coherence.set_target","params":[]})"),
        std::string(R"({"id":null,"method":"coherence.notify","params":["x"]})"),
        notify("a2", "11", true, ",-1"), notify("a2", "g1", true)}) {
    CAPTURE(line);
    talk.line(line);
  }
  CHECK_EQ(talk.client.counters().lines_not_understood, 7);
  CHECK_EQ(talk.host.coherence_works.size(), 1);
  CHECK(talk.host.disconnects.empty());
}

TEST_CASE("a job of another kind or level is told, and nothing is mined for it") {
  for (const char* params : {"00020001", "00010006", "00000001"}) {
    CAPTURE(params);
    Talk talk;
    talk.begin();
    talk.line(notify("a2", "11", true, ",5", params));
    REQUIRE_EQ(talk.host.coherence_works.size(), 2);
    CHECK_EQ(talk.host.coherence_works[1], nullptr);
    CHECK(contains(talk.host.last_problem(), params));
    CHECK_FALSE(talk.client.is_mining());
    talk.line(notify("a3", "11", true));
    CHECK(talk.host.coherence_works.back() != nullptr);
  }
}

TEST_CASE("a pool that refuses is told of once, and asked again on the same connection") {
  for (const std::string_view refusal :
       {std::string_view(R"({"id":1,"result":{"coherence":false},"error":null})"),
        std::string_view(R"({"id":1,"result":{"version-rolling":false},"error":null})"),
        std::string_view(
            R"({"id":1,"result":{"coherence":true,"coherence.version":2},"error":null})"),
        configure_refused, std::string_view()}) {
    CAPTURE(refusal);
    Talk talk;
    if (!refusal.empty()) talk.line(refusal);
    talk.line(subscribe_ok);
    talk.line(authorize_ok);
    const std::size_t sent = talk.host.sent.size();
    const auto pass_seconds = [&](int count) {
      for (int i = 0; i < count; ++i) {
        talk.pass(seconds(1));
        talk.line(R"({"id":null,"method":"client.show_message","params":["alive"]})");
      }
    };
    // After 2, 4, 8, 16, 32 and 60 s, each a moment later, and every minute from then on.
    pass_seconds(2);
    CHECK_EQ(talk.host.sent.size(), sent);
    pass_seconds(1);
    REQUIRE_EQ(talk.host.sent.size(), sent + 1);
    pass_seconds(4 + 8 + 16 + 32 + 60 + 5);
    CHECK_EQ(talk.host.sent.size(), sent + 6);
    pass_seconds(60);
    CHECK_EQ(talk.host.sent.size(), sent + 6);
    pass_seconds(1);
    REQUIRE_EQ(talk.host.sent.size(), sent + 7);
    CHECK(contains(talk.host.sent.back(), R"("mining.configure","params":[["coherence"])"));
    CHECK(contains(talk.host.last_problem(), "no coherence work"));
    const auto problems =
        std::count_if(talk.host.events.begin(), talk.host.events.end(),
                      [](const auto& event) { return event.kind == ClientEventKind::problem; });
    CHECK_EQ(problems, 1);

    talk.answer(talk.last_id(), R"({"coherence":true,"coherence.version":1})");
    CHECK(talk.half().is_granted());
    talk.line(set_extranonce);
    talk.line(set_target(3));
    talk.line(notify("a1", "11", true));
    CHECK(talk.client.is_mining());
    pass_seconds(80);
    CHECK_EQ(talk.host.sent.size(), sent + 7);
  }
}

TEST_CASE("only coherence work: jobs to hash are not taken") {
  Talk talk;
  talk.begin();
  talk.line(difficulty_low);
  talk.line(R"({"id":null,"method":"mining.notify","params":["b1",")" + std::string(64, '0') +
            R"(","01","00",[],"20000000","207fffff","67b6f938",true]})");
  CHECK(talk.host.works.empty());
  CHECK_EQ(talk.client.counters().jobs, 0);
}

TEST_CASE(
    "a lost connection ends the work and everything that waits; the next starts from nothing") {
  Talk talk;
  talk.begin();
  for (int i = 0; i < 40; ++i) talk.client.on_proof(talk.proof(), talk.now);
  talk.answer(talk.last_id(), "false", busy);
  FoundProof late = talk.proof();
  talk.client.on_disconnected();
  CHECK_EQ(talk.host.coherence_works.back(), nullptr);
  CHECK_EQ(talk.counters().unanswered_lost, 31);
  CHECK_EQ(talk.counters().dropped_stale, 8 + 1);
  talk.client.on_proof(late, talk.now);
  CHECK_EQ(talk.counters().dropped_stale, 10);

  talk.client.on_connected(talk.now);
  const std::size_t works = talk.host.coherence_works.size();
  const std::size_t id = talk.last_id();  // of subscribe
  talk.answer(id - 1, R"({"coherence":true,"coherence.version":1})");
  talk.answer(id, R"([[["mining.notify","6an"]],"fdf8b667",8])");
  talk.line(fmt::format(R"({{"id":{},"result":true,"error":null}})", talk.last_id()));
  talk.line(set_target(3));
  talk.line(notify("a9", "11", true));
  CHECK_EQ(talk.host.coherence_works.size(), works);  // the old extranonce is not kept
  talk.line(set_extranonce);
  CHECK_EQ(talk.host.coherence_works.size(), works + 1);
  CHECK_EQ(talk.submits(), 32);
}

TEST_CASE("a worker that the pool no longer knows, and a proof without an answer, end it") {
  Talk unknown;
  unknown.begin();
  unknown.client.on_proof(unknown.proof(), unknown.now);
  unknown.answer(unknown.last_id(), "false", R"([24,"Unauthorized worker",null])");
  REQUIRE_EQ(unknown.host.disconnects.size(), 1);
  CHECK_EQ(unknown.host.disconnects[0], seconds(10));

  Talk silent;
  silent.begin();
  silent.client.on_proof(silent.proof(), silent.now);
  for (int i = 0; i < 12; ++i) {
    silent.pass(seconds(10));
    silent.line(R"({"id":null,"method":"client.show_message","params":["alive"]})");
  }
  CHECK(silent.host.disconnects.empty());
  silent.pass(seconds(1));
  REQUIRE_EQ(silent.host.disconnects.size(), 1);
  CHECK(contains(silent.host.last_problem(), "coherence proof within 120 s"));
}

TEST_CASE("a false proof is a rejection like others; the pool ends the connection") {
  Talk talk;
  talk.begin();
  talk.client.on_proof(talk.proof(), talk.now);
  talk.answer(talk.last_id(), "false", R"([20,"False proof: no_bloom",null])");
  CHECK_EQ(talk.counters().rejected, 1);
  CHECK(talk.host.disconnects.empty());
  CHECK(contains(talk.host.events.back().text, "coherence proof rejected: False proof: no_bloom"));
}

}  // namespace
}  // namespace miner
