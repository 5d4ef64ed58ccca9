// PoolSource: work from pools, the first in the list that has any.
//
// All pools from the first one to the one that is mined for are connected, or tried again and again
// (PoolLink). When the pool that is mined for is lost, those before it and the next one are tried
// at once, and one more each time the last of them fails or has nothing to offer for `patience`.
// When a pool before the present one has had work for `return_after` without a break, the work is
// taken to it, and those behind are left once they have answered what they owe.
//
// While no pool has work nothing is mined: what would be found could not be submitted.
//
// Errors: a CA file that can't be used, or `retries` in a row that failed at every pool, end it:
//         give_up(). Nothing else does.
// Thread: the loop's.
#pragma once

#include "common/uv/loop.h"
#include "miner/pool_link.h"
#include "miner/pool_settings.h"
#include "miner/work_source.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace miner {

struct PoolSourceSettings {
  std::vector<PoolSettings> pools;  // at least one, in order of preference
  ClientOptions client;             // but for what is each pool's own
  std::chrono::milliseconds retry_first{1000};
  std::chrono::milliseconds retry_most{30'000};
  std::int64_t retries = -1;  // attempts in a row that may fail at each pool; -1: any number
  std::chrono::milliseconds patience{10'000};      // with a pool that is neither lost nor has work
  std::chrono::milliseconds return_after{10'000};  // of work at a pool that is preferred
  std::uint64_t seed = 0;                          // for the jitter
  // Told each line to ('>') and from ('<') a pool, made harmless; may be empty.
  std::function<void(std::string_view direction, std::string_view line)> dump;
};

class PoolSource final : public WorkSource, private PoolLinkHost {
 public:
  // `loop` and `host` outlive it.
  PoolSource(uv::Loop& loop, PoolSourceSettings settings, WorkSourceHost& host);
  ~PoolSource() override;
  PoolSource(const PoolSource&) = delete;
  PoolSource& operator=(const PoolSource&) = delete;

  void start() override;
  void on_share(FoundShare share, base::MonoTime now) override;
  void on_proof(FoundProof proof, base::MonoTime now) override;
  void on_tick(base::MonoTime now) override;
  Appetite appetite() const override;
  Appetite coherence_appetite() const override;
  bool awaits_answers() const override;
  void stop() override;
  void end() override;
  void describe(Status& status) const override;
  bool is_resolving() const override;

 private:
  // PoolLinkHost
  void on_link_work(std::uint32_t link) override;
  void on_link_coherence_work(std::uint32_t link) override;
  void on_link_failed(std::uint32_t link, std::string_view why,
                      std::chrono::milliseconds pause) override;
  void on_link_heard(std::uint32_t link) override;
  void report(const ClientEvent& event) override { host_.report(event); }

  // The pool to mine for, as things are; none where nobody has work.
  std::optional<std::uint32_t> choice(base::MonoTime now) const;
  void choose(base::MonoTime now);
  void widen(base::MonoTime now);
  void start_wanted(base::MonoTime now);
  bool all_have_failed() const;
  const PoolLink& shown() const;
  void describe_pools(Status& status) const;

  const PoolSourceSettings settings_;
  WorkSourceHost& host_;
  std::string unusable_;  // why it can't begin
  std::vector<std::unique_ptr<PoolLink>> links_;
  std::optional<std::uint32_t> active_;
  std::uint32_t wanted_ = 1;  // so many from the front are connected or tried
  bool stopping_ = false;
};

}  // namespace miner
