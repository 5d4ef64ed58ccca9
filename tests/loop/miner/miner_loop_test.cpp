// The whole miner against a pool on loopback: real threads, real sockets, every share judged.
#include "miner/miner_loop.h"

#include "miner/pool_source.h"
#include "tests/loop/miner/fake_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// A pool, a miner, and a deadline, on one loop.
struct Rig {
  std::unique_ptr<std::FILE, CloseFile> out{std::tmpfile()};
  uv::Loop loop;
  fake::Pool pool{loop};
  Console console{{}, out.get(), out.get()};
  std::unique_ptr<MinerLoop> mining;
  bool late = false;

  struct Settings : MinerSettings {
    PoolSourceSettings pool;
  };
  static Settings settings() {
    Settings settings;
    PoolSettings& pool = settings.pool.pools.emplace_back();
    pool.host = "127.0.0.1";
    pool.username = "bcrt1qaddress.rig";
    settings.pool.client.user_agent = "phaseminer/test";
    settings.crew.threads = 3;
    settings.pool.retry_first = milliseconds(20);
    settings.pool.retry_most = milliseconds(100);
    return settings;
  }
  void mine(Settings with = settings()) {
    PoolSettings& first = with.pool.pools[0];
    if (first.port == 0) first.port = pool.port();
    const ScanKernel* kernel = pick_kernel(scan_kernels(), crypto::detect_cpu_features(), "");
    REQUIRE(kernel != nullptr);
    const MinerKernels kernels{
        with.crew.threads > 0 ? kernel : nullptr,
        with.crew.coherence_threads > 0 ? &bloom::kernels().back() : nullptr};
    mining = std::make_unique<MinerLoop>(loop, with, kernels, console, [&](WorkSourceHost& host) {
      return std::make_unique<PoolSource>(loop, with.pool, host);
    });
    uv::Timer deadline(loop, [this] {
      late = true;
      loop.stop();
    });
    deadline.start(seconds(60), milliseconds(0));
    mining->start();
    loop.run();
    CHECK_FALSE(late);
  }
  std::string printed() const {
    std::fflush(out.get());
    std::rewind(out.get());
    std::string text(65536, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out.get()));
    return text;
  }
};

TEST_CASE("shares of three threads at the lowest difficulty: all valid, none twice, all counted") {
  Rig rig;
  rig.pool.set_job(fake::make_job(1, 1, true));
  rig.pool.on_share = [&] {
    if (rig.pool.shares.size() == 2000) rig.mining->stop();
  };
  rig.mine();
  CHECK_GE(rig.pool.shares.size(), 2000);
  std::size_t blocks = 0;
  for (const fake::Pool::Share& share : rig.pool.shares) {
    CHECK_FALSE(share.reject.has_value());
    blocks += share.is_block ? 1 : 0;
  }
  CHECK_EQ(rig.pool.repeats, 0);
  CHECK_EQ(rig.pool.malformed, 0);
  const Status status = rig.mining->status();
  CHECK_EQ(status.counters.accepted, rig.pool.answered_true);  // stop() waited for the answers
  CHECK_EQ(status.counters.rejected, 0);
  CHECK_EQ(status.counters.blocks_accepted, blocks);
  CHECK_EQ(status.wrong_proposals, 0);
  CHECK_GT(status.hashes, 2000);
  CHECK_EQ(rig.mining->exit_code(), 0);
  CHECK_NE(rig.printed().find("authorized as bcrt1qaddress.rig"), std::string::npos);
}

TEST_CASE("an ordinary difficulty: shares are rare and right") {
  Rig rig;
  rig.pool.difficulty = 1.0 / 65536;  // one in 2^16
  rig.pool.set_job(fake::make_job(1, 1, true));
  rig.pool.on_share = [&] {
    if (rig.pool.shares.size() == 40) rig.mining->stop();
  };
  rig.mine();
  for (const fake::Pool::Share& share : rig.pool.shares) CHECK_FALSE(share.reject.has_value());
  CHECK_EQ(rig.pool.repeats, 0);
}

TEST_CASE("a new tip: shares are for the new job soon, and for no other afterwards") {
  Rig rig;
  rig.pool.set_job(fake::make_job(1, 1, true));
  std::uint64_t newest_job = 1;
  std::size_t of_newest = 0;
  rig.pool.on_share = [&] {
    // Shares of the job before may still be on their way.
    const bool is_newest =
        rig.pool.shares.back().job_id == mining::job_id_text(mining::JobId(newest_job));
    of_newest += is_newest ? 1 : 0;
    if (of_newest < 50) return;
    if (newest_job == 11) return rig.mining->stop();
    of_newest = 0;
    ++newest_job;
    rig.pool.set_job(fake::make_job(newest_job, static_cast<std::uint8_t>(newest_job), true));
  };
  rig.mine();
  std::string newest;
  for (const fake::Pool::Share& share : rig.pool.shares) {
    if (newest.empty()) newest = share.job_id;
    CHECK_GE(share.job_id, newest);  // ids rise: once a new job is mined, never the old one
    newest = std::max(newest, share.job_id);
  }
  CHECK_EQ(newest, mining::job_id_text(mining::JobId(11)));
  CHECK_EQ(rig.pool.repeats, 0);
}

TEST_CASE("a pool that does not answer gets at most 256 shares, and more once it does") {
  Rig rig;
  rig.pool.answer_submits = false;
  rig.pool.set_job(fake::make_job(1, 1, true));
  std::size_t after_wait = 0;
  uv::Timer look(rig.loop, [&] {
    if (after_wait == 0) {
      after_wait = rig.pool.shares.size();
      CHECK_LE(rig.mining->status().counters.accepted, 0);
      rig.pool.answer_all();
    } else if (rig.pool.shares.size() > after_wait) {
      rig.mining->stop();
    }
  });
  look.start(milliseconds(500), milliseconds(50));
  rig.mine();
  CHECK_EQ(after_wait, 256);
  CHECK_EQ(rig.pool.repeats, 0);
}

TEST_CASE("connections that end: it comes back, and repeats no share but unanswered ones") {
  Rig rig;
  rig.pool.set_job(fake::make_job(1, 1, true));
  std::size_t next_drop = 50;
  uv::Timer dropper(rig.loop, [&] {
    if (rig.pool.shares.size() < next_drop) return;
    if (rig.pool.connections == 5) return rig.mining->stop();
    next_drop = rig.pool.shares.size() + 50;
    rig.pool.drop_connection();
  });
  dropper.start(milliseconds(2), milliseconds(2));
  rig.mine();
  CHECK_EQ(rig.pool.connections, 5);
  // The fake pool gives everybody the same extranonce1: to the miner that is its old session.
  CHECK_LE(rig.pool.repeats, rig.mining->status().counters.resubmitted);
  CHECK_EQ(rig.mining->status().reconnects, 4);
  CHECK_NE(rig.printed().find("not mining, next attempt in"), std::string::npos);
}

TEST_CASE("nothing is hashed without a connection") {
  Rig rig;
  rig.pool.set_job(fake::make_job(1, 1, true));
  Rig::Settings settings = Rig::settings();
  settings.pool.retry_first = settings.pool.retry_most =
      seconds(30);  // stays away once it is dropped
  std::uint64_t hashes = 0;
  int looks_unchanged = 0;
  bool dropped = false;
  uv::Timer timer(rig.loop, [&] {
    if (!dropped) {
      if (rig.pool.shares.size() < 10) return;
      dropped = true;
      rig.pool.drop_connection();
      return;
    }
    // A batch may still be running; then the number stands still, or the deadline passes.
    const std::uint64_t now = rig.mining->status().hashes;
    looks_unchanged = std::exchange(hashes, now) == now ? looks_unchanged + 1 : 0;
    if (looks_unchanged < 5) return;
    CHECK_EQ(rig.mining->status().link, LinkState::disconnected);
    rig.mining->stop();
  });
  timer.start(milliseconds(50), milliseconds(50));
  rig.mine(settings);
  CHECK_GT(hashes, 0);
}

TEST_CASE("a rate that is set is kept to") {
  Rig rig;
  rig.pool.set_job(fake::make_job(1, 1, true));
  Rig::Settings settings = Rig::settings();
  settings.pool.client.shares_per_second_max = 100;
  rig.pool.on_share = [&] {
    if (rig.pool.shares.size() == 100) rig.mining->stop();
  };
  rig.mine(settings);
  const auto took = rig.pool.shares[99].at - rig.pool.shares[0].at;
  CHECK_GE(took, milliseconds(700));  // 900, less what the loop was late at first
}

TEST_CASE("refused by the pool: it says why, pauses, and gives up after the retries it was given") {
  Rig rig;
  rig.pool.authorize = false;
  rig.pool.set_job(fake::make_job(1, 1, true));
  Rig::Settings settings = Rig::settings();
  settings.pool.retries = 0;
  rig.mine(settings);
  CHECK_EQ(rig.mining->exit_code(), 1);
  CHECK_EQ(rig.pool.authorize_requests, 1);
  CHECK_NE(rig.printed().find("refused user \"bcrt1qaddress.rig\""), std::string::npos);
}

TEST_CASE("nobody listens: attempts, then exit code 1") {
  Rig rig;
  Rig::Settings settings = Rig::settings();
  {
    uv::Loop other;
    fake::Pool gone(other);
    settings.pool.pools[0].port = gone.port();  // free again at the end of this block
  }
  settings.pool.retries = 2;
  rig.mine(settings);
  CHECK_EQ(rig.mining->exit_code(), 1);
  CHECK_NE(rig.printed().find("giving up after 3 attempts"), std::string::npos);
}

TEST_CASE("stop ends within a second though the pool owes answers") {
  Rig rig;
  rig.pool.answer_submits = false;
  rig.pool.set_job(fake::make_job(1, 1, true));
  base::MonoTime stopped_at{};
  rig.pool.on_share = [&] {
    if (rig.pool.shares.size() != 100) return;
    stopped_at = uv::read_clock().mono;
    rig.mining->stop();
  };
  rig.mine();
  rig.mining.reset();  // joins the workers
  // A second on a machine of its own; tests share theirs with others.
  CHECK_LT(uv::read_clock().mono - stopped_at, milliseconds(2000));
  CHECK_NE(rig.printed().find("never answered"), std::string::npos);
}

// Gives one job, and counts what is found before and after it is told to stop.
struct CountingSource final : WorkSource {
  explicit CountingSource(WorkSourceHost& host_of_it) : host(host_of_it) {}

  void start() override {
    auto work = std::make_shared<Work>();
    const auto notify =
        stratum::parse_server_message(fake::make_job(1, 1, true)->work().notify_line);
    work->notify = std::get<stratum::Notify>(notify.value());
    work->extranonce2_size = 8;
    work->difficulty = bitcoin::Difficulty::from_double(bitcoin::Difficulty::least).value();
    work->share_target = bitcoin::Target256::from_difficulty(work->difficulty);
    work->search_id = 1;
    host.set_work(work);
  }
  void on_share(FoundShare, base::MonoTime) override {
    ++(stopped ? shares_after_stop : shares);
    if (!stopped) on_first();
  }
  void on_proof(FoundProof, base::MonoTime) override {}
  void on_tick(base::MonoTime) override {}
  Appetite appetite() const override { return Appetite::shares; }
  Appetite coherence_appetite() const override { return Appetite::nothing; }
  bool awaits_answers() const override { return false; }
  void stop() override { stopped = true; }
  void end() override { ended = true; }
  void describe(Status&) const override {}
  bool is_resolving() const override { return false; }

  WorkSourceHost& host;
  std::function<void()> on_first;
  std::size_t shares = 0;
  std::size_t shares_after_stop = 0;
  bool stopped = false;
  bool ended = false;
};

TEST_CASE("what the batch under way finds when it is told to stop is submitted yet") {
  uv::Loop loop;
  const std::unique_ptr<std::FILE, CloseFile> out(std::tmpfile());
  Console console({true, false, false, false}, out.get(), out.get());
  CountingSource* source = nullptr;
  MinerSettings settings;
  settings.crew.threads = 1;
  MinerLoop mining(loop, settings,
                   {pick_kernel(scan_kernels(), crypto::detect_cpu_features(), ""), nullptr},
                   console, [&](WorkSourceHost& host) {
                     auto made = std::make_unique<CountingSource>(host);
                     source = made.get();
                     return made;
                   });
  source->on_first = [&mining] { mining.stop(); };
  mining.start();
  loop.run();
  CHECK_EQ(source->shares, 1);
  CHECK_GT(source->shares_after_stop, 0);  // every nonce of a batch is a share
  CHECK(source->ended);
}

// A witness log that goes with its test.
struct WitnessFile {
  std::string path =
      (std::filesystem::temp_directory_path() /
       ("witness-" + std::to_string(uv::read_clock().mono.time_since_epoch().count())))
          .string();
  ~WitnessFile() { std::filesystem::remove(path); }
  std::vector<std::string> lines() const {
    std::ifstream file(path);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }
};

TEST_CASE("both kinds of work on one connection: all shares and proofs true, none twice") {
  Rig rig;
  const WitnessFile witness;
  rig.pool.set_job(fake::make_job(1, 1, true));
  rig.pool.set_coherence_job(fake::make_coherence_job(1, 1, true));
  Rig::Settings settings = Rig::settings();
  settings.crew.threads = 1;
  settings.crew.coherence_threads = 2;
  settings.pool.client.coherence = true;
  settings.witness_path = witness.path;
  std::uint8_t newest = 1;
  bool stopped = false;  // called again, stop() would not wait for answers
  rig.pool.on_proof = [&] {
    if (stopped || rig.pool.proofs.size() < newest * std::size_t{10}) return;
    if (newest == 3) {
      // Proofs of the job before may still be on their way.
      stopped = rig.pool.shares.size() >= 100 && rig.pool.proofs.back().job_id == "3";
      if (stopped) rig.mining->stop();
      return;
    }
    ++newest;
    rig.pool.set_coherence_job(fake::make_coherence_job(newest, newest, true));
  };
  rig.mine(settings);
  std::string seen = "1";
  for (const fake::Pool::Proof& proof : rig.pool.proofs) {
    CHECK(proof.known_job);
    CHECK(proof.flaw == std::nullopt);
    CHECK_GE(proof.job_id, seen);  // once a new job is mined, never the old one
    seen = proof.job_id;
  }
  CHECK_EQ(seen, "3");
  CHECK_EQ(rig.pool.repeats, 0);
  CHECK_EQ(rig.pool.malformed, 0);
  const Status status = rig.mining->status();
  REQUIRE(status.coherence);
  CHECK_EQ(status.coherence->counters.accepted, rig.pool.proofs.size());
  CHECK_EQ(status.coherence->counters.rejected, 0);
  CHECK_EQ(status.coherence->wrong_blooms, 0);
  CHECK_GE(status.coherence->blooms, rig.pool.proofs.size());
  CHECK_GT(status.counters.accepted, 0);
  const auto lines = witness.lines();
  REQUIRE_EQ(lines.size(), 3);
  CHECK_EQ(lines[0].rfind("1 " + base::to_hex(base::Bytes(32, 1)) + " ", 0), 0);
  CHECK_EQ(lines[2].rfind("3 " + base::to_hex(base::Bytes(32, 3)) + " ", 0), 0);
}

TEST_CASE("a pool that leaves out the height: said once a connection, and nothing is witnessed") {
  Rig rig;
  const WitnessFile witness;
  const auto job = [](std::uint8_t id) {
    stratum::CoherenceNotify notify = fake::make_coherence_job(id, id, true);
    notify.height.reset();
    return notify;
  };
  rig.pool.set_coherence_job(job(1));
  Rig::Settings settings = Rig::settings();
  settings.crew.threads = 0;
  settings.crew.coherence_threads = 1;
  settings.pool.client.sha256d = false;
  settings.pool.client.coherence = true;
  settings.witness_path = witness.path;
  std::uint8_t newest = 1;
  uv::Timer director(rig.loop, [&] {
    if (rig.pool.proofs.empty() || rig.pool.proofs.back().job_id != std::to_string(newest)) return;
    if (newest == 4) return rig.mining->stop();
    ++newest;
    if (newest == 3) rig.pool.drop_connection();
    rig.pool.set_coherence_job(job(newest));
  });
  director.start(milliseconds(2), milliseconds(2));
  rig.mine(settings);
  CHECK_EQ(rig.pool.connections, 2);
  const std::string printed = rig.printed();
  const std::string told = "does not say its chain's height: no witness log can be kept";
  std::size_t count = 0;
  for (auto at = printed.find(told); at != std::string::npos; at = printed.find(told, at + 1)) {
    ++count;
  }
  CHECK_EQ(count, 2);
  CHECK(witness.lines().empty());
}

TEST_CASE("only coherence work: connections that end, and verifiers that are busy") {
  Rig rig;
  rig.pool.set_coherence_job(fake::make_coherence_job(1, 1, true));
  rig.pool.busy_answers = 5;
  Rig::Settings settings = Rig::settings();
  settings.crew.threads = 0;
  settings.crew.coherence_threads = 2;
  settings.pool.client.sha256d = false;
  settings.pool.client.coherence = true;
  std::size_t next_drop = 10;
  uv::Timer dropper(rig.loop, [&] {
    const CoherenceCounters counters = rig.mining->status().coherence->counters;
    if (rig.pool.proofs.size() < next_drop || counters.retries == 0) return;
    if (rig.pool.connections == 3 && counters.accepted > 20) {
      return rig.mining->stop();
    }
    if (rig.pool.connections == 3) return;
    next_drop = rig.pool.proofs.size() + 10;
    rig.pool.drop_connection();
  });
  dropper.start(milliseconds(2), milliseconds(2));
  rig.mine(settings);
  CHECK_EQ(rig.pool.connections, 3);
  CHECK_EQ(rig.pool.busy_answers, 0);
  CHECK_EQ(rig.mining->status().coherence->counters.dropped_busy, 0);
  CHECK_EQ(rig.pool.repeats, 0);
  CHECK(rig.pool.shares.empty());
  for (const fake::Pool::Proof& proof : rig.pool.proofs) CHECK(proof.flaw == std::nullopt);
  CHECK_EQ(rig.mining->status().hashes, 0);
  CHECK_NE(rig.printed().find("not mining, next attempt in"), std::string::npos);
}

}  // namespace
}  // namespace miner
