// JobSource: when to ask the node for a template, and what to publish. The pure half of the node
// loop; NodeHost is what it asks of the other half.
//
// A tip is heard of in several ways (pool/core/tip.h); the first to tell wins. A request in flight
// for an older tip does not hold up the next one. A template that goes backwards (an earlier height
// than the job miners have) is refused, unless the node says that its best chain really ends there:
// on_tip() is that word, and it is how a reorganisation to a lower height gets through. So is one
// whose height is not its tip's plus one.
//
// Empty first: a template takes the node its time. Where the new block's header is known, miners
// get work on it at once, without transactions (common/mining/empty_template.h), and the full work,
// clean_jobs false, the moment its template comes. The header comes with the news, or is asked for
// beside the template. A template that is faster than the header leaves no place for empty work.
//
// Routine refreshes are clean_jobs false and spread over their interval: nobody waits for them, so
// the pool need not send to everybody at once. Templates of the same tip come more often than that,
// asked for and pushed; they are published early when they pay noticeably more.
//
// While no template comes, the job that miners have is published anew from time to time, with its
// time moved on: miners take a pool that says nothing for dead.
//
// Time:   every call that can depend on it takes an Instant.
// Thread: the node loop's.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/address.h"
#include "common/mining/block_template.h"
#include "common/mining/job.h"
#include "common/mining/job_builder.h"
#include "pool/core/tip.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

class NodeHost {
 public:
  // Ask for a template now; the answer comes as on_template() or on_template_failed(). At most
  // JobSource::requests_in_flight_max of them are open at once.
  virtual void request_template() = 0;
  // Ask for this block's header now; the answer, if any comes, as on_header().
  virtual void request_header(const bitcoin::BlockHash& hash) = 0;
  // `spread`: each miner may be told at any time within it, to even out the load; zero: at once.
  virtual void publish(std::shared_ptr<const mining::Job> job,
                       std::chrono::milliseconds spread) = 0;

 protected:
  ~NodeHost() = default;
};

// A further output of the coinbase, beside the one that pays the rest.
struct CoinbaseOutput {
  base::Bytes script;
  std::uint32_t ppm = 0;  // its part of the reward, in parts per million, rounded down
};

struct JobSourceOptions {
  base::Bytes payout_script;
  std::vector<CoinbaseOutput> outputs;      // REQUIRES: together at most 1'000'000 ppm
  std::vector<std::size_t> tier_bytes_max;  // see mining::JobSpec
  std::string coinbase_tag;
  std::uint32_t version_mask = 0x1fffe000;
  // A multiple of mining::job_id_step. Random: ids differ from those of a process before.
  std::uint64_t first_job_id = mining::job_id_step;
  std::uint64_t coinbase_unique = 0;   // added to the job id for the coinbase's unique push
  std::chrono::seconds keepalive{45};  // without news for so long, the job is published anew
  bitcoin::Network network = bitcoin::Network::mainnet;
  bool empty_first = true;
  std::chrono::seconds refresh{30};
  std::chrono::seconds fee_check{10};   // zero: with the refresh only
  std::uint32_t fee_rise_ppm = 10'000;  // of the job's whole reward: worth a refresh of its own
};

// Whether a template answers request_template() or came by itself, through a long-poll.
enum class TemplateOrigin { requested, pushed };

class JobSource {
 public:
  // A second request may go out for a newer tip while one for an older tip is still open.
  static constexpr int requests_in_flight_max = 2;

  JobSource(NodeHost& host, JobSourceOptions options);

  // The node in use says that this is its best block. A repeated announcement does nothing.
  void on_tip(const TipNews& news, base::Instant now);
  // The answer to request_header(), with what is needed for empty work.
  void on_header(const TipNews& news, base::Instant now);
  void on_template(mining::BlockTemplate block_template, base::Instant now,
                   TemplateOrigin origin = TemplateOrigin::requested);
  // A request came to nothing; the next one waits a little longer than the last.
  void on_template_failed(base::Instant now);
  // Another node is in use from now on, or the same one has come back: answers to requests made
  // before do not come any more, and a template is asked for at once.
  void on_node_changed(base::Instant now);
  // What the coinbases of further jobs push beside the pool's tag; empty: nothing.
  void set_coinbase_push(base::Bytes push) { coinbase_push_ = std::move(push); }
  // At least once a second: routine refresh and retries when they are due.
  void on_tick(base::Instant now);

  const std::shared_ptr<const mining::Job>& current() const { return current_; }
  // Why the last template was not used; empty when it was.
  const std::string& last_refusal() const { return last_refusal_; }
  std::uint64_t jobs_published() const { return jobs_published_; }
  std::uint64_t empty_jobs_published() const { return empty_jobs_published_; }

 private:
  enum class Verdict { new_tip, full, refresh, nothing_new, late, backwards, wrong_height };
  // A job before it is built.
  struct Draft {
    std::shared_ptr<const mining::BlockTemplate> block_template;
    bool clean_jobs = false;
    std::uint32_t ntime = 0;
    base::MonoTime tip_seen_at{};
    std::chrono::milliseconds spread{0};
  };
  struct KnownTip {
    bitcoin::BlockHash hash;
    std::optional<std::uint32_t> height;
  };

  void learn(const bitcoin::BlockHash& hash, std::optional<std::uint32_t> height);
  std::optional<std::uint32_t> height_of(const bitcoin::BlockHash& hash) const;
  bool is_late(const TipNews& news) const;
  const KnownTip* find_tip(const bitcoin::BlockHash& hash) const;
  bool wants_empty_work() const;
  bool publish_empty(const TipNews& news, base::Instant now);
  Verdict judge(const mining::BlockTemplate& block_template, base::Instant now) const;
  Verdict judge_same_tip(const mining::BlockTemplate& block_template, base::Instant now) const;
  bool waits_for_tip() const;
  bool waits_for_template() const { return waits_for_tip() || current_is_empty_; }
  bool refresh_due(base::Instant now) const;
  void request(base::Instant now);
  void refuse(const mining::BlockTemplate& block_template, Verdict why);
  void keep_alive(base::Instant now);
  void adopt(mining::BlockTemplate block_template, Verdict verdict, base::Instant now);
  bool publish(Draft draft, base::Instant now);
  std::vector<bitcoin::TxOut> outputs(bitcoin::Sats reward) const;

  NodeHost& host_;
  const JobSourceOptions options_;
  base::Bytes coinbase_push_;
  std::uint64_t next_job_id_;
  std::uint64_t jobs_published_ = 0;
  std::uint64_t empty_jobs_published_ = 0;
  std::shared_ptr<const mining::Job> current_;
  bool current_is_empty_ = false;     // empty-first work, whose template is still to come
  std::deque<KnownTip> recent_tips_;  // the newest last
  // The best block that the node last told of, by announcement or by a template built on it.
  std::optional<bitcoin::BlockHash> known_tip_;
  base::MonoTime tip_seen_at_{};
  base::MonoTime template_at_{};   // when the current job's template came
  base::MonoTime published_at_{};  // when the current job did
  base::MonoTime requested_at_{};
  base::MonoTime retry_at_{};  // after failures: not before this
  int requests_in_flight_ = 0;
  bool request_again_ = false;  // the tip changed while no further request could go out
  int failures_ = 0;            // in a row
  std::string last_refusal_;
};

}  // namespace pool
