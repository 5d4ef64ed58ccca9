// PoolLink by itself: pauses between attempts, leaving, and coming back.
#include "miner/pool_link.h"

#include "tests/loop/miner/fake_pool.h"
#include "tests/loop/miner/waiting.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Rig final : PoolLinkHost {
  uv::Loop loop;
  fake::Pool pool{loop};
  std::vector<milliseconds> pauses;
  std::vector<std::string> failures;
  std::size_t heard = 0;
  std::unique_ptr<PoolLink> link;

  Rig() { pool.set_job(fake::make_job(1, 1, true)); }
  void make(milliseconds first, milliseconds most, ClientOptions client = {}) {
    make_for(pool.port(), first, most, std::move(client));
  }
  void make_for(std::uint16_t port, milliseconds first, milliseconds most,
                ClientOptions client = {}) {
    PoolLinkSettings settings;
    settings.pool.host = "127.0.0.1";
    settings.pool.port = port;
    settings.client = std::move(client);
    settings.client.username = "bcrt1qaddress.rig";
    settings.client.host = settings.pool.host;
    settings.retry_first = first;
    settings.retry_most = most;
    link = std::make_unique<PoolLink>(loop, std::move(settings), *this);
  }
  template <class Condition>
  bool wait(Condition condition) {
    return wait_until(loop, [&] {
      link->on_tick(uv::read_clock().mono);
      return condition();
    });
  }
  void on_link_work(std::uint32_t) override {}
  void on_link_coherence_work(std::uint32_t) override {}
  void on_link_failed(std::uint32_t, std::string_view why, milliseconds pause) override {
    failures.emplace_back(why);
    pauses.push_back(pause);
  }
  void on_link_heard(std::uint32_t) override { ++heard; }
  void report(const ClientEvent&) override {}
};

TEST_CASE("pauses double up to the longest, drawn from their upper halves") {
  Rig rig;
  rig.pool.close();
  rig.make(milliseconds(8), milliseconds(64));
  rig.link->start();
  CHECK(rig.link->is_wanted());
  REQUIRE(rig.wait([&] { return rig.pauses.size() == 6; }));
  const int whole[] = {8, 16, 32, 64, 64, 64};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK_GE(rig.pauses[i], milliseconds(whole[i] / 2));
    CHECK_LE(rig.pauses[i], milliseconds(whole[i]));
  }
  CHECK_EQ(rig.link->failures_in_a_row(), 6);
  CHECK(rig.link->is_pausing());
  CHECK_NE(rig.failures[0].find("connection refused"), std::string::npos);
}

TEST_CASE("a pool that refuses us is not asked again before ten seconds") {
  Rig rig;
  rig.pool.authorize = false;
  rig.make(milliseconds(1), milliseconds(1));
  rig.link->start();
  REQUIRE(rig.wait([&] { return !rig.pauses.empty(); }));
  CHECK_EQ(rig.pauses[0], seconds(10));
}

TEST_CASE("ready with its first job, and no longer when the connection ends") {
  Rig rig;
  rig.make(seconds(100), seconds(100));
  rig.link->start();
  rig.link->start();  // nothing more
  REQUIRE(rig.wait([&] { return rig.link->is_ready(); }));
  CHECK_EQ(rig.link->state(), LinkState::mining);
  CHECK_GE(rig.link->ready_since(), rig.link->began());
  CHECK_EQ(rig.pool.connections, 1);
  CHECK_GT(rig.heard, 0);
  rig.pool.drop_connection();
  REQUIRE(rig.wait([&] { return !rig.failures.empty(); }));
  CHECK_FALSE(rig.link->is_ready());
  CHECK_EQ(rig.link->state(), LinkState::disconnected);
}

TEST_CASE(
    "left: it closes when nothing is owed, does not come back by itself, and does when asked") {
  Rig rig;
  rig.make(milliseconds(1), milliseconds(1));
  rig.link->start();
  REQUIRE(rig.wait([&] { return rig.link->is_ready(); }));
  rig.link->leave(uv::read_clock().mono);
  REQUIRE(rig.wait([&] { return !rig.link->is_ready(); }));
  CHECK_EQ(rig.link->state(), LinkState::disconnected);
  CHECK(rig.failures.empty());
  CHECK_FALSE(rig.link->is_pausing());
  rig.link->start();
  REQUIRE(rig.wait([&] { return rig.link->is_ready(); }));
  CHECK_EQ(rig.pool.connections, 2);
  CHECK_EQ(rig.link->reconnects(), 1);
}

TEST_CASE("left while an answer is due: it waits for that, some seconds at most") {
  for (const bool answers : {true, false}) {
    Rig rig;
    rig.pool.answer_submits = false;
    rig.make(milliseconds(1), milliseconds(1));
    rig.link->start();
    REQUIRE(rig.wait([&] { return rig.link->is_ready(); }));
    FoundShare share;
    share.work = rig.link->client().work();
    share.extranonce2 = base::Bytes(8, 0);
    share.ntime = share.work->notify.ntime;
    rig.link->on_share(share, uv::read_clock().mono);
    REQUIRE(rig.wait([&] { return rig.pool.shares.size() == 1; }));
    base::MonoTime now = uv::read_clock().mono;
    rig.link->leave(now);
    rig.link->on_tick(now + milliseconds(4900));
    CHECK(rig.link->is_ready());
    if (answers) {
      rig.pool.answer_all();
      REQUIRE(rig.wait([&] { return !rig.link->is_ready(); }));
      CHECK_EQ(rig.link->client().counters().accepted, 1);
    } else {
      now += seconds(6);
      REQUIRE(wait_until(rig.loop, [&] {
        rig.link->on_tick(now);
        return !rig.link->is_ready();
      }));
    }
  }
}

// What a pool says before the miner goes to another port of its host.
std::string reconnect_to(std::uint16_t port) {
  return fmt::format(R"({{"id":null,"method":"client.reconnect","params":["",{},0]}})"
                     "\n",
                     port);
}

TEST_CASE("sent to a port that is open but no pool's: the configured one counts again") {
  Rig rig;
  std::size_t strangers = 0;
  const auto stranger = uv::TcpListener::listen(
      rig.loop, {.host = "127.0.0.1", .port = 0}, {},
      [&](std::unique_ptr<uv::TcpStream>) { ++strangers; });  // closed at once
  REQUIRE(stranger.has_value());
  rig.make(milliseconds(1), milliseconds(1));
  rig.link->start();
  REQUIRE(rig.wait([&] { return rig.link->is_ready(); }));
  rig.pool.say(reconnect_to((*stranger)->bound_port()));
  REQUIRE(rig.wait([&] { return strangers == 1; }));
  REQUIRE(rig.wait([&] { return rig.link->is_ready(); }));
  CHECK_EQ(rig.pool.connections, 2);
}

TEST_CASE("sent on before it gave any work: to where there is some, not round and round") {
  Rig rig;
  fake::Pool gate(rig.loop);  // has no job
  fake::Pool gate_behind(rig.loop);
  rig.make_for(gate.port(), milliseconds(1), milliseconds(1));
  rig.link->start();
  REQUIRE(rig.wait([&] { return gate.has_miner(); }));
  gate.say(reconnect_to(gate_behind.port()));
  REQUIRE(rig.wait([&] { return gate_behind.has_miner(); }));
  gate_behind.say(reconnect_to(rig.pool.port()));
  REQUIRE(rig.wait([&] { return rig.link->is_ready(); }));
  CHECK_EQ(rig.pool.connections, 1);
  // It keeps to the port that had work.
  rig.pool.drop_connection();
  REQUIRE(rig.wait([&] { return rig.pool.connections == 2 && rig.link->is_ready(); }));

  // A pool that always sends its miners to itself is left for the configured port.
  rig.pool.say(reconnect_to(gate_behind.port()));
  for (int i = 1; i <= 5; ++i) {
    REQUIRE(rig.wait([&] { return gate_behind.has_miner(); }));
    if (gate.connections > 1) break;
    gate_behind.say(reconnect_to(gate_behind.port()));
    REQUIRE(rig.wait([&] { return !gate_behind.has_miner(); }));
  }
  REQUIRE(rig.wait([&] { return gate.connections == 2; }));
}

TEST_CASE("stopped: what is open stays so, and nothing is begun") {
  Rig rig;
  rig.make(milliseconds(1), milliseconds(1));
  rig.link->start();
  REQUIRE(rig.wait([&] { return rig.link->is_ready(); }));
  rig.link->stop();
  CHECK(rig.link->is_ready());
  rig.pool.drop_connection();
  REQUIRE(rig.wait([&] { return !rig.link->is_ready(); }));
  CHECK(rig.failures.empty());
}

}  // namespace
}  // namespace miner
