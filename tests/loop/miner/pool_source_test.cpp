// PoolSource against pools on loopback, without threads that mine.
#include "miner/pool_source.h"

#include "miner/status.h"
#include "tests/loop/miner/fake_pool.h"
#include "tests/loop/miner/relays.h"
#include "tests/loop/miner/waiting.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace miner {
namespace {

using std::chrono::milliseconds;

// Pools on one loop, in order of preference, and a source that looks about as often as a miner's.
struct Rig {
  uv::Loop loop;
  std::vector<std::unique_ptr<fake::Pool>> pools;
  RecordingHost host;
  PoolSourceSettings settings;
  std::unique_ptr<PoolSource> source;

  explicit Rig(std::size_t count = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      pools.push_back(std::make_unique<fake::Pool>(loop));
      PoolSettings& pool = settings.pools.emplace_back();
      pool.host = "127.0.0.1";
      pool.port = pools[i]->port();
      pool.username = "bcrt1qaddress.rig";
      pools[i]->set_job(fake::make_job(i + 1, static_cast<std::uint8_t>(i + 1), true));
    }
    settings.client.user_agent = "phaseminer/test";
    settings.retry_first = milliseconds(10);
    settings.retry_most = milliseconds(40);
    settings.return_after = milliseconds(100);
  }
  void start() {
    source = std::make_unique<PoolSource>(loop, settings, host);
    source->start();
  }
  template <class Condition>
  bool wait(Condition condition) {
    return wait_until(loop, [&] {
      source->on_tick(uv::read_clock().mono);
      return condition();
    });
  }
  // Works are of the pool's number.
  bool mines_for(std::uint32_t pool) const { return host.work && host.work->pool == pool; }
  Status status() const {
    Status status;
    source->describe(status);
    return status;
  }
  // A share of the work at hand; its hash is made up, and unlike any other's.
  FoundShare share() {
    FoundShare found;
    found.work = host.work;
    found.extranonce2 = base::Bytes(8, 0);
    found.ntime = host.work->notify.ntime;
    found.nonce = ++nonce;
    found.version_bits = 0;
    base::write_le32(found.hash.bytes, nonce);
    return found;
  }
  void submit(FoundShare found) { source->on_share(std::move(found), uv::read_clock().mono); }
  std::uint32_t nonce = 0;
};

TEST_CASE("its link is told at each step, and work goes with the connection") {
  Rig rig;
  rig.pools[0]->authorize = true;
  rig.start();
  CHECK_EQ(rig.status().link, LinkState::connecting);
  REQUIRE(rig.wait([&] { return rig.host.work != nullptr; }));
  CHECK_EQ(rig.status().link, LinkState::mining);
  CHECK(rig.host.was_told("connected to 127.0.0.1"));
  CHECK_GT(rig.host.appetite_changes, 0);
  rig.pools[0]->drop_connection();
  REQUIRE(rig.wait([&] { return rig.host.work == nullptr; }));
  CHECK_EQ(rig.status().link, LinkState::disconnected);
  CHECK_EQ(rig.source->appetite(), Appetite::nothing);
  CHECK(rig.host.was_told("not mining, next attempt in"));
  REQUIRE(rig.wait([&] { return rig.host.work != nullptr; }));
  CHECK_EQ(rig.status().reconnects, 1);
  CHECK_EQ(rig.host.gave_up, "");
}

TEST_CASE("the first pool is not there: the second is mined for, and the first once it is back") {
  Rig rig(3);
  rig.pools[0]->close();
  rig.start();
  REQUIRE(rig.wait([&] { return rig.mines_for(1); }));
  CHECK(rig.host.was_told("mining for stratum+tcp://127.0.0.1:"));
  CHECK_EQ(rig.pools[2]->connections, 0);  // nobody needs it
  CHECK(rig.status().pools[1].active);
  rig.pools[0]->open(rig.pools[0]->port());
  REQUIRE(rig.wait([&] { return rig.mines_for(0); }));
  CHECK_EQ(rig.host.work->notify.job_id, mining::job_id_text(mining::JobId(1)));
  REQUIRE(rig.wait([&] { return !rig.pools[1]->has_miner(); }));  // it is left
  CHECK(rig.status().pools[0].active);
  CHECK_EQ(rig.pools[1]->connections, 1);
}

TEST_CASE("the pool that is mined for is lost: another at once, and back when it has work again") {
  Rig rig(2);
  rig.start();
  REQUIRE(rig.wait([&] { return rig.mines_for(0); }));
  CHECK_EQ(rig.pools[1]->connections, 0);
  rig.pools[0]->close();
  REQUIRE(rig.wait([&] { return rig.mines_for(1); }));
  rig.pools[0]->open(rig.pools[0]->port());
  REQUIRE(rig.wait([&] { return rig.mines_for(0); }));
  // A job of the pool that is left changes nothing.
  const auto work = rig.host.work;
  rig.pools[1]->set_job(fake::make_job(7, 7, true));
  REQUIRE(rig.wait([&] { return !rig.pools[1]->has_miner(); }));
  CHECK_EQ(rig.host.work, work);
}

TEST_CASE("back not before it has had work for a while") {
  Rig rig(2);
  rig.settings.return_after = std::chrono::hours(1);
  rig.pools[0]->close();
  rig.start();
  REQUIRE(rig.wait([&] { return rig.mines_for(1); }));
  rig.pools[0]->open(rig.pools[0]->port());
  REQUIRE(rig.wait([&] { return rig.pools[0]->has_miner(); }));
  rig.pools[0]->set_job(fake::make_job(9, 9, true));
  REQUIRE(
      rig.wait([&] { return rig.host.was_told("job " + mining::job_id_text(mining::JobId(9))); }));
  CHECK(rig.mines_for(1));
  // But at once where the other is lost.
  rig.pools[1]->close();
  REQUIRE(rig.wait([&] { return rig.mines_for(0); }));
}

TEST_CASE("a pool that refuses us, and one without work, are passed over") {
  Rig rig(3);
  rig.settings.patience = milliseconds(50);
  rig.pools[0]->authorize = false;
  rig.pools[1] = std::make_unique<fake::Pool>(rig.loop);  // has no job
  rig.settings.pools[1].port = rig.pools[1]->port();
  rig.start();
  REQUIRE(rig.wait([&] { return rig.mines_for(2); }));
  CHECK(rig.host.was_told("refused user \"bcrt1qaddress.rig\""));
  CHECK(rig.pools[1]->has_miner());  // it may get work yet
  rig.pools[1]->set_job(fake::make_job(5, 5, true));
  REQUIRE(rig.wait([&] { return rig.mines_for(1); }));
  CHECK_EQ(rig.pools[0]->authorize_requests, 1);  // not asked again before its pause is over
}

TEST_CASE("shares find the way to the pool whose work they are of; all pools' counts are summed") {
  Rig rig(2);
  rig.pools[0]->answer_submits = false;
  rig.settings.client.answer_timeout = std::chrono::hours(1);
  rig.pools[1]->close();
  rig.start();
  REQUIRE(rig.wait([&] { return rig.mines_for(0); }));
  rig.submit(rig.share());
  const FoundShare late = rig.share();
  REQUIRE(rig.wait([&] { return rig.pools[0]->shares.size() == 1; }));
  CHECK(rig.source->awaits_answers());
  rig.pools[1]->open(rig.pools[1]->port());
  rig.pools[0]->close();
  REQUIRE(rig.wait([&] { return rig.mines_for(1); }));
  CHECK_EQ(rig.status().unanswered, 1);  // the first pool may come back with its session
  rig.submit(rig.share());
  rig.submit(late);  // of a connection that is over
  REQUIRE(rig.wait([&] { return rig.pools[1]->shares.size() == 1; }));
  REQUIRE(rig.wait([&] {
    const Status status = rig.status();
    return status.pools[1].accepted + status.pools[1].rejected == 1;
  }));
  const Status status = rig.status();
  CHECK_EQ(status.counters.accepted + status.counters.rejected, 1);
  CHECK_EQ(status.counters.dropped_stale, 1);
  CHECK_EQ(status.counters.jobs, 2);
  CHECK_EQ(rig.pools[0]->shares.size(), 1);
}

TEST_CASE("a session that is taken up: shares without an answer go out again") {
  Rig rig;
  rig.pools[0]->answer_submits = false;
  rig.start();
  REQUIRE(rig.wait([&] { return rig.mines_for(0); }));
  rig.submit(rig.share());
  REQUIRE(rig.wait([&] { return rig.pools[0]->shares.size() == 1; }));
  rig.pools[0]->drop_connection();
  REQUIRE(rig.wait([&] { return rig.pools[0]->shares.size() == 2; }));
  CHECK_EQ(rig.pools[0]->repeats, 1);  // the very same header
  CHECK_EQ(rig.status().counters.resubmitted, 1);
  CHECK(rig.host.was_told("session resumed: 1 share of the last connection submitted"));
}

TEST_CASE("every pool fails more often than allowed: it gives up, and says why") {
  Rig rig(2);
  rig.settings.retries = 2;
  for (const auto& pool : rig.pools) pool->close();
  rig.start();
  REQUIRE(rig.wait([&] { return !rig.host.gave_up.empty(); }));
  CHECK_NE(rig.host.gave_up.find("connection refused"), std::string::npos);
  CHECK_NE(rig.host.gave_up.find("giving up after "), std::string::npos);
}

TEST_CASE("to another port when the pool says so, and back when nobody is there") {
  Rig rig;
  fake::Pool other(rig.loop);
  other.set_job(fake::make_job(3, 3, true));
  rig.start();
  REQUIRE(rig.wait([&] { return rig.mines_for(0); }));
  stratum::Reconnect reconnect;
  reconnect.host = "127.0.0.1";
  reconnect.port = other.port();
  rig.pools[0]->say(stratum::write_reconnect(reconnect));
  REQUIRE(rig.wait([&] { return other.has_miner() && rig.host.work != nullptr; }));
  CHECK_EQ(rig.host.work->notify.job_id, mining::job_id_text(mining::JobId(3)));
  other.close();
  REQUIRE(rig.wait([&] { return rig.pools[0]->has_miner() && rig.host.work != nullptr; }));
  CHECK_EQ(rig.pools[0]->connections, 2);
}

TEST_CASE("certificates that can't be read end it before it begins") {
  Rig rig;
  rig.settings.pools[0].tls = true;
  rig.settings.pools[0].ca_file = "/nowhere/ca.pem";
  rig.start();
  CHECK_EQ(rig.host.gave_up, "--ca-file \"/nowhere/ca.pem\": No such file or directory");
  CHECK_EQ(rig.pools[0]->connections, 0);
}

TEST_CASE("a refused certificate: said each time, never mined, and the next pool takes over") {
  Rig rig(2);
  fake::TlsFront front(rig.loop, tls_test::make_certificate("127.0.0.1"), rig.pools[0]->port());
  rig.settings.pools[0].tls = true;
  rig.settings.pools[0].port = front.port();
  rig.start();
  REQUIRE(rig.wait([&] { return rig.mines_for(1); }));
  CHECK(rig.host.was_told("its certificate is refused: self-signed certificate"));
  CHECK_EQ(rig.pools[0]->authorize_requests, 0);
}

TEST_CASE("every line is shown where it is asked for, but no password") {
  Rig rig;
  rig.settings.pools[0].password = "s3cret";
  std::string shown;
  rig.settings.dump = [&](std::string_view direction, std::string_view line) {
    shown += std::string(direction) + " " + std::string(line) + "\n";
  };
  rig.start();
  REQUIRE(rig.wait([&] { return rig.host.work != nullptr; }));
  CHECK_NE(shown.find("> {\"id\":2,\"method\":\"mining.subscribe\""), std::string::npos);
  CHECK_NE(shown.find("< {\"id\":2,\"result\":[["), std::string::npos);
  CHECK_NE(shown.find("> (mining.authorize, not shown"), std::string::npos);
  CHECK_EQ(shown.find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace miner
