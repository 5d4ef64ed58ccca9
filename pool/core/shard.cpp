#include "pool/core/shard.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "common/stratum/codec.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pool {

std::string_view describe(CloseReason reason) {
  switch (reason) {
    case CloseReason::line_too_long:
      return "line too long";
    case CloseReason::not_stratum:
      return "not Stratum";
    case CloseReason::too_many_unauthorized:
      return "too many submits without authorization";
    case CloseReason::handshake_timeout:
      return "no subscribe and authorize in time";
    case CloseReason::idle:
      return "idle";
    case CloseReason::auth_failed:
      return "authorization failed";
    case CloseReason::shutting_down:
      return "pool is shutting down";
    case CloseReason::pool_full:
      return "pool is full";
    case CloseReason::only_rejects:
      return "nothing but refused shares";
    case CloseReason::no_work:
      return "no node is usable";
    case CloseReason::false_proof:
      return "false coherence proof";
    case CloseReason::banned:
      return "the operator has banned this address";
  }
  return "unknown";
}

std::string_view name_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::line_too_long:
      return "line_too_long";
    case CloseReason::not_stratum:
      return "not_stratum";
    case CloseReason::too_many_unauthorized:
      return "too_many_unauthorized";
    case CloseReason::handshake_timeout:
      return "handshake_timeout";
    case CloseReason::idle:
      return "idle";
    case CloseReason::auth_failed:
      return "auth_failed";
    case CloseReason::shutting_down:
      return "shutting_down";
    case CloseReason::pool_full:
      return "pool_full";
    case CloseReason::only_rejects:
      return "only_rejects";
    case CloseReason::no_work:
      return "no_work";
    case CloseReason::false_proof:
      return "false_proof";
    case CloseReason::banned:
      return "banned";
  }
  return "unknown";
}

std::string_view name_of(TurnAway why) {
  switch (why) {
    case TurnAway::refused:
      return "refused";
    case TurnAway::not_stratum:
      return "not_stratum";
    case TurnAway::http:
      return "http";
    case TurnAway::tls_failed:
      return "tls_failed";
    case TurnAway::tls_refused:
      return "tls_refused";
    case TurnAway::bad_proxy_header:
      return "bad_proxy_header";
    case TurnAway::too_slow:
      return "too_slow";
  }
  return "unknown";
}

Shard::Shard(ShardHost& host, const ShardOptions& options) : context_(host, options) {}

bool Shard::has_room() const {
  return !context_.draining && !no_work_since_ &&
         sessions_.size() < context_.options.connections_max;
}

bool Shard::on_connect(ConnectionId id, const Peer& peer, base::Instant now) {
  if (!has_room()) return false;
  if (peer.limited && context_.guard.on_connect(peer.prefix, now.mono) != Admission::ok) {
    ++context_.stats.connections_refused;
    return false;
  }
  ++context_.stats.connections_total;
  add_session(id, peer, now);
  return true;
}

bool Shard::on_hand_over(ConnectionId id, const Peer& peer, HandOver state, base::Instant now) {
  if (!has_room()) return false;
  if (peer.limited && context_.guard.on_hand_over(peer.prefix, now.mono) != Admission::ok) {
    ++context_.stats.connections_refused;
    return false;
  }
  add_session(id, peer, now).take_over(std::move(state), now);
  return true;
}

Session& Shard::add_session(ConnectionId id, const Peer& peer, base::Instant now) {
  const auto [session, inserted] =
      sessions_.emplace(id, std::make_unique<Session>(id, peer, context_, now));
  ASSERT(inserted);
  return *session->second;
}

void Shard::on_bytes(ConnectionId id, base::ByteSpan bytes, base::Instant now) {
  if (context_.draining) return;
  const auto session = sessions_.find(id);
  if (session != sessions_.end()) session->second->on_bytes(bytes, now);
}

void Shard::on_disconnect(ConnectionId id, base::Instant now) {
  const auto session = sessions_.find(id);
  if (session == sessions_.end()) return;
  const Peer& peer = session->second->peer();
  if (peer.limited) context_.guard.on_disconnect(peer.prefix, session->second->is_mining());
  session->second->on_disconnect(now);
  sessions_.erase(session);
}

void Shard::on_difficulties(const std::vector<DifficultyMemory::Entry>& entries) {
  for (const DifficultyMemory::Entry& entry : entries) context_.difficulties.learn(entry);
}

void Shard::set_instance(std::uint8_t instance, base::Instant now) {
  context_.extranonces.set_instance(instance);
  for (auto& [id, session] : sessions_) session->change_instance(instance, now);
}

std::size_t Shard::expel(const Ban& ban) {
  context_.guard.ban(ban);
  std::size_t expelled = 0;
  for (auto& [id, session] : sessions_) {
    if (!session->peer().limited || session->peer().prefix != ban.prefix) continue;
    session->close(CloseReason::banned);
    ++expelled;
  }
  return expelled;
}

std::vector<ConnectionId> Shard::miners(const WorkerName& as) const {
  std::vector<ConnectionId> found;
  for (const auto& [id, session] : sessions_) {
    if (!session->is_mining()) continue;
    if (as.address.empty() || session->mines_as(as)) found.push_back(id);
  }
  return found;
}

void Shard::on_offence(ConnectionId id, Offence offence, base::Instant now) {
  const auto session = sessions_.find(id);
  if (session != sessions_.end()) context_.offend(session->second->peer(), offence, now.mono);
}

void Shard::on_new_job(const std::shared_ptr<const mining::Job>& job, bool clean,
                       std::chrono::milliseconds spread, base::Instant now) {
  context_.jobs.add(job, now.mono);
  context_.stats.job_id = job->id.value;
  spread_ = {};
  if (context_.draining) return;
  if (!clean && !job->clean_jobs && spread.count() > 0) return begin_spread(job, spread, now);
  for (auto& [id, session] : sessions_) session->on_new_job(*job, clean, now);
}

// Those with the oldest jobs come first, so that nobody is passed over when one spread ends before
// its time for another; and in the same order each time, so that all get theirs in even intervals.
void Shard::begin_spread(std::shared_ptr<const mining::Job> job, std::chrono::milliseconds over,
                         base::Instant now) {
  std::vector<std::pair<mining::JobId, ConnectionId>> waiting;
  for (const auto& [id, session] : sessions_) {
    if (session->is_mining()) waiting.emplace_back(session->last_job(), id);
  }
  std::sort(waiting.begin(), waiting.end());
  spread_ = {std::move(job), {}, 0, now.mono, over};
  for (const auto& [last_job, id] : waiting) spread_.order.push_back(id);
}

void Shard::continue_spread(base::Instant now) {
  const std::size_t count = spread_.order.size();
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::min<base::MonoTime::duration>(now.mono - spread_.began_at, spread_.over));
  const std::size_t due = passed == spread_.over
                              ? count
                              : count * static_cast<std::size_t>(passed.count()) /
                                    static_cast<std::size_t>(spread_.over.count());
  for (; spread_.told < due; ++spread_.told) {
    const auto session = sessions_.find(spread_.order[spread_.told]);
    if (session == sessions_.end()) continue;
    // Who needed a notify meanwhile has this job or a later one.
    if (session->second->last_job() >= spread_.job->id) continue;
    session->second->on_new_job(*spread_.job, false, now);
  }
  if (spread_.told == count) spread_ = {};
}

void Shard::on_no_work(base::Instant now) {
  if (context_.draining || no_work_since_) return;
  no_work_since_ = now.mono;
  for (auto& [id, session] : sessions_) session->ask_to_reconnect();
}

void Shard::on_tick(base::Instant now) {
  const bool had_time = no_work_since_ && now.mono - *no_work_since_ >= limits::no_work_close_after;
  if (had_time && !context_.draining) close_all(CloseReason::no_work);
  context_.jobs.expire(now.mono);
  context_.guard.expire(now.mono);
  context_.extranonces.expire(now.mono);
  for (auto& [id, session] : sessions_) session->on_tick(now);
  for (const auto& sum : context_.reject_sums.take_due(now)) context_.outbox.add(sum);
}

// ---------------------------------------------------------------- the journal

void Shard::on_turn_end() {
  if (auto append = context_.outbox.take()) context_.host.journal(std::move(*append));
}

void Shard::on_durable(AppendId up_to) {
  context_.outbox.settle(up_to);
  context_.pending.durable(up_to, [this](const PendingReply& reply) { release(reply); });
  context_.proofs.durable(up_to, [this](const PendingProof& proof) { release(proof); });
}

void Shard::on_not_durable(AppendId first, AppendId last) {
  context_.outbox.settle(last);
  context_.pending.not_durable(first, last, [this](const PendingReply& reply) { refuse(reply); });
  context_.proofs.not_durable(first, last,
                              [this](const PendingProof& proof) { not_stored(proof); });
}

void Shard::on_block_vaulted(const bitcoin::BlockHash& hash) {
  context_.candidates_in_flight.erase(hash);
  context_.pending.vaulted(hash, [this](const PendingReply& reply) { release(reply); });
}

void Shard::release(const PendingReply& reply) {
  if (!reply.line.empty()) return answer(reply, reply.line);
  if (reply.refused) return refuse(reply);
  ++context_.stats.shares_accepted;
  context_.stats.work_accepted = context_.stats.work_accepted + reply.work;
  context_.stats.best_share_difficulty =
      std::max(context_.stats.best_share_difficulty, reply.share_difficulty);
  base::kill_point("before_true");
  answer(reply, stratum::write_result_true(reply.request));
  context_.replied.push_back(reply.received_at);
}

void Shard::note_replies_sent(base::MonoTime now) {
  for (const base::MonoTime received_at : context_.replied) {
    context_.stats.share_to_reply.add(now - received_at);
  }
  context_.replied.clear();
}

void Shard::refuse(const PendingReply& reply) {
  if (!reply.line.empty()) return answer(reply, reply.line);
  constexpr auto reason = stratum::RejectReason::not_stored;
  ++context_.stats.rejects[static_cast<std::size_t>(reason)];
  static_cast<void>(context_.reject_sums.add({}, {}, reason));
  if (JobBook::Entry* entry = context_.jobs.find(reply.job)) entry->seen.erase(reply.hash);
  answer(reply, stratum::write_reject(reply.request, reason));
}

void Shard::answer(const PendingReply& reply, std::string_view line) {
  const auto session = sessions_.find(reply.connection);
  if (session == sessions_.end()) return;
  session->second->on_answered();
  const bool wanted = !reply.line.empty() || !reply.request.is_notification();
  if (wanted) context_.host.send(reply.connection, line);
}

std::vector<RejectedSubmit> Shard::take_rejects() {
  std::deque<RejectedSubmit> taken = std::exchange(context_.rejects, {});
  return {std::make_move_iterator(taken.begin()), std::make_move_iterator(taken.end())};
}

bool Shard::reading_allowed() const {
  return !context_.draining && !context_.outbox.full() &&
         context_.candidates_in_flight.size() < limits::candidates_in_flight_max;
}

// ---------------------------------------------------------------- the end

void Shard::drain(base::Instant now) {
  if (std::exchange(context_.draining, true)) return;
  for (const auto& sum : context_.reject_sums.take_all(now)) context_.outbox.add(sum);
  spread_ = {};
  for (auto& [id, session] : sessions_) session->ask_to_reconnect();
}

void Shard::close_all(CloseReason why) {
  for (auto& [id, session] : sessions_) session->close(why);
}

ShardStats Shard::stats() const {
  ShardStats stats = context_.stats;
  stats.connections = sessions_.size();
  stats.workers = context_.connected.workers();
  stats.miners = context_.connected.addresses();
  stats.shares_pending = context_.pending.size();
  stats.coherence.clients = context_.coherence_clients.size();
  stats.coherence.proofs_verifying = context_.proofs.verifying();
  stats.coherence.proofs_unstored = context_.proofs.size() - context_.proofs.verifying();
  return stats;
}

}  // namespace pool
