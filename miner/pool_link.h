// PoolLink: one pool: its conversation (MinerClient), its connection (PoolTransport), and when it
// is tried again.
//
// Between start() and leave() there is a connection, or an attempt, or the pause before the next
// attempt. The pause doubles from 1 s to the configured maximum, with jitter, and starts over after
// a share was accepted or a connection lasted a minute. A pool that refuses us, or names a pause,
// is not asked again before that.
//
// Thread: the loop's.
#pragma once

#include "common/base/random.h"
#include "common/uv/loop.h"
#include "miner/backoff.h"
#include "miner/miner_client.h"
#include "miner/pool_settings.h"
#include "miner/pool_transport.h"
#include "miner/status.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace miner {

class PoolLinkHost {
 public:
  virtual ~PoolLinkHost() = default;
  // Its work of one kind is another now, or gone.
  virtual void on_link_work(std::uint32_t link) = 0;
  virtual void on_link_coherence_work(std::uint32_t link) = 0;
  // The connection could not be made, or ended; the next attempt is `pause` away.
  virtual void on_link_failed(std::uint32_t link, std::string_view why,
                              std::chrono::milliseconds pause) = 0;
  // Bytes came, so that anything may be another.
  virtual void on_link_heard(std::uint32_t link) = 0;
  virtual void report(const ClientEvent& event) = 0;
};

struct PoolLinkSettings {
  PoolSettings pool;
  ClientOptions client;                        // with the link's number as its `pool`
  std::shared_ptr<const net::TlsContext> tls;  // null where the pool has none
  std::chrono::milliseconds retry_first{1000};
  std::chrono::milliseconds retry_most{30'000};
  std::uint64_t seed = 0;                                                       // for the jitter
  std::function<void(std::string_view direction, std::string_view line)> dump;  // may be empty
};

class PoolLink final : private MinerHost {
 public:
  // `loop` and `host` outlive it.
  PoolLink(uv::Loop& loop, PoolLinkSettings settings, PoolLinkHost& host);
  ~PoolLink() override;
  PoolLink(const PoolLink&) = delete;
  PoolLink& operator=(const PoolLink&) = delete;

  // Connects, and goes on trying. Nothing when it does already.
  void start();
  // Closes once no answer is due, within a few seconds.
  void leave(base::MonoTime now);
  // No further attempt. What is open stays open.
  void stop();
  void end() { client_.end(); }

  void on_tick(base::MonoTime now);
  void on_share(FoundShare share, base::MonoTime now) { client_.on_share(std::move(share), now); }
  void on_proof(FoundProof proof, base::MonoTime now) { client_.on_proof(std::move(proof), now); }

  // There is work of one kind at least.
  bool is_ready() const { return client_.is_mining(); }
  // Since when there has been, without a break.
  base::MonoTime ready_since() const { return ready_since_; }
  bool is_wanted() const { return wanted_; }
  bool is_pausing() const { return wanted_ && !transport_; }
  base::MonoTime began() const { return began_; }  // its attempt, or its connection
  bool is_resolving() const { return transport_ && transport_->is_resolving(); }
  std::int64_t failures_in_a_row() const { return failures_in_a_row_; }
  std::uint64_t reconnects() const { return reconnects_; }
  LinkState state() const;
  const MinerClient& client() const { return client_; }
  const PoolSettings& pool() const { return settings_.pool; }

 private:
  // MinerHost
  void send(std::string_view line) override;
  void set_work(std::shared_ptr<const Work> work) override;
  void set_coherence_work(std::shared_ptr<const CoherenceWork> work) override;
  void disconnect(std::chrono::seconds pause) override;
  void redirect(std::uint16_t port) override;
  void report(const ClientEvent& event) override;

  void connect();
  void on_open();
  void on_bytes(base::ByteSpan bytes);
  void on_end(std::string_view why);
  void note_ready();
  void forget_redirect();
  void dump_incoming(base::ByteSpan bytes);
  std::string name() const;

  uv::Loop& loop_;
  const PoolLinkSettings settings_;
  PoolLinkHost& host_;
  const std::uint32_t number_;
  MinerClient client_;
  base::Random random_;
  Backoff backoff_;
  uv::Timer retry_;
  bool wanted_ = false;
  std::optional<base::MonoTime> leaving_since_;
  bool stopped_ = false;
  std::optional<std::uint16_t> redirected_port_;
  std::chrono::milliseconds pause_least_{0};  // what the client asked for at disconnect()
  base::MonoTime began_{};
  base::MonoTime ready_since_{};
  bool was_ready_ = false;
  bool was_open_ = false;         // the transport under way
  bool had_work_ = false;         // from it
  bool redirected_anew_ = false;  // by it
  std::uint32_t redirects_without_work_ = 0;
  bool ever_connected_ = false;
  std::int64_t failures_in_a_row_ = 0;
  std::uint64_t reconnects_ = 0;
  std::string dumped_;  // the line under way
  // Null while pausing or not wanted; destroyed outside its callbacks.
  std::unique_ptr<PoolTransport> transport_;
  std::unique_ptr<PoolTransport> over_;
};

}  // namespace miner
