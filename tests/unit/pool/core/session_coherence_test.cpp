#include "pool/core/session.h"
#include "tests/unit/common/coherence/known_answers.h"
#include "tests/unit/pool/core/coherence_fixture.h"

#include <fstream>
#include <sstream>

using namespace pool_test;
using pool::CloseReason;
using stratum::RejectReason;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string granted =
    "{\"id\":0,\"result\":{\"coherence\":true,\"coherence.version\":1},\"error\":null}\n";
const std::string refused = "{\"id\":0,\"result\":{\"coherence\":false},\"error\":null}\n";
const std::string yes = "{\"id\":7,\"result\":true,\"error\":null}\n";

std::string no(const std::string& code_and_text, const std::string& id = "7") {
  return "{\"id\":" + id + ",\"result\":false,\"error\":[" + code_and_text + ",null]}\n";
}

// Methods of notifications, "-" for an answer.
std::vector<std::string> methods(const std::vector<std::string>& lines) {
  std::vector<std::string> names;
  for (const std::string& line : lines) {
    const std::size_t at = line.find("\"method\":\"");
    names.push_back(
        at == std::string::npos ? "-" : line.substr(at + 10, line.find('"', at + 10) - at - 10));
  }
  return names;
}
using Names = std::vector<std::string>;

// The last target that was said among `lines`.
std::optional<base::U256> target_in(const std::vector<std::string>& lines) {
  std::optional<base::U256> target;
  for (std::string line : lines) {
    line.pop_back();
    const auto message = stratum::parse_server_message(line);
    REQUIRE(message);
    if (const auto* set = std::get_if<stratum::CoherenceSetTarget>(&*message)) target = set->target;
  }
  return target;
}

// A claim of no work at all whose work hash is as `wanted`: what a verifier would find out.
coherence::Claim forge(const pool::CoherenceJob& job, std::uint64_t attempt,
                       const std::function<bool(const crypto::Digest&)>& wanted) {
  coherence::Claim claim{attempt, 100, 60000, 5, {}};
  for (std::uint64_t i = 0;; ++i) {
    base::write_le64(claim.cert_hash, i);
    if (wanted(coherence::work_hash_of(job.header, claim))) return claim;
  }
}

}  // namespace

// ---------------------------------------------------------------- asking for it

TEST_CASE("who asks before the login gets an extranonce, a target and a clean job behind it") {
  CoherenceWorld world;
  world.new_job({});
  world.coherence_job({.id = 5, .clean = false});
  world.ask();
  CHECK_EQ(world.heard(), Names{granted});
  world.handshake();
  const auto lines = world.heard();
  CHECK_EQ(methods(lines),
           Names{"-", "-", "mining.set_difficulty", "mining.notify", "coherence.set_extranonce",
                 "coherence.set_target", "coherence.notify"});
  CHECK(contains(lines[4], "[\"0003000000000000\"]"));
  CHECK_EQ(target_in(lines), target_of(1));
  CHECK(contains(lines[6], "\"0000000000000005\""));
  CHECK(contains(lines[6], "\"00010000\",true,7]"));  // clean, though the job is a refresh
  CHECK_EQ(world.shard.stats().coherence.clients, 1);
}

TEST_CASE("who asks after the login gets it behind the answer") {
  CoherenceWorld world;
  world.new_job({});
  world.coherence_job({});
  world.handshake();
  world.heard();
  world.ask();
  const auto lines = world.heard();
  CHECK_EQ(lines[0], granted);
  CHECK_EQ(methods(lines),
           Names{"-", "coherence.set_extranonce", "coherence.set_target", "coherence.notify"});
}

TEST_CASE("who asks before there is a job is given the first one as a clean one") {
  CoherenceWorld world;
  world.ask();
  world.handshake();
  CHECK_EQ(methods(world.heard()), Names{"-", "-", "-", "coherence.set_extranonce"});
  world.coherence_job({.clean = false});
  const auto lines = world.heard();
  CHECK_EQ(methods(lines), Names{"coherence.set_target", "coherence.notify"});
  CHECK(contains(lines[1], ",true,7]"));
  world.coherence_job({.id = 2, .clean = false});
  CHECK(contains(world.heard().at(0), ",false,7]"));
  // A refresh that took the place of a clean job which nobody was told of.
  world.jobs.push_back(make_coherence_job({.id = 3, .clean = false}));
  world.shard.on_coherence_job(world.jobs.back(), true, world.clock.now);
  CHECK(contains(world.heard().at(0), ",true,7]"));
}

TEST_CASE("coherence work is refused where it is off, unknown or not to be had") {
  SUBCASE("another version, or none") {
    CoherenceWorld world;
    world.coherence_job({});
    for (const char* options : {R"("coherence.version":2)", R"("coherence.version":0)",
                                R"("coherence.version":"1")", ""}) {
      CAPTURE(options);
      world.ask(options);
      CHECK_EQ(world.heard(), Names{refused});
    }
    world.handshake();
    for (const std::string& method : methods(world.heard())) CHECK_FALSE(contains(method, "coh"));
  }
  SUBCASE("off in the configuration") {
    pool::ShardOptions options = coherence_options();
    options.coherence.enabled = false;
    CoherenceWorld world(options);
    world.coherence_job({});
    world.ask();
    CHECK_EQ(world.heard(), Names{refused});
  }
  SUBCASE("the pool said that there is none, until there is one") {
    CoherenceWorld world;
    world.shard.on_coherence_job(nullptr, false, world.clock.now);
    world.ask();
    CHECK_EQ(world.heard(), Names{refused});
    world.coherence_job({});
    world.ask();
    CHECK_EQ(world.heard(), Names{granted});
  }
  SUBCASE("who never asked hears nothing of it") {
    CoherenceWorld world;
    world.handshake();
    world.heard();
    world.coherence_job({});
    CHECK(world.heard().empty());
    CHECK_EQ(world.shard.stats().coherence.clients, 0);
  }
}

TEST_CASE("a later configure takes it back, and gives it again") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  world.ask(R"("coherence.version":9)");
  CHECK_EQ(world.heard(), Names{refused});
  CHECK_EQ(world.shard.stats().coherence.clients, 0);
  world.coherence_job({.id = 2});
  CHECK(world.heard().empty());
  const Proof proof = world.work();
  world.say(world.submit_line(proof.claim));
  CHECK(contains(world.heard().at(0), "Coherence work is off: ask for it in mining.configure"));
  for (int i = 0; i < 2; ++i) {  // and asking twice changes nothing
    world.ask();
    const auto lines = world.heard();
    CHECK_EQ(lines[0], granted);
    if (i == 1) CHECK_EQ(lines.size(), 1);
    if (i == 1) continue;
    REQUIRE_EQ(methods(lines),
               Names{"-", "coherence.set_extranonce", "coherence.set_target", "coherence.notify"});
    CHECK(contains(lines[1], "[\"0003000000000000\"]"));  // as before
  }
}

TEST_CASE("who wants coherence work only is sent no other") {
  CoherenceWorld world;
  world.new_job({.id = 1});
  world.ask(R"("coherence.version":1,"coherence.only":true)");
  world.handshake();
  world.new_job({.id = 2});
  world.coherence_job({});
  world.clock.advance(5s);
  world.shard.on_tick(world.clock.now);
  CHECK_EQ(methods(world.heard()), Names{"-", "-", "-", "coherence.set_extranonce",
                                         "coherence.set_target", "coherence.notify"});
  world.ask();  // both kinds, after all
  world.new_job({.id = 3, .clean = false});
  CHECK_EQ(methods(world.heard()), Names{"-", "mining.set_difficulty", "mining.notify"});
}

TEST_CASE("a connection that moves to another shard is given coherence work there") {
  pool::ShardOptions options = coherence_options();
  options.shard_count = 8;
  CoherenceWorld here(options);
  here.ask(R"("coherence.version":1,"coherence.only":true)");
  here.say(R"({"id":1,"method":"mining.subscribe","params":["t","00060000"]})");
  REQUIRE(here.host.handed_over.contains(here.miner));
  auto state = std::move(here.host.handed_over.at(here.miner));
  CHECK(state.coherence);
  CHECK(state.coherence_only);

  options.index = pool::ShardIndex{6};
  CoherenceWorld there(options);
  there.new_job({});
  there.coherence_job({});
  const pool::ConnectionId moved{900};
  REQUIRE(there.shard.on_hand_over(moved, test_peer(), std::move(state), there.clock.now));
  there.say(moved,
            std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address + "\"]}");
  const auto lines = there.host.sent[moved];
  CHECK_EQ(methods(lines),
           Names{"-", "-", "coherence.set_extranonce", "coherence.set_target", "coherence.notify"});
  CHECK(contains(lines[2], "[\"0006000000000000\"]"));
}

TEST_CASE("no two connections have the same extranonce, and it names pool and shard") {
  pool::ShardOptions options = coherence_options();
  options.pool_instance = 0xab;
  options.coherence.first_extranonce_counter = 0xffff'ffff'ffff'ffff;  // its low 48 bits count
  CoherenceWorld world(options);
  std::vector<std::string> told;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const pool::ConnectionId id{100 + i};
    REQUIRE(world.shard.on_connect(id, test_peer(), world.clock.now));
    world.say(
        id,
        R"({"id":0,"method":"mining.configure","params":[["coherence"],{"coherence.version":1}]})");
    world.say(id, R"({"id":1,"method":"mining.subscribe","params":[]})");
    world.say(id,
              std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address + "\"]}");
    told.push_back(world.host.sent[id].at(3));
    world.disconnect(id);
  }
  CHECK(contains(told[0], "[\"ab03ffffffffffff\"]"));
  CHECK(contains(told[1], "[\"ab03000000000000\"]"));
  CHECK(contains(told[2], "[\"ab03000000000001\"]"));
  CHECK_EQ(world.shard.stats().coherence.clients, 0);
}

// ---------------------------------------------------------------- proofs that are true

TEST_CASE("a true proof is answered when it is on disk, with all that it was judged by") {
  CoherenceWorld world(coherence_options(2));
  world.coherence_job({.id = 5});
  world.log_in();
  const Proof proof = do_work(*world.jobs[0], first_coherence_extranonce, below(target_of(2)));
  world.say(world.submit_line(proof.claim));
  CHECK_EQ(world.shard.stats().coherence.proofs_verifying, 1);
  world.clock.advance(30ms);
  world.verify();
  world.shard.on_turn_end();
  CHECK(world.heard().empty());
  CHECK_EQ(world.shard.stats().coherence.proofs_accepted, 0);
  CHECK_EQ(world.shard.stats().coherence.proofs_unstored, 1);
  world.shard.on_durable(world.host.appends[0].id);
  CHECK_EQ(world.heard(), Names{yes});
  const pool::CoherenceStats stats = world.shard.stats().coherence;
  CHECK_EQ(stats.proofs_accepted, 1);
  CHECK_EQ(stats.proofs_unstored, 0);
  CHECK_EQ(stats.blocks_found, 0);
  CHECK_EQ(stats.work_accepted, coherence::work_of(0, target_of(2)));
  CHECK_EQ(world.shard.stats().shares_accepted, 0);

  const auto records = world.journalled();
  REQUIRE_EQ(records.size(), 1);
  const auto& record = std::get<pool::CoherenceProofRecord>(records[0]);
  CHECK_EQ(record.time_us, world.clock.now.unix_micros());
  CHECK_EQ(record.address, address);
  CHECK_EQ(record.worker_name, "rig");
  CHECK_EQ(record.chain_height, 7);
  CHECK_EQ(record.header, world.jobs[0]->header);
  CHECK_EQ(record.extranonce, first_coherence_extranonce);
  CHECK_EQ(record.attempt, proof.claim.attempt);
  CHECK_EQ(record.params, world.jobs[0]->params);
  CHECK_EQ(record.target, target_of(2));
  CHECK_EQ(record.work, stats.work_accepted);
  CHECK_EQ(record.took_us, -1);
  CHECK_EQ(record.certificate, coherence::encode(coherence::certificate_of(proof.bloom)));
  CHECK_EQ(record.work_hash, coherence::work_hash_of(world.jobs[0]->header, proof.claim));
}

TEST_CASE("a worker's proof says how long it took since the one before") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  world.say(std::string(R"({"id":3,"method":"mining.authorize","params":[")") + address +
            ".other\"]}");
  world.heard();
  std::uint64_t next = 0;
  const auto submit = [&](const std::string& worker) {
    const Proof proof = world.work(next);
    next = proof.claim.attempt + 1;
    world.say(world.submit_line(proof.claim, "7", std::string(address) + "." + worker));
  };
  submit("rig");
  world.clock.advance(1500ms);
  submit("other");
  submit("rig");
  world.clock.advance(250ms);
  submit("rig");
  world.verify();
  world.settle();
  std::vector<std::int64_t> took;
  for (const auto& record : world.journalled()) {
    took.push_back(std::get<pool::CoherenceProofRecord>(record).took_us);
  }
  CHECK_EQ(took, std::vector<std::int64_t>{-1, -1, 1'500'000, 250'000});
}

TEST_CASE("a proof that meets the header's own target is a block too, in the same append") {
  CoherenceWorld world;
  world.coherence_job({.id = 5, .block_hash_difficulty = 4, .header_fill = 3});
  world.log_in();
  const Proof plain = do_work(*world.jobs[0], first_coherence_extranonce, not_below(target_of(4)));
  const Proof block = do_work(*world.jobs[0], first_coherence_extranonce, below(target_of(4)));
  world.say(world.submit_line(plain.claim));
  world.say(world.submit_line(block.claim));
  world.verify();
  world.settle();
  CHECK_EQ(world.heard(), Names{yes, yes});
  CHECK_EQ(world.shard.stats().coherence.blocks_found, 1);
  CHECK_EQ(world.host.appends.size(), 1);
  const auto records = world.journalled();
  REQUIRE_EQ(records.size(), 3);
  CHECK(std::holds_alternative<pool::CoherenceProofRecord>(records[0]));
  CHECK(std::holds_alternative<pool::CoherenceProofRecord>(records[1]));
  const auto& record = std::get<pool::CoherenceBlockRecord>(records[2]);
  CHECK_EQ(record.height, 7);
  CHECK_EQ(record.hash, coherence::work_hash_of(world.jobs[0]->header, block.claim));
  CHECK_EQ(record.header, world.jobs[0]->header);
  CHECK_EQ(record.params, world.jobs[0]->params);
  CHECK_EQ(record.bitcoin_tip, world.jobs[0]->bitcoin_tip);
  CHECK_EQ(record.stretches, world.jobs[0]->stretches);
}

TEST_CASE("a proof that could not be written is refused, not counted, and may be sent again") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  const Proof proof = world.work();
  world.say(world.submit_line(proof.claim));
  world.verify();
  world.shard.on_turn_end();
  world.shard.on_not_durable(world.host.appends[0].id, world.host.appends[0].id);
  CHECK_EQ(world.heard(), Names{no("20,\"Share could not be stored\"")});
  CHECK_EQ(world.shard.stats().coherence.proofs_accepted, 0);
  CHECK_EQ(world.rejects(RejectReason::not_stored), 1);
  world.say(world.submit_line(proof.claim));
  world.verify();
  world.settle();
  CHECK_EQ(world.heard(), Names{yes});
}

TEST_CASE("a proof counts though its miner left before the verdict, or before the disk") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  const Proof first = world.work();
  const Proof second = world.work(first.claim.attempt + 1);
  world.say(world.submit_line(first.claim));
  world.verify();
  world.say(world.submit_line(second.claim));
  world.disconnect(world.miner);
  world.verify();
  world.settle();
  CHECK(world.heard().empty());
  CHECK_EQ(world.shard.stats().coherence.proofs_accepted, 2);
  CHECK_EQ(world.journalled().size(), 2);
}

TEST_CASE("a false proof of a miner that left is counted, and no more") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  world.say(world.submit_line(forge(*world.jobs[0], 1, below(target_of(1)))));
  world.disconnect(world.miner);
  world.verify();
  world.settle();
  CHECK_EQ(world.rejects(RejectReason::false_proof), 1);
  CHECK(world.host.closed.empty());
  CHECK(world.journalled().empty());
}

TEST_CASE("what waits for a verdict at the end is waited for") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  world.say(world.submit_line(world.work().claim));
  world.shard.drain(world.clock.now);
  CHECK_FALSE(world.shard.drained());
  world.verify();
  CHECK_FALSE(world.shard.drained());
  world.settle();
  CHECK(world.shard.drained());
  CHECK_EQ(world.heard().back(), yes);
}

TEST_CASE("a proof's answer does not wait behind a share's, nor a share's behind it") {
  CoherenceWorld world;
  world.new_job({.id = 5});
  world.coherence_job({});
  world.ask();
  world.handshake();
  world.heard();
  const Proof proof = world.work();
  const Ground share =
      grind(*make_job({.id = 5}), first_extranonce1, meets(test_options().ports[0].start));
  world.say(world.submit_line(proof.claim, "50"));
  world.say(World(test_options()).submit_line(share, 5, "51"));
  world.say(R"({"id":52,"method":"mining.ping","params":[]})");
  world.settle();  // the share is on disk while the proof is with its verifier
  CHECK_EQ(world.heard(), Names{"{\"id\":51,\"result\":true,\"error\":null}\n",
                                "{\"id\":52,\"result\":\"pong\",\"error\":null}\n"});
  world.verify();
  world.settle();
  CHECK_EQ(world.heard(), Names{"{\"id\":50,\"result\":true,\"error\":null}\n"});
}

TEST_CASE("a submit without an id is judged and counted, and not answered") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  world.say(world.submit_line(world.work().claim, "null"));
  world.verify();
  world.settle();
  CHECK(world.heard().empty());
  CHECK_EQ(world.shard.stats().coherence.proofs_accepted, 1);
}

// ---------------------------------------------------------------- the order of the reasons

TEST_CASE("a submit that is wrong in every way hears of one after the other") {
  CoherenceWorld world(coherence_options(64));
  world.coherence_job({.id = 1});
  const coherence::Claim low = forge(*world.jobs[0], 5, not_below(target_of(64)));
  const std::string user = std::string(address) + ".rig";
  const auto wrong = [&](const std::string& worker, std::uint32_t bloom_end,
                         const std::string& job) {
    coherence::Claim claim = low;
    claim.bloom_end = bloom_end;
    std::string line = world.submit_line(claim, "7", worker);
    line.replace(line.find("0000000000000001"), 16, job);
    world.say(line);
    const auto lines = world.heard();
    REQUIRE_EQ(lines.size(), 1);
    return lines[0];
  };
  const std::string unknown = "00000000000000ff";
  CHECK_EQ(wrong("nobody", 5, unknown),
           no("20,\"Coherence work is off: ask for it in mining.configure\""));
  world.ask();
  world.heard();
  CHECK_EQ(wrong("nobody", 5, unknown), no("25,\"Not subscribed\""));
  world.handshake();
  world.heard();
  CHECK_EQ(wrong("nobody", 5, unknown), no("24,\"Unauthorized worker\""));
  CHECK_EQ(wrong(user, 5, unknown),
           no("20,\"Impossible claim: bloom_end: 5 is not from 6 to 15126\""));
  CHECK_EQ(wrong(user, low.bloom_end, unknown), no("21,\"Job not found\""));
  CHECK_EQ(wrong(user, low.bloom_end, "000000000000000A"), no("21,\"Job not found\""));
  world.coherence_job({.id = 2});
  world.jobs.pop_back();
  world.heard();
  CHECK_EQ(wrong(user, low.bloom_end, "0000000000000001"), no("21,\"Stale share\""));

  // The same at the job that is not stale: seen before, then above the target, and then it is good.
  world.jobs.push_back(make_coherence_job({.id = 2}));
  const Proof good = do_work(*world.jobs.back(), first_coherence_extranonce, below(target_of(64)));
  world.say(world.submit_line(good.claim));
  coherence::Claim again = good.claim;
  while (
      coherence::meets(coherence::work_hash_of(world.jobs.back()->header, again), target_of(64))) {
    ++again.cert_hash[0];
  }
  world.say(world.submit_line(again));  // the attempt counts, whatever is claimed of it
  CHECK_EQ(world.heard(), Names{no("22,\"Duplicate share\"")});
  again.attempt += 1;
  while (
      coherence::meets(coherence::work_hash_of(world.jobs.back()->header, again), target_of(64))) {
    ++again.cert_hash[0];
  }
  for (int i = 0; i < 2; ++i) {  // and is not remembered
    world.say(world.submit_line(again));
    CHECK_EQ(world.heard(),
             Names{no("23,\"Low difficulty share: the work hash is not below the target\"")});
  }
  world.verify();
  world.settle();
  CHECK_EQ(world.heard(), Names{yes});
  CHECK_EQ(world.rejects(RejectReason::job_not_found), 2);
  CHECK_EQ(world.rejects(RejectReason::low_difficulty), 2);
  for (const std::uint64_t count : world.shard.stats().rejects) CHECK_EQ(count, 0);
}

TEST_CASE("each number of a claim has its range, which the refusal names") {
  struct Row {
    const char* why;
    std::uint32_t bloom_end, r_q, psi_q;
    const char* text;  // empty: it is in range
  };
  const Row rows[] = {
      {"as early as can be", 6, 60000, 0, ""},
      {"too early", 5, 60000, 0, "bloom_end: 5 is not from 6 to 15126"},
      {"nothing", 0, 60000, 0, "bloom_end: 0 is not from 6 to 15126"},
      {"as late as can be", 15126, 60000, 0, ""},
      {"too late", 15127, 60000, 0, "bloom_end: 15127 is not from 6 to 15126"},
      {"absurdly late", 4294967295, 60000, 0, "bloom_end: 4294967295 is not from 6 to 15126"},
      {"just coherent", 100, 56755, 0, ""},
      {"not coherent", 100, 56754, 0, "r_q: 56754 is not from 56755 to 65535"},
      {"wholly ordered", 100, 65535, 0, ""},
      {"more than ordered", 100, 65536, 0, "r_q: 65536 is not from 56755 to 65535"},
      {"almost a turn", 100, 60000, 65535, ""},
      {"a turn", 100, 60000, 65536, "psi_q: 65536 is not from 0 to 65535"},
  };
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  std::uint64_t attempt = 0;
  for (const Row& row : rows) {
    CAPTURE(row.why);
    stratum::CoherenceSubmit submit;
    submit.worker_name = std::string(address) + ".rig";
    submit.job_id = "0000000000000001";
    submit.attempt = attempt++;
    submit.bloom_end = row.bloom_end;
    submit.r_q = row.r_q;
    submit.psi_q = row.psi_q;
    std::string line = stratum::write_coherence_submit(7, submit);
    line.pop_back();
    world.say(line);
    if (*row.text == '\0') {
      CHECK(world.heard().empty());
      CHECK_EQ(std::exchange(world.host.proofs, {}).size(), 1);
    } else {
      CHECK_EQ(world.heard(), Names{no("20,\"Impossible claim: " + std::string(row.text) + "\"")});
      CHECK(world.host.proofs.empty());
    }
  }
}

TEST_CASE("every attempt may be claimed, the absurd ones too") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  for (const std::uint64_t attempt :
       {std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    const Proof proof = [&] {
      for (std::uint64_t from = attempt;; --from) {
        const auto bloom = coherence::run(
            coherence::phases_of(coherence::seed_of(
                {world.jobs[0]->header, first_coherence_extranonce, world.jobs[0]->params}, from)),
            0);
        if (bloom) return Proof{coherence::claim_of(from, *bloom), *bloom};
      }
    }();
    world.say(world.submit_line(proof.claim));
    world.verify();
    world.settle();
    CHECK_EQ(world.heard(), Names{yes});
  }
}

TEST_CASE("a submit that can't be read names the field, and only to who may submit") {
  CoherenceWorld world;
  world.coherence_job({});
  const std::string line =
      R"({"id":7,"method":"coherence.submit","params":["a","b","0X",1,2,3,"4"]})";
  world.say(line);
  CHECK_EQ(world.heard(),
           Names{no("20,\"Coherence work is off: ask for it in mining.configure\"")});
  world.ask();
  world.heard();
  world.say(line);
  CHECK_EQ(world.heard(), Names{no("25,\"Not subscribed\"")});
  world.handshake();
  world.heard();
  world.say(line);
  CHECK_EQ(
      world.heard(),
      Names{no("20,\"Malformed request: attempt: \\\"0X\\\" is not 16 lower-case hex digits\"")});
  CHECK_EQ(world.rejects(RejectReason::malformed), 1);
  const auto told = world.shard.take_rejects();
  REQUIRE_EQ(told.size(), 1);
  CHECK_EQ(told[0].worker, std::string(address) + ".rig");
  CHECK_EQ(told[0].reason, RejectReason::malformed);
}

TEST_CASE("what is refused is told with all that was known of it") {
  pool::ShardOptions options = coherence_options(64);
  options.stale_grace = 2s;
  CoherenceWorld world(options);
  world.coherence_job({.id = 1});
  world.log_in();
  const coherence::Claim low = forge(*world.jobs[0], 5, not_below(target_of(64)));
  world.say(world.submit_line(low));
  auto told = world.shard.take_rejects();
  REQUIRE_EQ(told.size(), 1);
  CHECK_EQ(told[0].reason, RejectReason::low_difficulty);
  CHECK_EQ(told[0].job_id, "0000000000000001");
  CHECK_EQ(told[0].extranonce1, "0003000000000000");
  CHECK_EQ(told[0].hash->bytes, coherence::work_hash_of(world.jobs[0]->header, low));
  CHECK_EQ(told[0].difficulty, options.coherence.difficulty.start.value());
  world.coherence_job({.id = 2});
  world.jobs.pop_back();
  world.clock.advance(1999ms);  // what was on its way is still good
  const Proof late = do_work(*world.jobs[0], first_coherence_extranonce, below(target_of(64)));
  world.say(world.submit_line(late.claim));
  CHECK_EQ(world.host.proofs.size(), 1);
  world.clock.advance(1ms);
  world.say(world.submit_line(low));
  told = world.shard.take_rejects();
  REQUIRE_EQ(told.size(), 1);
  CHECK_EQ(told[0].reason, RejectReason::stale);
  CHECK_EQ(told[0].stale_ms, 2000);
}

// ---------------------------------------------------------------- room

TEST_CASE("with every verifier full the miner is asked to come again, and nothing is lost") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  const Proof proof = world.work();
  world.host.verifiers_full = true;
  for (int i = 0; i < 3; ++i) {
    world.say(world.submit_line(proof.claim));
    CHECK_EQ(world.heard(), Names{no("20,\"Verifiers are busy: submit it again\"")});
    world.clock.advance(100s);  // it is not the miner that is stuck
  }
  CHECK(world.host.closed.empty());
  CHECK_EQ(world.shard.stats().coherence.proofs_verifying, 0);
  CHECK_EQ(world.rejects(RejectReason::verifier_busy), 3);
  world.host.verifiers_full = false;
  world.say(world.submit_line(proof.claim));
  world.verify();
  world.settle();
  CHECK_EQ(world.heard(), Names{yes});
}

TEST_CASE("one connection has so many proofs under way, and others have theirs") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  const std::size_t most = pool::limits::proofs_per_connection_max;
  std::vector<coherence::Claim> claims;
  for (std::uint64_t i = 0; i <= most; ++i) {
    claims.push_back(forge(*world.jobs[0], i, below(target_of(1))));
    world.say(world.submit_line(claims.back()));
  }
  CHECK_EQ(world.heard(), Names{no("20,\"Verifiers are busy: submit it again\"")});
  CHECK_EQ(world.host.proofs.size(), most);
  const pool::ConnectionId other{43};
  REQUIRE(world.shard.on_connect(other, test_peer(), world.clock.now));
  world.say(
      other,
      R"({"id":0,"method":"mining.configure","params":[["coherence"],{"coherence.version":1}]})");
  world.say(other, R"({"id":1,"method":"mining.subscribe","params":[]})");
  world.say(other, std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address +
                       ".rig\"]}");
  world.say(other, world.submit_line(claims.back()));
  CHECK_EQ(world.host.proofs.size(), most + 1);

  // Asking anew for coherence work makes no room.
  world.ask(R"("coherence.version":9)");
  world.ask();
  world.heard();
  world.say(world.submit_line(claims.back()));
  CHECK_EQ(world.heard(), Names{no("20,\"Verifiers are busy: submit it again\"")});

  // A proof that waits for the disk still counts; one that is answered makes room.
  const auto asked = std::exchange(world.host.proofs, {});
  world.shard.on_verdict({asked[0].ticket, std::nullopt, {}}, world.clock.now);
  world.say(world.submit_line(claims.back()));
  CHECK_EQ(world.heard().size(), 1);
  world.settle();
  CHECK_EQ(world.heard(), Names{yes});
  world.say(world.submit_line(claims.back()));
  CHECK_EQ(world.host.proofs.size(), 1);
}

// ---------------------------------------------------------------- forged proofs

namespace {

// What the reference says of a claim that a shard took, and what the miner heard of it.
struct Caught {
  std::vector<std::string> lines;
  bool closed = false;
};
Caught catch_forger(CoherenceWorld& world, const coherence::Claim& claim) {
  world.say(world.submit_line(claim));
  world.verify();
  world.settle();
  const auto closed = world.host.closed.find(world.miner);
  const bool for_it =
      closed != world.host.closed.end() && closed->second == CloseReason::false_proof;
  return {world.heard(), for_it};
}

// What somebody claims who has an honest proof, and what he is told ("": whatever it is).
struct Forgery {
  coherence::Claim claim;
  std::string why;
};
Forgery forgery_of(const Proof& honest, const pool::CoherenceJob& job) {
  coherence::Claim claim = honest.claim;
  std::string why;
  SUBCASE("63 equal phases, which were never reached") {
    coherence::Certificate certificate;
    certificate.bloom_end = 6;
    certificate.r_q.fill(65535);
    claim.bloom_end = 6;
    claim.r_q = 65535;
    claim.psi_q = 0;
    claim.cert_hash = coherence::cert_hash_of(coherence::encode(certificate));
    why = "the replay has no bloom up to bloom_end";
  }
  SUBCASE("a bloom_end one too late") {
    ++claim.bloom_end;
    why = "the replay bloomed before bloom_end";
  }
  SUBCASE("a bloom_end one too early") {
    --claim.bloom_end;
    why = "the replay has no bloom up to bloom_end";
  }
  SUBCASE("an earlier bloom hidden: all is true but that it is the first") {
    auto phases = honest.bloom.phases;
    const coherence::Gate gate = coherence::gate(job.level);
    coherence::Bloom later = honest.bloom;
    coherence::step(phases, coherence::order_of(phases), gate);
    REQUIRE(coherence::order_of(phases).is_coherent());
    std::rotate(later.orders.begin(), later.orders.begin() + 1, later.orders.end());
    later.orders.back() = coherence::order_of(phases);
    later.phases = phases;
    ++later.start;
    ++later.end;
    claim = coherence::claim_of(claim.attempt, later);
    why = "the replay bloomed before bloom_end";
  }
  SUBCASE("another order") {
    ++claim.psi_q;
    why = "r_q or psi_q are not those of the replay";
  }
  SUBCASE("another certificate") {
    claim.cert_hash[31] ^= 1;
    why = "the certificate is not that of the replay";
  }
  SUBCASE("another attempt's") {
    ++claim.attempt;
    why = "";  // whatever it does, it is not this
  }
  SUBCASE("another connection's extranonce") {
    claim = do_work(job, first_coherence_extranonce + 1, below(target_of(1))).claim;
    why = "";
  }
  SUBCASE("another job's") {
    auto other = make_coherence_job({.header_fill = 1});
    claim = do_work(*other, first_coherence_extranonce, below(target_of(1))).claim;
    why = "";
  }
  return {claim, why};
}

}  // namespace

TEST_CASE("a forged proof is found out, told why, and shown the door") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  const pool::CoherenceJob& job = *world.jobs[0];
  const auto [claim, why] = forgery_of(world.work(), job);
  REQUIRE(coherence::meets(coherence::work_hash_of(job.header, claim), target_of(1)));
  const Caught caught = catch_forger(world, claim);
  CHECK(caught.closed);
  REQUIRE_EQ(caught.lines.size(), 1);
  CHECK(contains(caught.lines[0], R"("result":false,"error":[20,"False proof: )" + why));
  CHECK_EQ(world.rejects(RejectReason::false_proof), 1);
  CHECK_EQ(world.shard.stats().closes[static_cast<std::size_t>(CloseReason::false_proof)], 1);
  CHECK_EQ(world.shard.stats().coherence.proofs_accepted, 0);
  const auto told = world.shard.take_rejects();
  REQUIRE_EQ(told.size(), 1);
  CHECK_EQ(told[0].reason, RejectReason::false_proof);
  CHECK_EQ(told[0].detail,
           caught.lines[0].substr(caught.lines[0].find("proof: ") + 7, told[0].detail.size()));
}

TEST_CASE("a replayed proof is a duplicate, and a late one stale: mistakes, and no forgery") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  const Proof proof = world.work();
  world.say(world.submit_line(proof.claim));
  world.say(world.submit_line(proof.claim, "8"));  // while the first is being verified
  CHECK_EQ(world.heard(), Names{no("22,\"Duplicate share\"", "8")});
  world.verify();
  world.settle();
  world.say(world.submit_line(proof.claim, "9"));  // and after
  CHECK_EQ(world.heard(), Names{yes, no("22,\"Duplicate share\"", "9")});
  const Proof another = world.work(proof.claim.attempt + 1);
  const std::string late = world.submit_line(another.claim);
  world.coherence_job({.id = 2, .clean = false});
  world.say(late);  // a refresh makes no job stale
  CHECK_EQ(world.host.proofs.size(), 1);
  const Proof third = do_work(*world.jobs[0], first_coherence_extranonce, below(target_of(1)),
                              another.claim.attempt + 1);
  world.jobs.push_back(world.jobs[0]);
  const std::string later = world.submit_line(third.claim);
  world.coherence_job({.id = 3});
  world.heard();
  world.say(later);
  CHECK_EQ(world.heard(), Names{no("21,\"Stale share\"")});
  CHECK(world.host.closed.empty());
}

TEST_CASE("false proofs make a ban") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  for (std::uint64_t i = 0; i < 20; ++i) {
    const pool::ConnectionId id{100 + i};
    if (!world.shard.on_connect(id, test_peer("198.51.100.7"), world.clock.now)) break;
    world.say(
        id,
        R"({"id":0,"method":"mining.configure","params":[["coherence"],{"coherence.version":1}]})");
    world.say(id, R"({"id":1,"method":"mining.subscribe","params":[]})");
    world.say(id, std::string(R"({"id":2,"method":"mining.authorize","params":[")") + address +
                      ".rig\"]}");
    world.say(id, world.submit_line(forge(*world.jobs[0], i, below(target_of(1)))));
    world.verify();
    CHECK_EQ(world.host.closed.at(id), CloseReason::false_proof);
    world.disconnect(id);
  }
  REQUIRE_EQ(world.host.bans.size(), 1);
  CHECK_EQ(world.host.bans[0].why, pool::Offence::false_proof);
}

TEST_CASE("of several false proofs of one connection the first ends it, and all are counted") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  for (std::uint64_t i = 0; i < 3; ++i) {
    world.say(world.submit_line(forge(*world.jobs[0], i, below(target_of(1)))));
  }
  world.verify();
  CHECK_EQ(world.heard().size(), 1);
  CHECK_EQ(world.rejects(RejectReason::false_proof), 3);
  CHECK_EQ(world.shard.stats().closes[static_cast<std::size_t>(CloseReason::false_proof)], 1);
}

// ---------------------------------------------------------------- targets

TEST_CASE("a target never asks for less than the floor, nor for more than a block") {
  struct Row {
    const char* why;
    double start, min, block;
    double told;
  };
  const Row rows[] = {
      {"as configured", 65536, 512, 1e9, 65536},
      {"the floor", 512, 512, 1e9, 512},
      {"no harder than a block", 65536, 512, 4096, 4096},
      {"but the floor is the floor", 65536, 512, 16, 512},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    pool::ShardOptions options = coherence_options(row.start);
    options.coherence.difficulty.min = *bitcoin::Difficulty::from_double(row.min / 4294967296.0);
    CoherenceWorld world(options);
    world.coherence_job({.block_hash_difficulty = row.block});
    world.ask();
    world.handshake();
    const auto target = target_in(world.heard());
    REQUIRE(target);
    CHECK_EQ(*target, target_of(row.told));
    CHECK_LE(*target, base::U256::max() >> 9);  // hash difficulty 512 at the least, exactly
    if (row.block >= 512) CHECK_GE(*target, target_of(row.block));
  }
}

TEST_CASE("a fast miner's target falls, right before a job, and holds from that job on") {
  pool::ShardOptions options = coherence_options(512);
  CoherenceWorld world(options);
  world.coherence_job({.id = 1});
  world.log_in();
  const auto before = target_of(512);
  std::uint64_t attempt = 0;
  const auto submit = [&](const base::U256& below_this, const base::U256& not_below_that) {
    const auto fits = [&](const crypto::Digest& hash) {
      return coherence::meets(hash, below_this) && !coherence::meets(hash, not_below_that);
    };
    world.say(world.submit_line(forge(*world.jobs.back(), attempt++, fits)));
    for (const auto& asked : std::exchange(world.host.proofs, {})) {
      world.shard.on_verdict({asked.ticket, std::nullopt, {}}, world.clock.now);
    }
    world.settle();
    return world.heard();
  };
  for (int i = 0; i < 60; ++i) {
    world.clock.advance(100ms);
    CHECK_EQ(submit(before, {}), Names{yes});  // and no target in between
  }
  world.shard.on_tick(world.clock.now);
  CHECK(world.heard().empty());
  world.coherence_job({.id = 2, .clean = false});
  const auto lines = world.heard();
  REQUIRE_EQ(methods(lines), Names{"coherence.set_target", "coherence.notify"});
  const base::U256 after = *target_in(lines);
  CHECK_LE(after, target_of(2048));

  // Each job has the target that came with it, and its proofs that target's work.
  const auto credited = [&] {
    return std::get<pool::CoherenceProofRecord>(world.journalled().back());
  };
  CHECK(contains(submit(before, after).at(0), "Low difficulty share"));
  CHECK_EQ(submit(after, {}), Names{yes});
  CHECK_EQ(credited().target, after);
  CHECK_EQ(credited().work, coherence::work_of(world.jobs.back()->level, after));
  world.jobs.push_back(world.jobs.front());
  CHECK_EQ(submit(before, after), Names{yes});
  CHECK_EQ(credited().target, before);
  CHECK_EQ(submit(after, {}), Names{yes});
  CHECK_EQ(credited().target, before);
}

TEST_CASE("the same job again comes with the target that it had, though another is wanted by now") {
  CoherenceWorld world(coherence_options(512));
  world.coherence_job({.id = 1});
  world.log_in();
  for (std::uint64_t i = 0; i < 60; ++i) {
    world.clock.advance(100ms);
    world.say(world.submit_line(forge(*world.jobs[0], i, below(target_of(512)))));
    for (const auto& asked : std::exchange(world.host.proofs, {})) {
      world.shard.on_verdict({asked.ticket, std::nullopt, {}}, world.clock.now);
    }
    world.settle();
  }
  world.ask(R"("coherence.version":9)");
  world.heard();
  world.ask();
  CHECK_EQ(target_in(world.heard()), target_of(512));
  world.coherence_job({.id = 2, .clean = false});
  CHECK_LE(target_in(world.heard()).value_or(base::U256::max()), target_of(2048));
}

TEST_CASE("a silent miner's target rises again, down to the floor of difficulty and no further") {
  pool::ShardOptions options = coherence_options(512 * 4096);
  options.coherence.difficulty.min = *bitcoin::Difficulty::from_double(512 / 4294967296.0);
  CoherenceWorld world(options);
  world.coherence_job({.id = 1});
  world.log_in();
  base::U256 last = target_of(512 * 4096);
  for (std::uint64_t id = 2; id < 360; ++id) {  // two hours of refreshes
    for (int second = 0; second < 20; ++second) {
      world.clock.advance(1s);
      if (world.clock.now.mono - base::MonoTime{} < 2h) world.shard.on_tick(world.clock.now);
    }
    world.coherence_job({.id = id, .clean = false});
    const auto target = target_in(world.heard());
    if (!target) continue;
    CHECK_GE(*target, last);
    last = *target;
  }
  CHECK_EQ(last, target_of(512));
}

TEST_CASE("a miner that comes back begins where its proofs had led") {
  pool::ShardOptions options = coherence_options(512);
  CoherenceWorld world(options);
  world.coherence_job({.id = 1});
  world.log_in();
  for (std::uint64_t i = 0; i < 60; ++i) {
    world.clock.advance(100ms);
    world.say(world.submit_line(forge(*world.jobs[0], i, below(target_of(512)))));
    for (const auto& asked : std::exchange(world.host.proofs, {})) {
      world.shard.on_verdict({asked.ticket, std::nullopt, {}}, world.clock.now);
    }
    world.settle();
  }
  world.coherence_job({.id = 2, .clean = false});
  const auto reached = target_in(world.heard());
  REQUIRE(reached);
  world.disconnect(world.miner);
  REQUIRE(world.shard.on_connect(world.miner, test_peer(), world.clock.now));
  world.ask(R"("coherence.version":1,"coherence.only":true)");
  world.handshake();
  CHECK_EQ(target_in(world.heard()), reached);
}

// ---------------------------------------------------------------- life

TEST_CASE("a proof is a sign of life, and refused ones alone are not") {
  pool::ShardOptions options = coherence_options();
  options.idle_deadline = 100s;
  CoherenceWorld world(options);
  world.coherence_job({});
  world.log_in();
  world.clock.advance(90s);
  world.say(world.submit_line(world.work().claim));
  world.verify();
  world.settle();
  world.clock.advance(90s);
  world.shard.on_tick(world.clock.now);
  CHECK(world.host.closed.empty());
  world.clock.advance(11s);
  world.shard.on_tick(world.clock.now);
  CHECK_EQ(world.host.closed.at(world.miner), CloseReason::idle);
}

TEST_CASE("a miner whose proofs are all refused is helped: a clean job, a reconnect, the end") {
  CoherenceWorld world;
  world.coherence_job({.id = 4});
  world.log_in();
  const auto refuse_one = [&](std::chrono::milliseconds after) {
    world.clock.advance(after);
    coherence::Claim claim = forge(*world.jobs[0], 1, below(target_of(1)));
    claim.bloom_end = 3;
    world.say(world.submit_line(claim));
    return world.heard();
  };
  CHECK_EQ(refuse_one(0s).size(), 1);
  const auto helped = refuse_one(60s);
  REQUIRE_EQ(methods(helped), Names{"-", "coherence.notify"});
  CHECK(contains(helped[1], "\"0000000000000004\""));
  CHECK(contains(helped[1], ",true,7]"));
  CHECK_EQ(methods(refuse_one(60s)), Names{"-", "client.reconnect"});
  refuse_one(60s);
  CHECK_EQ(world.host.closed.at(world.miner), CloseReason::only_rejects);
}

TEST_CASE("proofs for workers that never logged in end the connection") {
  CoherenceWorld world;
  world.coherence_job({});
  world.log_in();
  const coherence::Claim claim = forge(*world.jobs[0], 1, below(target_of(1)));
  for (std::uint32_t i = 0; i < pool::limits::unauthorized_submits_max; ++i) {
    CHECK(world.host.closed.empty());
    world.say(world.submit_line(claim, "7", "somebody.else"));
  }
  CHECK_EQ(world.host.closed.at(world.miner), CloseReason::too_many_unauthorized);
}

TEST_CASE("the longest coherence lines fit the limits on a line") {
  CoherenceWorld world;
  world.coherence_job({.id = ~std::uint64_t{0}});
  CHECK_LT(
      world
          .submit_line({}, std::string(64, '9'), std::string(pool::limits::username_bytes_max, 'a'))
          .size(),
      1024);
}

// ---------------------------------------------------------------- known answers

TEST_CASE("the two known attempts are accepted as they stand in the specification") {
  for (const auto& known : coherence_test::known_attempts()) {
    CAPTURE(known.attempt);
    pool::ShardOptions options = coherence_options(8);
    options.pool_instance = static_cast<std::uint8_t>(known.job.extranonce >> 56);
    options.index = pool::ShardIndex{static_cast<std::uint32_t>(known.job.extranonce >> 48 & 0xff)};
    options.coherence.first_extranonce_counter = known.job.extranonce;
    CoherenceWorld world(options);
    auto job = make_coherence_job({.level = *coherence::level_of(known.job.params)});
    job->header = known.job.header;
    world.jobs.push_back(job);
    world.shard.on_coherence_job(job, false, world.clock.now);
    world.log_in();
    coherence::Claim claim{known.attempt, known.bloom_end, known.bloom_r_q[6], known.psi_q, {}};
    REQUIRE(base::decode_hex(known.cert_hash, claim.cert_hash));
    world.say(world.submit_line(claim));
    world.verify();
    world.settle();
    CHECK_EQ(world.heard(), Names{yes});
    const auto records = world.journalled();
    REQUIRE_EQ(records.size(), 1);
    const auto& record = std::get<pool::CoherenceProofRecord>(records[0]);
    CHECK_EQ(base::to_hex(record.work_hash), known.work_hash);
  }
}

// docs/stratum.md, "Coherence work": the second known attempt, as two programs would say it.
TEST_CASE("the conversation in the documentation is what the pool says, byte for byte") {
  std::ifstream file(SOURCE_ROOT "/docs/stratum.md");
  std::stringstream text;
  text << file.rdbuf();
  std::string all = text.str();
  const std::size_t section = all.find("\n## Coherence work\n");
  REQUIRE_NE(section, std::string::npos);
  const std::size_t begin = all.find("```\n", section) + 4;
  std::stringstream lines(all.substr(begin, all.find("```", begin) - begin));

  pool::ShardOptions options = coherence_options(8);
  options.pool_instance = 1;
  options.index = pool::ShardIndex{0x23};
  options.first_extranonce_counter = 0xb5af;
  options.coherence.first_extranonce_counter = 0x456789abcdef;
  CoherenceWorld world(options);
  auto job = make_coherence_job({.id = 0x2a, .level = 3});
  for (std::size_t i = 0; i < job->header.size(); ++i)
    job->header[i] = static_cast<std::uint8_t>(i);
  job->height = 1207;
  world.shard.on_coherence_job(job, false, world.clock.now);
  std::vector<std::string> heard;
  std::size_t checked = 0;
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    for (std::size_t at; (at = line.find("ADDRESS")) != std::string::npos;)
      line.replace(at, 7, address);
    if (line.starts_with("C ")) {
      world.say(line.substr(2));
      world.verify();
      world.settle();
      for (std::string& answer : world.heard()) heard.push_back(std::move(answer));
      continue;
    }
    REQUIRE(line.starts_with("S "));
    REQUIRE_FALSE(heard.empty());
    CHECK_EQ(heard.front(), line.substr(2) + "\n");
    heard.erase(heard.begin());
    ++checked;
  }
  CHECK(heard.empty());
  CHECK_GE(checked, 9);
}
