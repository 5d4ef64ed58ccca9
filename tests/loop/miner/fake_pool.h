// A pool for one miner, on the test's own loop: it speaks through common/stratum, judges every
// share with mining::check_share, and remembers every header it was sent. Proofs of coherence work
// are judged by coherence::verify.
#pragma once

#include "common/coherence/chain.h"
#include "common/coherence/verify.h"
#include "common/mining/job_builder.h"
#include "common/mining/share_check.h"
#include "common/stratum/codec.h"
#include "common/stratum/line_buffer.h"
#include "common/uv/clock.h"
#include "common/uv/tcp.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace miner::fake {

inline constexpr std::uint32_t regtest_nbits = 0x207fffff;

// A job without transactions on a tip that `tip` chooses.
inline std::shared_ptr<const mining::Job> make_job(std::uint64_t id, std::uint8_t tip, bool clean) {
  auto block = std::make_shared<mining::BlockTemplate>();
  block->prev_hash.bytes.fill(tip);
  block->version = 0x20000000;
  block->nbits = regtest_nbits;
  block->network_target = bitcoin::Target256::from_compact(regtest_nbits).value();
  block->height = 100 + tip;
  block->curtime = static_cast<std::uint32_t>(uv::read_clock().unix_seconds());
  block->mintime = block->curtime - 600;
  block->coinbase_value = bitcoin::Sats(5'000'000'000);
  mining::JobSpec spec;
  spec.id = mining::JobId(id);
  spec.block_template = block;
  spec.outputs = {{bitcoin::Sats(5'000'000'000), base::Bytes{0x51}}};
  spec.coinbase_tag = "/fake/";
  spec.version_mask = 0x1fffe000;
  spec.ntime = block->curtime;
  spec.clean_jobs = clean;
  auto job = mining::build_job(spec);
  REQUIRE(job.has_value());
  return *job;
}

// A coherence job of level 0 on a tip that `tip` chooses.
inline stratum::CoherenceNotify make_coherence_job(std::uint8_t id, std::uint8_t tip, bool clean) {
  coherence::HeaderFields fields;
  fields.prev_hash.fill(tip);
  fields.merkle_root.fill(id);
  fields.bits = 0x1f00ffff;
  return {std::to_string(id), coherence::encode_header(fields), coherence::params_of(0), clean,
          tip};
}

class Pool {
 public:
  struct Proof {
    std::string job_id;
    std::optional<coherence::Flaw> flaw;
    bool known_job = false;
  };
  struct Share {
    std::string job_id;
    bool connection_first = false;  // of the first connection
    bool is_block = false;
    std::optional<stratum::RejectReason> reject;
    base::MonoTime at;
  };

  // What the test may change at any time.
  double difficulty = bitcoin::Difficulty::least;
  bool answer_submits = true;
  bool authorize = true;
  base::U256 coherence_target = base::U256::max();
  std::size_t busy_answers = 0;       // so many submits of proofs find the verifiers busy
  std::function<void()> on_share;     // after a share was judged
  std::function<void()> on_proof;     // after a proof was judged
  std::function<void()> on_notified;  // after a miner was sent its first job

  explicit Pool(uv::Loop& loop) : loop_(loop) { open(0); }

  void open(std::uint16_t port) {
    auto listener = uv::TcpListener::listen(
        loop_, {.host = "127.0.0.1", .port = port}, {},
        [this](std::unique_ptr<uv::TcpStream> stream) { on_accept(std::move(stream)); });
    REQUIRE(listener.has_value());
    listener_ = std::move(*listener);
    port_ = listener_->bound_port();
  }
  std::uint16_t port() const { return port_; }
  // Nobody is there any more, until open(port()).
  void close() {
    listener_.reset();
    drop_connection();
  }
  void say(std::string_view line) { send(line); }
  bool has_miner() const { return stream_ && stream_->is_open() && authorized_; }

  void set_job(std::shared_ptr<const mining::Job> job) {
    jobs_[mining::job_id_text(job->id)] = job;
    job_ = std::move(job);
    if (authorized_) send(job_->work().notify_line);
  }
  void set_coherence_job(const stratum::CoherenceNotify& notify) {
    coherence_jobs_[notify.job_id] = notify;
    coherence_job_ = notify;
    if (authorized_ && coherence_) send(stratum::write_coherence_notify(notify));
  }
  // Not from inside on_share: from a timer.
  void drop_connection() {
    stream_.reset();
    authorized_ = false;
  }
  void answer_all() {
    std::vector<stratum::RequestId> ids;
    ids.swap(held_);
    for (const stratum::RequestId& id : ids) send(stratum::write_result_true(id));
  }

  std::vector<Share> shares;
  std::set<std::string> headers;  // of all shares ever, as hex
  std::vector<Proof> proofs;
  std::set<std::pair<std::string, std::uint64_t>> attempts;  // of all proofs, with their headers
  std::size_t repeats = 0;
  std::size_t connections = 0;
  std::size_t authorize_requests = 0;
  std::size_t answered_true = 0;
  std::size_t malformed = 0;

 private:
  void on_accept(std::unique_ptr<uv::TcpStream> stream) {
    ++connections;
    authorized_ = false;
    held_.clear();
    lines_.emplace(16384);
    stream_ = std::move(stream);
    stream_->set_callbacks({[this](base::ByteSpan bytes) { on_bytes(bytes); },
                            [this](uv::CloseCause) { authorized_ = false; },
                            {}});
    stream_->start_reading();
  }
  void on_bytes(base::ByteSpan bytes) {
    CHECK(lines_->push(bytes, [this](std::string_view line) {
      const auto request = stratum::parse_request(line);
      REQUIRE(request.has_value());
      on_request(*request);
      return true;
    }));
  }
  void on_request(const stratum::ClientRequest& request) {
    if (const auto* configure = std::get_if<stratum::Configure>(&request.message)) {
      on_configure(request.id, *configure);
    } else if (std::holds_alternative<stratum::Subscribe>(request.message)) {
      send(stratum::write_subscribe_result(request.id, {"5e55", extranonce1(), 8}));
    } else if (std::holds_alternative<stratum::Authorize>(request.message)) {
      on_authorize(request.id);
    } else if (const auto* submit = std::get_if<stratum::Submit>(&request.message)) {
      on_submit(request.id, *submit);
    } else if (const auto* proof = std::get_if<stratum::CoherenceSubmit>(&request.message)) {
      on_coherence_submit(request.id, *proof);
    } else if (std::holds_alternative<stratum::ExtranonceSubscribe>(request.message) ||
               std::holds_alternative<stratum::Ping>(request.message)) {
      send(stratum::write_result_true(request.id));
    } else {
      ++malformed;
    }
  }
  void on_configure(const stratum::RequestId& id, const stratum::Configure& configure) {
    stratum::ConfigureResult result;
    for (const std::string& extension : configure.extensions) {
      result.extensions.emplace_back(extension, true);
      if (extension == "version-rolling") result.version_rolling_mask = 0x1fffe000;
      if (extension == "coherence") result.coherence_version = 1;
    }
    coherence_ = result.coherence_version.has_value();
    send(stratum::write_configure_result(id, result));
  }
  void on_coherence_submit(const stratum::RequestId& id, const stratum::CoherenceSubmit& submit) {
    if (busy_answers > 0) {
      --busy_answers;
      return send(stratum::write_reject(id, stratum::RejectReason::verifier_busy, "try again"));
    }
    const auto job = coherence_jobs_.find(submit.job_id);
    Proof proof{submit.job_id, std::nullopt, job != coherence_jobs_.end()};
    if (proof.known_job) {
      const coherence::Claim claim{submit.attempt, submit.bloom_end,
                                   static_cast<std::uint16_t>(submit.r_q),
                                   static_cast<std::uint16_t>(submit.psi_q), submit.cert_hash};
      const coherence::Job all{job->second.header, extranonce(), job->second.params};
      proof.flaw = coherence::verify(all, claim, coherence_target);
      const std::string header = base::to_hex(job->second.header);
      if (!attempts.emplace(header + base::u64_hex(extranonce()), submit.attempt).second) ++repeats;
    }
    proofs.push_back(proof);
    send(proof.flaw ? stratum::write_reject(id, stratum::RejectReason::false_proof)
                    : stratum::write_result_true(id));
    if (on_proof) on_proof();
  }
  void on_authorize(const stratum::RequestId& id) {
    ++authorize_requests;
    if (!authorize) return send(stratum::write_reject(id, stratum::RejectReason::unauthorized));
    authorized_ = true;
    send(stratum::write_result_true(id));
    send(stratum::write_set_difficulty(bitcoin::Difficulty::from_double(difficulty).value()));
    in_force_ =
        bitcoin::Target256::from_difficulty(bitcoin::Difficulty::from_double(difficulty).value());
    if (job_) send(job_->work().notify_line_clean);
    if (coherence_) {
      send(stratum::write_coherence_set_extranonce(extranonce()));
      send(stratum::write_coherence_set_target(coherence_target));
      if (coherence_job_) send(stratum::write_coherence_notify(*coherence_job_));
    }
    if (on_notified) on_notified();
  }
  void on_submit(const stratum::RequestId& id, const stratum::Submit& submit) {
    const auto job = jobs_.find(submit.job_id);
    REQUIRE(job != jobs_.end());
    const auto extranonce2 = base::from_hex(submit.extranonce2_hex);
    REQUIRE(extranonce2.has_value());
    const base::Bytes first = extranonce1();
    mining::ShareSubmission share{first, *extranonce2, submit.ntime, submit.nonce,
                                  submit.version_bits.value_or(0)};
    mining::ShareRules rules;
    rules.share_target = in_force_;
    rules.version_mask = 0x1fffe000;
    rules.stale = job->second->prev_hash() != job_->prev_hash();
    rules.now = uv::read_clock().unix_seconds();
    const mining::ShareVerdict verdict = mining::check_share(*job->second, share, rules);
    if (!headers.insert(base::to_hex(verdict.header)).second) ++repeats;
    shares.push_back(
        {submit.job_id, connections == 1, verdict.is_block, verdict.reject, uv::read_clock().mono});
    if (!answer_submits) {
      held_.push_back(id);
    } else if (verdict.reject) {
      send(stratum::write_reject(id, *verdict.reject));
    } else {
      ++answered_true;
      send(stratum::write_result_true(id));
    }
    if (on_share) on_share();
  }
  void send(std::string_view line) {
    if (stream_ && stream_->is_open()) stream_->write(line);
  }
  // Another for each connection, as the protocol wants.
  std::uint64_t extranonce() const { return 0x0800000000000000 + connections; }
  // The same for every connection: the hardest case for a miner that must not repeat itself.
  static base::Bytes extranonce1() { return {0x08, 0x00, 0x00, 0x02}; }

  uv::Loop& loop_;
  std::uint16_t port_ = 0;
  std::unique_ptr<uv::TcpListener> listener_;
  std::unique_ptr<uv::TcpStream> stream_;
  std::optional<stratum::LineBuffer> lines_;
  bool authorized_ = false;
  bitcoin::Target256 in_force_;
  std::shared_ptr<const mining::Job> job_;
  std::map<std::string, std::shared_ptr<const mining::Job>> jobs_;
  std::vector<stratum::RequestId> held_;
  bool coherence_ = false;
  std::optional<stratum::CoherenceNotify> coherence_job_;
  std::map<std::string, stratum::CoherenceNotify> coherence_jobs_;
};

}  // namespace miner::fake
