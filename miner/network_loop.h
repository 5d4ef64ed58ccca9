// NetworkLoop: carries out what MinerClient asks for, on libuv. Connects, reconnects, hands work to
// the workers and their shares to the client, and keeps the console up to date.
//
// While there is no connection nothing is mined: what would be found could not be submitted. The
// pause before the next attempt doubles from 1 s to the configured maximum, with jitter, and starts
// over after a share was accepted or a connection lasted a minute.
//
// Thread: the loop's, all of it, but for the workers' mailbox.
#pragma once

#include "common/base/random.h"
#include "common/uv/loop.h"
#include "common/uv/tcp.h"
#include "miner/backoff.h"
#include "miner/bloom_worker.h"
#include "miner/console.h"
#include "miner/miner_client.h"
#include "miner/status.h"
#include "miner/witness_log.h"
#include "miner/worker.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace miner {

struct NetworkSettings {
  std::string host;
  std::uint16_t port = 0;
  ClientOptions client;
  std::uint32_t threads = 1;            // that hash; none unless client.sha256d
  std::uint32_t coherence_threads = 0;  // none unless client.coherence
  std::string witness_path;             // empty: none
  std::chrono::milliseconds retry_first{1000};
  std::chrono::milliseconds retry_most{30'000};
  std::int64_t retries = -1;  // attempts in a row that may fail; -1: any number
  std::uint64_t seed = 0;     // for the jitter
};

// Null where there are no threads for it.
struct MinerKernels {
  const ScanKernel* scan = nullptr;
  const bloom::Kernel* bloom = nullptr;
};

class NetworkLoop final : private MinerHost {
 public:
  // `loop`, the kernels and `console` outlive it. Threads start at once and wait for work.
  NetworkLoop(uv::Loop& loop, NetworkSettings settings, const MinerKernels& kernels,
              Console& console);
  ~NetworkLoop() override;
  NetworkLoop(const NetworkLoop&) = delete;
  NetworkLoop& operator=(const NetworkLoop&) = delete;

  void start();
  // Stops hashing, waits up to half a second for the answers that are due, then stops the loop.
  // Called again, it does not wait.
  void stop();

  // 0; 1 when it gave up connecting or the reader of its output went away.
  int exit_code() const { return exit_code_; }
  Status status() const;
  bool is_connecting() const { return connector_ != nullptr; }

 private:
  // MinerHost
  void send(std::string_view line) override;
  void set_work(std::shared_ptr<const Work> work) override;
  void set_coherence_work(std::shared_ptr<const CoherenceWork> work) override;
  void disconnect(std::chrono::seconds pause) override;
  void report(const ClientEvent& event) override;

  void connect();
  void on_connected(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result);
  void on_close(uv::CloseCause cause);
  void retry_later(std::string_view why);
  void on_worker_message(WorkerMessage&& message);
  void on_tick();
  void on_second();
  void on_progress();
  void finish();
  void stop_if_unread(bool read);
  void guide_workers();
  void sample_rates(base::MonoTime now);
  void note_witness(const CoherenceWork& work);
  std::uint64_t hashes() const;
  BloomProgress bloom_progress() const;
  CoherenceStatus coherence_status() const;

  uv::Loop& loop_;
  const NetworkSettings settings_;
  const MinerKernels kernels_;
  Console& console_;
  MinerClient client_;
  base::Random random_;
  Backoff backoff_;
  RateMeter rate_;
  RateMeter rounds_rate_;
  RateMeter attempts_rate_;
  std::optional<WitnessLog> witness_;
  const base::MonoTime started_at_;
  base::MonoTime connected_at_{};
  base::MonoTime stop_deadline_{};
  std::int64_t failures_in_a_row_ = 0;
  std::uint64_t reconnects_ = 0;
  std::chrono::milliseconds pause_least_{0};  // what the client asked for at disconnect()
  bool ever_connected_ = false;
  bool exhausted_told_ = false;
  bool height_missing_told_ = false;  // of this connection
  bool stopping_ = false;
  bool finished_ = false;
  int exit_code_ = 0;

  uv::Timer tick_;
  uv::Timer second_;
  uv::Timer retry_;
  uv::Timer progress_;
  std::unique_ptr<uv::TcpConnector> connector_;
  std::unique_ptr<uv::TcpStream> stream_;
  bool stream_over_ = false;  // on_close has come: to be destroyed outside its callbacks

  WorkerGuide guide_;
  WorkerGuide bloom_guide_;
  WorkerOutbox found_;
  // Last: they post to found_.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<BloomWorker>> bloom_workers_;
};

}  // namespace miner
