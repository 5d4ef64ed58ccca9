#include "pool/core/session.h"

#include "common/base/test_faults.h"
#include "common/stratum/codec.h"
#include "pool/core/coherence_side.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <utility>

namespace pool {

using stratum::RejectReason;

Session::Session(ConnectionId id, Peer peer, ShardContext& shard, base::Instant now)
    : id_(id),
      peer_(std::move(peer)),
      shard_(shard),
      connected_at_(now.mono),
      connected_us_(now.unix_micros()),
      lines_(base::fault("line_limit_off") ? 1 << 30 : limits::line_bytes_max),
      difficulty_(shard.options.port(peer_.listener), now.mono),
      tier_(shard.options.tier("default")) {}

Session::~Session() {
  shard_.coherence_clients.erase(id_);
  for (const WorkerBook::Worker& known : workers_.all()) shard_.connected.remove(known.worker, id_);
}

void Session::on_bytes(base::ByteSpan bytes, base::Instant now) {
  if (closing_ || handed_over_) return;
  const bool fits = lines_.push(bytes, [&](std::string_view line) { return on_line(line, now); });
  if (moving_) {
    const base::ByteSpan unread = bytes.subspan(lines_.taken());
    moving_->unread.assign(unread.begin(), unread.end());
    return shard_.host.hand_over(id_, std::move(*std::exchange(moving_, nullptr)));
  }
  if (fits || closing_) return;
  shard_.offend(peer_, Offence::line_too_long, now.mono);
  close(CloseReason::line_too_long);
}

bool Session::on_line(std::string_view line, base::Instant now) {
  spend_token(now);
  auto request = stratum::parse_request(line);
  if (!request) {
    ++shard_.stats.bad_lines;
    if (++bad_lines_ < limits::bad_lines_max || base::fault("bad_lines_forgiven")) return true;
    shard_.offend(peer_, Offence::not_stratum, now.mono);
    close(CloseReason::not_stratum);
    return false;
  }
  std::visit([&](const auto& message) { on_message(request->id, message, now); }, request->message);
  return !closing_ && !handed_over_;
}

// What was read is processed, also past the last token; no more is read until there are some again.
void Session::spend_token(base::Instant now) {
  const bool own = line_tokens_.spend(shard_.line_rate, now.mono);
  const bool of_address = !peer_.limited || shard_.guard.spend_line(peer_.prefix, now.mono);
  const bool has_room = answers_waiting_ < limits::answers_waiting_max;
  if ((own && of_address && has_room) || paused_) return;
  paused_ = true;
  ++shard_.stats.pauses;
  shard_.host.pause_reading(id_);
}

void Session::on_tick(base::Instant now) {
  if (closing_ || handed_over_) return;
  const bool address_has_tokens =
      !peer_.limited || shard_.guard.lines_allowed(peer_.prefix, now.mono);
  const bool has_tokens = address_has_tokens && !line_tokens_.in_debt(shard_.line_rate, now.mono);
  if (paused_ && has_tokens && answers_waiting_ < limits::answers_waiting_max) {
    paused_ = false;
    shard_.host.resume_reading(id_);
  }
  check_deadlines(now);
  if (closing_ || !mining_) return;
  ask_who_it_is(now);
  tick_coherence(now);
  if (difficulty_.announced() &&
      difficulty_.retarget(network_difficulty(), now.mono) == DifficultyControl::Urgency::now) {
    renotify_due_ = true;
  }
  if (renotify_due_) renotify(now);
}

void Session::check_deadlines(base::Instant now) {
  if (base::fault("no_deadlines")) return;
  if (mining_) {
    if (now.mono - last_accepted_at_ > shard_.options.idle_deadline) close(CloseReason::idle);
    return;
  }
  const auto deadline =
      subscribed_ ? shard_.options.authorize_deadline : shard_.options.subscribe_deadline;
  if (now.mono - connected_at_ > deadline) close(CloseReason::handshake_timeout);
}

// Asked with each refused share, for a step at most: who sends one that comes too late, and then
// finds none for minutes, is slow and not stuck.
void Session::help_stuck_miner(base::Instant now) {
  if (!only_rejects_at_) only_rejects_at_ = now.mono;
  const auto stuck = now.mono - *only_rejects_at_;
  if (only_rejects_steps_ == 0 && stuck >= limits::only_rejects_new_job) {
    ++only_rejects_steps_;
    renotify_due_ = true;
    renotify_clean_ = true;  // it shall let go of what it works on
    const auto* entry = shard_.coherence.current();
    if (entry != nullptr) on_coherence_job(*entry, true, now);
  } else if (only_rejects_steps_ == 1 && stuck >= limits::only_rejects_reconnect) {
    ++only_rejects_steps_;
    ask_to_reconnect();
  } else if (only_rejects_steps_ == 2 && stuck >= limits::only_rejects_close) {
    close(CloseReason::only_rejects);
  }
}

// Some miners fall back to a subscribe without a name. By now the login is long over, in which a
// method that a firmware does not know could be taken for a refusal.
void Session::ask_who_it_is(base::Instant now) {
  if (asked_version_ || !user_agent_.empty()) return;
  if (now.mono - connected_at_ < limits::get_version_after) return;
  asked_version_ = true;
  shard_.host.send(id_, stratum::write_get_version(1));
}

void Session::on_disconnect(base::Instant now) {
  if (subscribed_ && !handed_over_)
    shard_.extranonces.release(extranonce1_, now.mono, std::max(last_job_, worked_until_));
  if (!mining_) return;
  remember_difficulty(difficulty_, miner_key_, now);
  if (coherence_ != nullptr) remember_difficulty(coherence_->difficulty, coherence_key(), now);
}

// What a miner's shares have proven; and if there were none, what the difficulty that was
// remembered has come down to, or it would begin as high again and again.
void Session::remember_difficulty(const DifficultyControl& control, const std::string& key,
                                  base::Instant now) {
  if (const auto proven = control.proven()) {
    return shard_.difficulties.remember(key, *proven, now.mono);
  }
  const auto known = shard_.difficulties.recall(key, now.mono);
  if (!known || !control.announced()) return;
  const bitcoin::Difficulty last = control.history().latest().difficulty;
  if (last < *known) shard_.difficulties.remember(key, last, now.mono);
}

void Session::close(CloseReason why) {
  if (std::exchange(closing_, true)) return;
  ++shard_.stats.closes[static_cast<std::size_t>(why)];
  shard_.host.close(id_, why);
}

bool Session::mines_as(const WorkerName& worker) const {
  return std::any_of(workers_.all().begin(), workers_.all().end(), [&](const auto& own) {
    return own.worker.address == worker.address &&
           (worker.name.empty() || own.worker.name == worker.name);
  });
}

void Session::ask_to_reconnect() {
  if (mining_ && !closing_) shard_.host.send(id_, stratum::write_reconnect({}));
}

// ---------------------------------------------------------------- the small methods

void Session::on_message(const Id& id, const stratum::Ping&, base::Instant) {
  reply(id, stratum::write_result_json(id, "\"pong\""));
}

// The list of a block's transactions is of no use to a miner, and megabytes long.
void Session::on_message(const Id& id, const stratum::GetTransactions&, base::Instant) {
  reply(id, stratum::write_result_json(id, "[]"));
}

void Session::on_message(const Id& id, const stratum::Capabilities&, base::Instant) {
  reply(id, stratum::write_result_json(id, "{}"));
}

// We ask one thing only: client.get_version, of those that subscribed without a name.
void Session::on_message(const Id&, const stratum::Response& m, base::Instant) {
  if (asked_version_ && user_agent_.empty()) {
    user_agent_ = clean_text(m.result_text, limits::user_agent_bytes_max);
  }
}

void Session::on_message(const Id& id, const stratum::UnknownMethod& m, base::Instant) {
  ++shard_.stats.rejects[static_cast<std::size_t>(RejectReason::unsupported_method)];
  reply(id, stratum::write_error(id, RejectReason::unsupported_method, m.method));
}

void Session::on_message(const Id& id, const stratum::Malformed& m, base::Instant now) {
  if (m.method == "mining.submit") {
    const stratum::Submit nothing;
    Judged share{nothing};
    if (!workers_.empty()) share.worker = &workers_.all().front().worker;
    return refuse(id, share, RejectReason::malformed, m.why, now);
  }
  if (m.method == "coherence.submit") {
    const stratum::CoherenceSubmit nothing;
    ProofJudged proof{nothing};
    if (coherence_ == nullptr || !coherence_->granted) {
      return refuse(id, proof, RejectReason::coherence_off, "ask for it in mining.configure", now);
    }
    if (!subscribed_) return refuse(id, proof, RejectReason::not_subscribed, {}, now);
    if (!workers_.empty()) proof.worker = &workers_.all().front().worker;
    return refuse(id, proof, RejectReason::malformed, m.why, now);
  }
  reject(id, RejectReason::malformed, m.why);
}

void Session::reject(const Id& id, RejectReason reason, std::string_view detail) {
  ++shard_.stats.rejects[static_cast<std::size_t>(reason)];
  reply(id, stratum::write_reject(id, reason, detail));
}

void Session::reply(const Id& id, std::string_view line) {
  if (id.is_notification()) return;
  if (answers_waiting_ == 0) return shard_.host.send(id_, line);
  shard_.pending.add_behind(id_, std::string(line));
  ++answers_waiting_;
}

}  // namespace pool
