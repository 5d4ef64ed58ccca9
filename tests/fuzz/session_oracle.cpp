#include "tests/fuzz/session_oracle.h"

#include "common/bitcoin/header.h"
#include "common/bitcoin/merkle.h"
#include "common/crypto/sha256.h"
#include "pool/core/limits.h"
#include "tests/fuzz/strict_json.h"

#include <algorithm>
#include <optional>

namespace fuzz {

namespace {

constexpr std::size_t jobs_remembered = 8;
constexpr std::size_t notify_bytes_max = 4096;  // stratum practice: NerdMiner reads no more
constexpr std::size_t answer_overhead_max = 1024;

// The header as a miner builds it, from nothing but what it was told. Empty: not hex.
std::optional<bitcoin::Header> header_of(const stratum::Submit& submit, const HeardJob& job) {
  const stratum::Notify& notify = job.notify;
  base::Bytes coinbase = notify.coinb1;
  if (!base::append_decoded_hex(job.extranonce1, coinbase)) return std::nullopt;
  if (!base::append_decoded_hex(submit.extranonce2_hex, coinbase)) return std::nullopt;
  coinbase.insert(coinbase.end(), notify.coinb2.begin(), notify.coinb2.end());
  bitcoin::Header header;
  header.version = notify.version | submit.version_bits.value_or(0);
  header.prev_hash = notify.prev_hash;
  header.merkle_root = bitcoin::fold_merkle_branch(bitcoin::Hash256{crypto::sha256d(coinbase)},
                                                   notify.merkle_branch);
  header.ntime = submit.ntime;
  header.nbits = notify.nbits;
  header.nonce = submit.nonce;
  return header;
}

}  // namespace

ConnectionOracle::ConnectionOracle() : lines_(pool::limits::line_bytes_max) {}

// ---------------------------------------------------------------- what the miner says

void ConnectionOracle::on_received(base::ByteSpan bytes) {
  if (deaf_) return;
  deaf_ = !lines_.push(bytes, [this](std::string_view line) { return on_line(line); });
}

bool ConnectionOracle::on_line(std::string_view line) {
  bytes_allowed_ += line.size() + answer_overhead_max;
  if (const auto request = stratum::parse_request(line)) on_request(*request);
  return true;
}

void ConnectionOracle::on_request(const stratum::ClientRequest& request) {
  const bool silent = request.id.is_notification();
  if (std::holds_alternative<stratum::Response>(request.message)) return;
  if (std::holds_alternative<stratum::Subscribe>(request.message)) {
    subscribe_unanswered_allowed_ |= silent;
    on_occasion();  // it may be what the first job waited for
  }
  if (std::holds_alternative<stratum::Authorize>(request.message)) {
    authorize_unanswered_allowed_ |= silent;
    on_occasion();
  }
  if (const auto* configure = std::get_if<stratum::Configure>(&request.message)) {
    const auto& names = configure->extensions;
    const auto asks = [&](std::string_view name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    asked_for_version_rolling_ |= asks("version-rolling");
    asked_for_set_extranonce_ |= asks("subscribe-extranonce");
    asked_for_coherence_ |= asks("coherence");
    on_occasion();  // it may begin
  }
  asked_for_set_extranonce_ |=
      std::holds_alternative<stratum::ExtranonceSubscribe>(request.message);
  if (const auto* submit = std::get_if<stratum::Submit>(&request.message)) {
    submits_.push_back(*submit);
  }
  if (std::holds_alternative<stratum::SuggestDifficulty>(request.message) ||
      std::holds_alternative<stratum::SuggestTarget>(request.message)) {
    on_occasion();
  }
  if (silent) return;
  const bool is_proof = std::holds_alternative<stratum::CoherenceSubmit>(request.message);
  ids_collide_ |= std::any_of(asked_.begin(), asked_.end(), [&](const Asked& other) {
    return other.id == request.id.json && (other.is_proof || is_proof);
  });
  Asked& asked = asked_.emplace_back();
  asked.is_proof = is_proof;
  asked.id = request.id.json;
  asked.is_authorize = std::holds_alternative<stratum::Authorize>(request.message);
  if (const auto* submit = std::get_if<stratum::Submit>(&request.message)) asked.submit = *submit;
  const auto* malformed = std::get_if<stratum::Malformed>(&request.message);
  asked.is_submit = asked.submit || (malformed && malformed->method == "mining.submit");
}

bool ConnectionOracle::knows_extranonce1() const {
  const bool told = !subscribe_unanswered_allowed_ || !extranonce1_.empty();
  return told && extranonce1_changes_ < 2;
}

std::vector<Hash> ConnectionOracle::hashes_of(const stratum::Submit& submit,
                                              const ToldJobs& told) const {
  std::vector<Hash> hashes;
  if (!knows_extranonce1()) return hashes;
  const auto add = [&](const HeardJob& job) {
    const auto header = header_of(submit, job);
    if (header) hashes.push_back(crypto::sha256d(header->serialize()));
  };
  if (const auto heard = heard_.find(submit.job_id); heard != heard_.end()) {
    add(heard->second);
  } else if (const auto elsewhere = told.find(submit.job_id); elsewhere != told.end()) {
    for (const stratum::Notify& notify : elsewhere->second) add({notify, extranonce1_});
  }
  return hashes;
}

bool ConnectionOracle::add_meant(std::set<Hash>& hashes, const ToldJobs& told) {
  if (!knows_extranonce1()) return false;
  std::erase_if(submits_, [&](const stratum::Submit& submit) {
    for (const Hash& hash : hashes_of(submit, told)) hashes.insert(hash);
    return heard_.contains(submit.job_id);  // else it may still hear of it
  });
  return true;
}

// ---------------------------------------------------------------- what the pool says

void ConnectionOracle::on_sent(std::string_view line, Phase phase) {
  bytes_sent_ += line.size();
  FUZZ_CHECK(bytes_sent_ <= bytes_allowed_);
  (void)read_line(line);
  const auto message = stratum::parse_server_message(line.substr(0, line.size() - 1));
  FUZZ_CHECK(message);
  if (const auto* answer = std::get_if<stratum::ServerResponse>(&*message)) {
    on_answer(line, *answer, phase);
  } else {
    FUZZ_CHECK(phase == Phase::other && !closed_);
    on_notification(line, *message);
  }
}

// Requests are answered once each, in the order in which they were asked; but proofs, which wait
// for their verifiers, when they are.
ConnectionOracle::Asked ConnectionOracle::take_asked(const std::string& id) {
  const auto in_turn = std::find_if(asked_.begin(), asked_.end(),
                                    [](const Asked& asked) { return !asked.is_proof; });
  auto found = in_turn;
  if (in_turn == asked_.end() || in_turn->id != id) {
    found = std::find_if(asked_.begin(), asked_.end(), [&](const Asked& asked) {
      return asked.id == id && (asked.is_proof || ids_collide_);
    });
  }
  FUZZ_CHECK(found != asked_.end());
  Asked asked = std::move(*found);
  asked_.erase(found);
  return asked;
}

void ConnectionOracle::on_answer(std::string_view line, const stratum::ServerResponse& answer,
                                 Phase phase) {
  (void)read_answer(line, answer.id_json);
  FUZZ_CHECK(answer.error_code <= 25);
  const Asked asked = take_asked(answer.id_json);
  FUZZ_CHECK(!closed_ || phase == Phase::settled);
  const bool is_true = answer.accepted && answer.result_json == "true";
  // A share that is answered "true" at once has not been stored.
  const bool must_be_stored = (asked.is_submit || asked.is_proof) && !ids_collide_;
  FUZZ_CHECK(!must_be_stored || !is_true || phase == Phase::settled);
  if (asked.submit) on_submit_verdict(*asked.submit, answer);
  authorize_accepted_ |= is_true && asked.is_authorize;
  if (answer.result_json.starts_with("[[")) on_subscribe_result(answer, phase);
}

void ConnectionOracle::on_submit_verdict(const stratum::Submit& submit,
                                         const stratum::ServerResponse& answer) {
  const bool duplicate = answer.error_code == reject_code(stratum::RejectReason::duplicate);
  if (answer.accepted || duplicate) verdicts_.push_back({submit, answer.accepted});
}

void ConnectionOracle::on_subscribe_result(const stratum::ServerResponse& answer, Phase phase) {
  const auto result = stratum::parse_subscribe_result(answer.result_json);
  FUZZ_CHECK(result && result->extranonce1.size() == 4 && result->extranonce2_size == 8);
  const std::string extranonce1 = base::to_hex(result->extranonce1);
  // A second answer may have waited behind a share, and be older than a set_extranonce.
  FUZZ_CHECK(extranonce1_.empty() || extranonce1_ == extranonce1 || phase == Phase::settled);
  if (extranonce1_.empty()) extranonce1_ = extranonce1;
  subscribed_ = true;
}

void ConnectionOracle::on_notification(std::string_view line,
                                       const stratum::ServerMessage& message) {
  // Before the subscribe answer a miner reads whatever comes as that answer.
  FUZZ_CHECK(subscribed_ || subscribe_unanswered_allowed_);
  if (const auto* set = std::get_if<stratum::SetDifficulty>(&message))
    return on_set_difficulty(*set);
  FUZZ_CHECK(authorize_accepted_ || authorize_unanswered_allowed_);
  if (const auto* notify = std::get_if<stratum::Notify>(&message)) return on_notify(line, *notify);
  if (on_coherence(message)) return;
  if (const auto* mask = std::get_if<stratum::SetVersionMask>(&message)) {
    FUZZ_CHECK(asked_for_version_rolling_ && mask->mask != 0);
    return;
  }
  if (const auto* set = std::get_if<stratum::SetExtranonce>(&message)) {
    return on_set_extranonce(*set);
  }
  FUZZ_CHECK(std::holds_alternative<stratum::Reconnect>(message) ||
             std::holds_alternative<stratum::ShowMessage>(message) ||
             std::holds_alternative<stratum::ServerPing>(message) ||
             std::holds_alternative<stratum::GetVersion>(message));
}

// Nothing of it to who has not asked; an extranonce once, a target before the first job, and no two
// without a job between them. False: it is another message.
bool ConnectionOracle::on_coherence(const stratum::ServerMessage& message) {
  if (const auto* set = std::get_if<stratum::CoherenceSetExtranonce>(&message)) {
    FUZZ_CHECK(asked_for_coherence_);
    FUZZ_CHECK(!coherence_extranonce_ || coherence_extranonce_ == set->extranonce);
    coherence_extranonce_ = set->extranonce;
    return true;
  }
  if (const auto* set = std::get_if<stratum::CoherenceSetTarget>(&message)) {
    FUZZ_CHECK(coherence_extranonce_ && !std::exchange(target_waits_for_notify_, true));
    coherence_targets_.insert(set->target);
    return true;
  }
  if (const auto* notify = std::get_if<stratum::CoherenceNotify>(&message)) {
    FUZZ_CHECK(coherence_extranonce_ && !coherence_targets_.empty());
    FUZZ_CHECK(notify->job_id >= coherence_job_ && notify->height);
    target_waits_for_notify_ = false;
    coherence_job_ = notify->job_id;
    return true;
  }
  return false;
}

// cgminer keeps two slots: a second set_difficulty before a notify would count from the notify
// after that one.
void ConnectionOracle::on_set_difficulty(const stratum::SetDifficulty& set) {
  difficulties_.insert(set.difficulty.value());
  // NiceHash wants to hear it right after subscribe, too.
  if (jobs_.empty() && !early_difficulty_) {
    early_difficulty_ = true;
    return;
  }
  FUZZ_CHECK(!difficulty_waits_for_notify_);
  difficulty_waits_for_notify_ = true;
}

void ConnectionOracle::on_set_extranonce(const stratum::SetExtranonce& set) {
  FUZZ_CHECK(asked_for_set_extranonce_);
  FUZZ_CHECK(set.extranonce1.size() == 4 && set.extranonce2_size == 8);
  extranonce1_ = base::to_hex(set.extranonce1);
  ++extranonce1_changes_;
}

void ConnectionOracle::on_notify(std::string_view line, const stratum::Notify& notify) {
  FUZZ_CHECK(line.size() <= notify_bytes_max && !difficulties_.empty());
  difficulty_waits_for_notify_ = false;
  FUZZ_CHECK(!notify.job_id.empty() && notify.job_id.size() <= 16);
  FUZZ_CHECK(notify.job_id.find_first_not_of("0123456789abcdef") == std::string::npos);
  FUZZ_CHECK(heard_.try_emplace(notify.job_id, HeardJob{notify, extranonce1_}).second);
  // Miners count their extranonce2 from zero for each job: equal work would give equal shares.
  std::string work = stratum::prevhash_to_wire(notify.prev_hash) + base::u32_hex(notify.ntime);
  work += base::to_hex(notify.coinb1) + '/' + base::to_hex(notify.coinb2);
  for (const auto& sibling : notify.merkle_branch) work += base::to_hex(sibling.bytes);
  FUZZ_CHECK(works_.insert(std::move(work)).second);
  jobs_.push_back({notify, extranonce1_});
  if (jobs_.size() > jobs_remembered) jobs_.pop_front();
}

void ConnectionOracle::on_close() {
  FUZZ_CHECK(!closed_);
  closed_ = true;
}

void ConnectionOracle::check_all_answered() const { FUZZ_CHECK(closed_ || asked_.empty()); }

}  // namespace fuzz
