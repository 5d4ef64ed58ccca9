#include "pool/core/session.h"

#include "common/base/assert.h"
#include "common/stratum/codec.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace pool {
namespace {

using stratum::RejectReason;

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// A worker's name as it is stored and shown: bounded, without control characters.
std::string clean_worker_name(std::string_view name) {
  std::string clean(name.substr(0, limits::worker_name_bytes_max));
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  }
  return clean;
}

}  // namespace

Session::Session(ConnectionId id, Peer peer, Extranonce1 extranonce1, ShardContext& shard,
                 base::Instant now)
    : id_(id),
      peer_(std::move(peer)),
      extranonce1_(extranonce1),
      shard_(shard),
      connected_at_(now.mono),
      lines_(limits::line_bytes_max),
      next_difficulty_(shard.options.difficulty_start),
      difficulty_floor_(shard.options.difficulty_min),
      vardiff_(now.mono) {}

Session::~Session() {
  for (const Worker& worker : workers_) {
    shard_.workers.remove(worker.address + "." + worker.name);
    shard_.addresses.remove(worker.address);
  }
}

void Session::on_bytes(base::ByteSpan bytes, base::Instant now) {
  if (closing_) return;
  const bool fits = lines_.push(bytes, [&](std::string_view line) { return on_line(line, now); });
  if (fits) return;
  shard_.offend(peer_, Offence::line_too_long, now.mono);
  close(CloseReason::line_too_long);
}

bool Session::on_line(std::string_view line, base::Instant now) {
  auto request = stratum::parse_request(line);
  if (!request) {
    if (++bad_lines_ < limits::bad_lines_max) return true;
    shard_.offend(peer_, Offence::not_stratum, now.mono);
    close(CloseReason::not_stratum);
    return false;
  }
  std::visit([&](const auto& message) { on_message(request->id, message, now); }, request->message);
  return !closing_;
}

void Session::on_tick(base::Instant now) {
  if (closing_) return;
  if (mining_) {
    if (now.mono - last_accepted_at_ > limits::idle_deadline) close(CloseReason::idle);
    return;
  }
  const auto deadline = subscribed_ ? limits::authorize_deadline : limits::subscribe_deadline;
  if (now.mono - connected_at_ > deadline) close(CloseReason::handshake_timeout);
}

void Session::close(CloseReason why) {
  if (std::exchange(closing_, true)) return;
  shard_.host.close(id_, why);
}

// ---------------------------------------------------------------- handshake

void Session::on_message(const stratum::RequestId& id, const stratum::Subscribe&,
                         base::Instant now) {
  // A second subscribe gets the same answer: some proxies ask twice.
  subscribed_ = true;
  stratum::SubscribeResult result;
  result.extranonce1.assign(extranonce1_.begin(), extranonce1_.end());
  result.session_id = base::to_hex(extranonce1_);
  result.extranonce2_size = limits::extranonce2_size;
  reply(id, stratum::write_subscribe_result(id, result));
  begin_mining(now);
}

void Session::on_message(const stratum::RequestId& id, const stratum::Authorize& m,
                         base::Instant now) {
  const std::string_view username = trim(m.username);
  if (username.size() > limits::username_bytes_max) {
    return reject(id, RejectReason::bad_address, "user name is too long");
  }
  if (find_worker(m.username) == nullptr) {
    const std::size_t dot = username.find('.');
    auto address = bitcoin::parse_address(username.substr(0, dot), shard_.options.network);
    if (!address) {
      return reject(id, RejectReason::bad_address, bitcoin::describe(address.error()));
    }
    if (workers_.size() == limits::workers_per_connection_max) {
      return reject(id, RejectReason::too_many_workers);
    }
    const std::string_view name =
        dot == std::string_view::npos ? std::string_view{} : username.substr(dot + 1);
    workers_.push_back({m.username, std::move(address->text), clean_worker_name(name)});
    shard_.workers.add(workers_.back().address + "." + workers_.back().name);
    shard_.addresses.add(workers_.back().address);
  }
  reply(id, stratum::write_result_true(id));
  begin_mining(now);
}

void Session::on_message(const stratum::RequestId& id, const stratum::Configure& m, base::Instant) {
  stratum::ConfigureResult result;
  for (const std::string& extension : m.extensions) {
    bool granted = false;
    if (extension == "version-rolling") {
      const std::uint32_t mask =
          shard_.options.version_mask & m.version_rolling_mask.value_or(0xffffffff);
      granted = mask != 0;
      version_rolling_ = granted;
      version_mask_ |= mask;
      if (granted) result.version_rolling_mask = mask;
    } else if (extension == "minimum-difficulty") {
      const auto least = bitcoin::Difficulty::from_double(m.minimum_difficulty.value_or(0));
      if (least) raise_floor(*least);
      granted = true;
    } else if (extension == "subscribe-extranonce" || extension == "info") {
      granted = true;  // a promise of the miner to understand; nothing follows from it here
    }
    result.extensions.emplace_back(extension, granted);
  }
  reply(id, stratum::write_configure_result(id, result));
}

void Session::begin_mining(base::Instant now) {
  if (mining_ || !subscribed_ || workers_.empty()) return;
  mining_ = true;
  if (peer_.limited) shard_.guard.on_mining(peer_.prefix);
  last_accepted_at_ = now.mono;
  vardiff_.restart(now.mono);
  if (version_rolling_) {
    shard_.host.send(id_, stratum::write_set_version_mask(version_mask_));
  }
  if (shard_.jobs.current()) send_job(*shard_.jobs.current(), true, now);
}

// ---------------------------------------------------------------- jobs and difficulty

void Session::on_new_job(const mining::Job& job, bool clean, base::Instant now) {
  if (!mining_ || closing_) return;
  const bool first = difficulties_.empty();
  if (shard_.options.vardiff && !first) {
    const auto next =
        vardiff_.retarget(difficulties_.latest().difficulty, vardiff_options(&job), now.mono);
    if (next) next_difficulty_ = *next;
  }
  send_job(job, clean || first, now);
}

void Session::send_job(const mining::Job& job, bool clean, base::Instant now) {
  const bitcoin::Difficulty wanted = bounded(next_difficulty_, &job);
  if (difficulties_.empty() || wanted != difficulties_.latest().difficulty) {
    difficulties_.change(job.id, wanted);
    vardiff_.restart(now.mono);
    shard_.host.send(id_, stratum::write_set_difficulty(wanted));
  }
  shard_.host.send(id_, clean ? job.work().notify_line_clean : job.work().notify_line);
}

VardiffOptions Session::vardiff_options(const mining::Job* job) const {
  VardiffOptions options;
  options.shares_per_minute = shard_.options.shares_per_minute;
  options.min = difficulty_floor_;
  double most = shard_.options.difficulty_max ? shard_.options.difficulty_max->value()
                                              : bitcoin::Difficulty::most;
  // A share harder than a block would hide blocks from the pool.
  if (job != nullptr) most = std::min(most, job->network_target().difficulty());
  most = std::max(most, options.min.value());  // the floor wins
  options.max = *bitcoin::Difficulty::from_double(most);
  return options;
}

bitcoin::Difficulty Session::bounded(bitcoin::Difficulty difficulty, const mining::Job* job) const {
  const VardiffOptions options = vardiff_options(job);
  return std::clamp(difficulty, options.min, options.max);
}

void Session::raise_floor(bitcoin::Difficulty difficulty) {
  difficulty_floor_ = std::max(difficulty, shard_.options.difficulty_min);
  if (shard_.options.difficulty_max) {
    difficulty_floor_ = std::min(difficulty_floor_, *shard_.options.difficulty_max);
  }
  next_difficulty_ = std::max(next_difficulty_, difficulty_floor_);
}

// Some miners repeat their suggestion every 30 s to keep the connection alive: only a new one
// counts, or it would undo vardiff each time. Fractions go out below 1 only (some firmware reads a
// uint32).
void Session::suggest(double suggested) {
  if (last_suggestion_ == suggested) return;
  last_suggestion_ = suggested;
  const auto difficulty =
      bitcoin::Difficulty::from_double(suggested < 1 ? suggested : std::floor(suggested));
  if (!difficulty) return;
  raise_floor(*difficulty);
  next_difficulty_ = difficulty_floor_;
}

void Session::on_message(const stratum::RequestId& id, const stratum::SuggestDifficulty& m,
                         base::Instant) {
  suggest(m.difficulty);
  reply(id, stratum::write_result_true(id));
}

void Session::on_message(const stratum::RequestId& id, const stratum::SuggestTarget& m,
                         base::Instant) {
  suggest(bitcoin::Target256(m.target).difficulty());
  reply(id, stratum::write_result_true(id));
}

// ---------------------------------------------------------------- shares

void Session::on_message(const stratum::RequestId& id, const stratum::Submit& m,
                         base::Instant now) {
  if (!subscribed_) return reject(id, RejectReason::not_subscribed);
  const Worker* worker = find_worker(m.worker_name);
  mining::JobId job_id;
  JobBook::Entry* entry =
      mining::parse_job_id(m.job_id, job_id) ? shard_.jobs.find(job_id) : nullptr;
  const bool known = entry != nullptr && !difficulties_.empty();
  if (!known) {
    return reject(id, worker != nullptr ? RejectReason::job_not_found : RejectReason::unauthorized);
  }

  std::array<std::uint8_t, limits::extranonce2_size> extranonce2;
  if (!base::decode_hex(m.extranonce2_hex, extranonce2)) {
    return reject(id, RejectReason::bad_extranonce2,
                  worker != nullptr ? "expected 16 hex digits" : "");
  }
  const DifficultyHistory::Entry& difficulty = difficulties_.for_job(job_id);
  mining::ShareRules rules;
  rules.share_target = difficulty.target;
  rules.version_mask = version_mask_;
  rules.extranonce2_size = limits::extranonce2_size;
  rules.stale = entry->stale_since && now.mono - *entry->stale_since >= limits::stale_grace;
  rules.now = now.unix_seconds();
  const mining::ShareVerdict verdict = mining::check_share(
      *entry->job, {extranonce1_, extranonce2, m.ntime, m.nonce, m.version_bits.value_or(0)},
      rules);

  Judged share{entry->job, worker, extranonce2, verdict, difficulty};
  if (verdict.is_block) share.new_candidate = submit_candidate(share, now);
  if (worker == nullptr) return reject(id, RejectReason::unauthorized);
  if (verdict.reject) return reject(id, *verdict.reject);
  switch (entry->seen.insert(verdict.hash)) {
    case DuplicateFilter::Verdict::duplicate:
      return reject(id, RejectReason::duplicate);
    case DuplicateFilter::Verdict::full:
      return reject(id, RejectReason::not_stored, "too many shares for one job");
    case DuplicateFilter::Verdict::fresh:
      return accept(id, share, now);
  }
}

bool Session::submit_candidate(const Judged& share, base::Instant now) {
  if (!shard_.candidates.should_send(share.job->prev_hash(), share.verdict.hash)) return false;
  BlockCandidateRecord record;
  record.coinbase =
      bitcoin::assemble_coinbase(share.job->work().coinbase, extranonce1_, share.extranonce2);
  record.time_us = now.unix_micros();
  record.address = share.worker != nullptr ? share.worker->address : shard_.options.payout_address;
  record.worker_name = share.worker != nullptr ? share.worker->name : "unauthorized";
  record.height = share.job->height();
  record.hash = share.verdict.hash;
  record.header = share.verdict.header;
  record.reward = share.job->coinbase_value;
  record.network_difficulty = share.job->network_target().difficulty();
  record.share_difficulty = bitcoin::hash_difficulty(share.verdict.hash.bytes);
  record.merkle_branch = share.job->merkle_branch;
  // Before anything else is done with the share, the block is on its way.
  FoundBlock block{share.job,       share.verdict.header, share.verdict.hash,
                   record.coinbase, shard_.options.index, std::move(record)};
  shard_.host.submit_block(std::move(block));
  ++shard_.stats.blocks_found;
  ++shard_.candidates_in_flight;
  return true;
}

void Session::accept(const stratum::RequestId& id, const Judged& share, base::Instant now) {
  ShareRecord record;
  record.time_us = now.unix_micros();
  record.address = share.worker->address;
  record.worker_name = share.worker->name;
  record.height = share.job->height();
  record.job_id = share.job->id.value;
  record.difficulty = share.difficulty.difficulty.value();
  record.work = share.difficulty.work;
  record.share_difficulty = bitcoin::hash_difficulty(share.verdict.hash.bytes);
  record.hash = share.verdict.hash;
  const AppendId append = shard_.outbox.add(record);

  vardiff_.on_share();
  last_accepted_at_ = now.mono;
  PendingReply pending;
  pending.append = append;
  pending.connection = id_;
  pending.request = id;
  pending.job = share.job->id;
  pending.hash = share.verdict.hash;
  pending.work = share.difficulty.work;
  pending.share_difficulty = record.share_difficulty;
  pending.waits_for_vault = share.new_candidate;
  shard_.pending.add(std::move(pending));
}

// ---------------------------------------------------------------- the rest

void Session::on_message(const stratum::RequestId& id, const stratum::ExtranonceSubscribe&,
                         base::Instant) {
  reply(id, stratum::write_result_true(id));
}

void Session::on_message(const stratum::RequestId& id, const stratum::Ping&, base::Instant) {
  reply(id, stratum::write_result_json(id, "\"pong\""));
}

void Session::on_message(const stratum::RequestId& id, const stratum::GetTransactions&,
                         base::Instant) {
  reply(id, stratum::write_result_json(id, "[]"));
}

void Session::on_message(const stratum::RequestId& id, const stratum::Capabilities&,
                         base::Instant) {
  reply(id, stratum::write_result_json(id, "{}"));
}

void Session::on_message(const stratum::RequestId&, const stratum::Response&, base::Instant) {}

void Session::on_message(const stratum::RequestId& id, const stratum::UnknownMethod& m,
                         base::Instant) {
  reply(id, stratum::write_error(id, RejectReason::unsupported_method,
                                 std::string_view(m.method).substr(0, 64)));
}

void Session::on_message(const stratum::RequestId& id, const stratum::Malformed& m, base::Instant) {
  reject(id, RejectReason::malformed, m.why);
}

void Session::reject(const stratum::RequestId& id, RejectReason reason, std::string_view detail) {
  ++shard_.stats.rejects[static_cast<std::size_t>(reason)];
  reply(id, stratum::write_reject(id, reason, detail));
  if (reason == RejectReason::unauthorized &&
      ++unauthorized_submits_ >= limits::unauthorized_submits_max) {
    close(CloseReason::too_many_unauthorized);
  }
}

void Session::reply(const stratum::RequestId& id, std::string_view line) {
  if (!id.is_notification()) shard_.host.send(id_, line);
}

const Session::Worker* Session::find_worker(const std::string& username) const {
  const auto found = std::find_if(workers_.begin(), workers_.end(), [&](const Worker& worker) {
    return worker.username == username;
  });
  return found == workers_.end() ? nullptr : &*found;
}

}  // namespace pool
