// PoolSource: work from a pool. Carries out what MinerClient asks for, on libuv: connects and
// reconnects.
//
// While there is no connection nothing is mined: what would be found could not be submitted. The
// pause before the next attempt doubles from 1 s to the configured maximum, with jitter, and starts
// over after a share was accepted or a connection lasted a minute.
//
// Thread: the loop's.
#pragma once

#include "common/base/random.h"
#include "common/uv/loop.h"
#include "common/uv/tcp.h"
#include "miner/backoff.h"
#include "miner/miner_client.h"
#include "miner/pool_settings.h"
#include "miner/work_source.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace miner {

struct PoolSourceSettings {
  std::vector<PoolSettings> pools;  // at least one
  ClientOptions client;             // but for username and password
  std::chrono::milliseconds retry_first{1000};
  std::chrono::milliseconds retry_most{30'000};
  std::int64_t retries = -1;  // attempts in a row that may fail; -1: any number
  std::uint64_t seed = 0;     // for the jitter
};

class PoolSource final : public WorkSource, private MinerHost {
 public:
  // `loop` and `host` outlive it.
  PoolSource(uv::Loop& loop, PoolSourceSettings settings, WorkSourceHost& host);
  ~PoolSource() override;
  PoolSource(const PoolSource&) = delete;
  PoolSource& operator=(const PoolSource&) = delete;

  void start() override { connect(); }
  void on_share(FoundShare share, base::MonoTime now) override;
  void on_proof(FoundProof proof, base::MonoTime now) override;
  void on_tick(base::MonoTime now) override;
  Appetite appetite() const override { return client_.appetite(); }
  Appetite coherence_appetite() const override;
  bool awaits_answers() const override { return client_.awaits_answers(); }
  void stop() override { stopping_ = true; }
  void end() override { client_.end(); }
  void describe(Status& status) const override;
  bool is_resolving() const override { return connector_ != nullptr; }

 private:
  // MinerHost
  void send(std::string_view line) override;
  void set_work(std::shared_ptr<const Work> work) override;
  void set_coherence_work(std::shared_ptr<const CoherenceWork> work) override;
  void disconnect(std::chrono::seconds pause) override;
  void redirect(std::uint16_t port) override;
  void report(const ClientEvent& event) override;

  void connect();
  void on_connected(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result);
  void on_close(uv::CloseCause cause);
  void retry_later(std::string_view why);

  uv::Loop& loop_;
  const PoolSourceSettings settings_;
  WorkSourceHost& host_;
  MinerClient client_;
  base::Random random_;
  Backoff backoff_;
  base::MonoTime connected_at_{};
  std::int64_t failures_in_a_row_ = 0;
  std::uint64_t reconnects_ = 0;
  std::chrono::milliseconds pause_least_{0};  // what the client asked for at disconnect()
  bool ever_connected_ = false;
  bool stopping_ = false;

  uv::Timer retry_;
  std::unique_ptr<uv::TcpConnector> connector_;
  std::unique_ptr<uv::TcpStream> stream_;
  bool stream_over_ = false;  // on_close has come: to be destroyed outside its callbacks
};

}  // namespace miner
