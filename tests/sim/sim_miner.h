// SimMiner: a miner at a toy target. Its conversation is the real one (miner/miner_client.h), and
// so are its searches (miner/search.h); its speed is virtual: shares come as a Poisson process, and
// each is then searched for in earnest.
//
// Beside what the client does, it misbehaves as some firmware does: it sends a submit twice, sends
// one for the job before after it was told to leave that, sends lines that are no requests, and
// asks for its old session when it comes back.
// Thread: the one there is.
#pragma once

#include "common/stratum/line_buffer.h"
#include "miner/backoff.h"
#include "miner/miner_client.h"
#include "miner/search.h"
#include "tests/sim/sim_network.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

namespace sim {

struct MinerOptions {
  std::uint32_t index = 0;
  std::string worker;  // "<address>.<name>"
  double hashes_per_second = 1;
  Micros stale_grace = 0;  // the pool's
  bool resumes = false;    // asks for its session when it comes back
  const miner::ScanKernel* kernel = nullptr;
};

class SimMiner final : private miner::MinerHost, public MinerEnd {
 public:
  SimMiner(Environment& env, SimNetwork& network, MinerOptions options);
  SimMiner(const SimMiner&) = delete;
  SimMiner& operator=(const SimMiner&) = delete;

  void start(Micros when);
  // It finds no more shares, but stays.
  void stop_mining() { mining_ = false; }
  // Sends more requests than it reads answers to.
  void chatter();

  bool has_job_on(const bitcoin::BlockHash& tip, std::uint64_t job_least) const;
  bool is_at_rest() const { return client_.unanswered() + client_.queued() == 0; }
  WireId wire() const { return wire_; }
  std::string state() const;

  void on_connected(WireId wire) override;
  void on_bytes(WireId wire, std::string_view bytes) override;
  void on_cut(WireId wire) override;

 private:
  using SubmitKey = std::tuple<std::string, std::string, std::uint32_t, std::uint32_t>;

  void send(std::string_view line) override;
  void set_work(std::shared_ptr<const miner::Work> work) override;
  void set_coherence_work(std::shared_ptr<const miner::CoherenceWork>) override {}  // never asked
  void disconnect(std::chrono::seconds pause) override;
  void redirect(std::uint16_t) override {}  // the pool has one port
  void report(const miner::ClientEvent& event) override;

  base::MonoTime mono() const { return env_.schedule.instant().mono; }
  void connect();
  void connect_later(Micros pause);
  void forget_wire();
  void tick();
  void schedule_share();
  void find_share();
  std::optional<miner::FoundShare> search_once();
  void keep_late_share(const miner::Work& next);
  void send_raw(const miner::FoundShare& share, Micros delay, bool stale);
  void on_submit_sent(std::string_view line);
  void on_response(std::string_view line);

  Environment& env_;
  SimNetwork& network_;
  const MinerOptions options_;
  miner::MinerClient client_;
  miner::Search search_;
  miner::Backoff backoff_;
  WireId wire_{};
  bool connected_ = false;
  bool mining_ = true;
  std::shared_ptr<const miner::Work> work_;
  std::uint64_t share_plan_ = 0;  // of the next share; an older plan is void
  std::optional<stratum::LineBuffer> lines_;
  std::string session_id_;
  std::uint64_t next_raw_id_ = 1'000'000'000'000;
  std::map<SubmitKey, miner::FoundShare> found_;  // of the last works
  struct Asked {
    std::uint64_t id;
    bitcoin::BlockHash hash;
  };
  std::deque<Asked> unanswered_;  // submits, in the order of their sending
};

}  // namespace sim
