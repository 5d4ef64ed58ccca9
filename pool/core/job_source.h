// JobSource: when to ask the node for a template, and what to publish. The pure half of the node
// loop; NodeHost is what it asks of the other half.
//
// A tip is heard of in three ways (ZMQ, long-poll, poll); the first to tell wins. A request in
// flight for an older tip does not hold up the next one. A template that goes backwards (an earlier
// height than the tip we know) is refused. Routine refreshes are clean_jobs false.
//
// Time:   every call that can depend on it takes an Instant.
// Thread: the node loop's.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/address.h"
#include "common/mining/block_template.h"
#include "common/mining/job.h"
#include "common/mining/job_builder.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace pool {

class NodeHost {
 public:
  // Ask for a template now; the answer comes as on_template() or on_template_failed().
  virtual void request_template() = 0;
  virtual void publish(std::shared_ptr<const mining::Job> job) = 0;

 protected:
  ~NodeHost() = default;
};

struct JobSourceOptions {
  base::Bytes payout_script;
  std::string coinbase_tag;
  std::uint32_t version_mask = 0x1fffe000;
  std::uint64_t first_job_id = 1;     // random start: ids differ from those of a process before
  std::uint64_t coinbase_unique = 0;  // added to the job id for the coinbase's unique push
};

class JobSource {
 public:
  JobSource(NodeHost& host, JobSourceOptions options);

  // Someone announced this best block. A repeated announcement does nothing.
  void on_tip(const bitcoin::BlockHash& hash, base::Instant now);
  void on_template(mining::BlockTemplate block_template, base::Instant now);
  void on_template_failed(base::Instant now);
  // About once a second: routine refresh when one is due.
  void on_tick(base::Instant now);

  const std::shared_ptr<const mining::Job>& current() const { return current_; }
  // Why the last template was not used; empty when it was.
  const std::string& last_refusal() const { return last_refusal_; }

 private:
  void request(base::Instant now);
  NodeHost& host_;
  const JobSourceOptions options_;
  std::uint64_t next_job_id_;
  std::shared_ptr<const mining::Job> current_;
  std::optional<bitcoin::BlockHash> announced_tip_;
  base::MonoTime tip_seen_at_{};
  base::MonoTime requested_at_{};
  bool request_in_flight_ = false;
  bool request_again_ = false;
  std::string last_refusal_;
};

}  // namespace pool
