// How a miner introduces itself: any order of subscribe, configure and authorize, any number of
// times; work begins when it has subscribed and authorized.
#include "common/stratum/codec.h"
#include "pool/core/coherence_side.h"
#include "pool/core/limits.h"
#include "pool/core/session.h"

#include <utility>

namespace pool {

using stratum::RejectReason;

// ---------------------------------------------------------------- subscribe

void Session::on_message(const Id& id, const stratum::Subscribe& m, base::Instant now) {
  if (!subscribed_) {
    if (belongs_elsewhere(m)) return prepare_hand_over(id, m);
    know_user_agent(m.user_agent);
    if (!get_extranonce1(m.session_id, now)) {
      reply(id, stratum::write_error(id, RejectReason::pool_full));
      return close(CloseReason::pool_full);
    }
    subscribed_ = true;
  }
  // A second subscribe gets the same answer: some proxies ask twice.
  stratum::SubscribeResult result;
  result.extranonce1.assign(extranonce1_.begin(), extranonce1_.end());
  result.session_id = base::to_hex(extranonce1_);
  result.extranonce2_size = limits::extranonce2_size;
  reply(id, stratum::write_subscribe_result(id, result));
  if (early_difficulty_ && !mining_ && shard_.jobs.current()) {
    early_difficulty_ = false;  // a second subscribe is answered without it
    shard_.host.send(
        id_, stratum::write_set_difficulty(difficulty_.announce_early(network_difficulty())));
  }
  begin_mining(now);
}

// A miner that comes back may have shares of its last connection queued: with the same extranonce1
// they are still good.
bool Session::get_extranonce1(std::string_view session_id, base::Instant now) {
  const auto wanted = parse_session_id(session_id);
  const auto last_job = wanted ? shard_.extranonces.last_job_of(*wanted) : mining::JobId{0};
  if (wanted && shard_.extranonces.claim(*wanted, now.mono)) {
    extranonce1_ = *wanted;
    worked_until_ = last_job;
    ++shard_.stats.resumed;
    return true;
  }
  const auto fresh = shard_.extranonces.allocate(now.mono);
  if (fresh) extranonce1_ = *fresh;
  return fresh.has_value();
}

// The kernel put the connection on any shard; the extranonce1, and what is known of its shares, are
// with the one that gave it out. Once somebody has logged in here, it is too late to move.
bool Session::belongs_elsewhere(const stratum::Subscribe& m) const {
  const auto wanted = parse_session_id(m.session_id);
  if (!wanted || !workers_.empty() || shard_.options.resume_window.count() == 0) return false;
  const ShardIndex owner{(*wanted)[1]};
  return (*wanted)[0] == shard_.extranonces.instance() && owner != shard_.options.index &&
         owner.value < shard_.options.shard_count;
}

void Session::prepare_hand_over(const Id& id, const stratum::Subscribe& m) {
  HandOver state;
  state.owner = ShardIndex{(*parse_session_id(m.session_id))[1]};
  state.subscribe_id = id;
  state.subscribe = m;
  state.version_mask = version_rolling_ ? std::optional(masks_.current()) : std::nullopt;
  state.minimum_difficulty = minimum_difficulty_;
  state.suggested_difficulty = suggested_difficulty_;
  state.takes_set_extranonce = takes_set_extranonce_;
  state.coherence = coherence_ != nullptr && coherence_->granted;
  state.coherence_only = state.coherence && coherence_->only;
  handed_over_ = true;
  moving_ = std::make_unique<HandOver>(std::move(state));
}

void Session::take_over(HandOver state, base::Instant now) {
  if (state.version_mask) {
    version_rolling_ = true;
    masks_.grant(*state.version_mask, last_job_);
  }
  if (state.minimum_difficulty) set_minimum(*state.minimum_difficulty);
  if (state.suggested_difficulty) suggest(*state.suggested_difficulty, now);
  takes_set_extranonce_ = state.takes_set_extranonce;
  if (state.coherence) regrant_coherence(state.coherence_only, now);
  // Whatever shard the id names, here is where it is answered.
  if (!shard_.extranonces.is_ours(
          parse_session_id(state.subscribe.session_id).value_or(Extranonce1{}))) {
    state.subscribe.session_id.clear();
  }
  on_message(state.subscribe_id, state.subscribe, now);
  on_bytes(state.unread, now);
}

void Session::know_user_agent(std::string_view user_agent) {
  user_agent_ = clean_text(user_agent, limits::user_agent_bytes_max);
  const UserAgentRule& rule = find_user_agent_rule(shard_.options.user_agents, user_agent_);
  difficulty_.on_user_agent(rule);
  kind_ = rule.prefix;
  tier_ = shard_.options.tier(rule.coinbase);
  early_difficulty_ = rule.difficulty_at_subscribe;
}

// ---------------------------------------------------------------- configure

void Session::on_message(const Id& id, const stratum::Configure& m, base::Instant now) {
  stratum::ConfigureResult result;
  for (const std::string& extension : m.extensions) {
    bool granted = true;
    if (extension == "version-rolling") {
      granted = grant_version_rolling(m);
      if (granted) result.version_rolling_mask = masks_.current();
    } else if (extension == "minimum-difficulty") {
      set_minimum(m.minimum_difficulty.value_or(0));
    } else if (extension == "subscribe-extranonce") {
      takes_set_extranonce_ = true;
    } else if (extension == "coherence") {
      granted = grant_coherence(m.coherence_version, m.coherence_only, now);
      if (granted) result.coherence_version = m.coherence_version;
    } else {
      granted = extension == "info";
    }
    result.extensions.emplace_back(extension, granted);
  }
  reply(id, stratum::write_configure_result(id, result));
  begin_coherence(now);
}

// BIP310: the bits that both sides know; fewer than the miner would like are no reason to part.
bool Session::grant_version_rolling(const stratum::Configure& m) {
  const std::uint32_t mask =
      shard_.options.version_mask & m.version_rolling_mask.value_or(0xffffffff);
  masks_.grant(mask, last_job_);
  version_rolling_ = mask != 0;
  return version_rolling_;
}

void Session::set_minimum(double difficulty) {
  minimum_difficulty_ = difficulty;
  difficulty_.on_minimum(difficulty);
}

void Session::on_message(const Id& id, const stratum::ExtranonceSubscribe&, base::Instant) {
  takes_set_extranonce_ = true;
  reply(id, stratum::write_result_true(id));
}

// ---------------------------------------------------------------- authorize

void Session::on_message(const Id& id, const stratum::Authorize& m, base::Instant now) {
  if (workers_.find(m.username, shard_.options.network) == nullptr && !add_worker(id, m)) {
    return;
  }
  reply(id, stratum::write_result_true(id));
  begin_mining(now);
}

// The socket stays open after a refusal, so that the miner reads why and goes to its next pool.
bool Session::add_worker(const Id& id, const stratum::Authorize& m) {
  const auto refuse_login = [&](std::string_view why) {
    reject(id, RejectReason::bad_address, why);
    if (++bad_authorizes_ >= limits::bad_authorizes_max) close(CloseReason::auth_failed);
    return false;
  };
  if (m.username.size() > limits::username_bytes_max) {
    return refuse_login("user name is longer than 256 bytes");
  }
  auto worker = parse_worker_name(m.username, shard_.options.network);
  if (!worker) return refuse_login(bitcoin::describe(worker.error()));
  const bool first = workers_.empty();
  const WorkerName& added =
      workers_.add(m.username, std::move(*worker),
                   [this](const WorkerName& silent) { shard_.connected.remove(silent, id_); });
  shard_.connected.add(added, id_);
  if (!first) return true;
  // The difficulty is the connection's, so the first to log in speaks for it.
  miner_key_ = added.full();
  difficulty_.on_password(parse_password_options(m.password));
  return true;
}

// With an extranonce1 that worked on the current job before, the same hashes would come again: much
// firmware counts extranonce2 from 0 after a reconnect.
std::shared_ptr<const mining::Job> Session::first_job(base::Instant now) {
  const auto& current = shard_.jobs.current();
  if (current == nullptr || worked_until_ < current->id) return current;
  const auto newer = shard_.jobs.job_after(worked_until_, now.mono);
  return newer != nullptr ? newer : current;
}

void Session::begin_mining(base::Instant now) {
  if (mining_ || !subscribed_ || workers_.empty() || closing_) return;
  mining_ = true;
  last_accepted_at_ = now.mono;
  if (peer_.limited) shard_.guard.on_mining(peer_.prefix);
  // Owners give one name to machines great and small, so the name alone says too little.
  if (!kind_.empty()) miner_key_.append("\n").append(kind_);
  if (const auto last = shard_.difficulties.recall(miner_key_, now.mono)) {
    difficulty_.on_remembered(*last);
  }
  if (version_rolling_) {
    shard_.host.send(id_, stratum::write_set_version_mask(masks_.current()));
  }
  take_instance(shard_.extranonces.instance());
  if (const auto job = first_job(now); job && wants_sha256()) send_job(*job, true, now);
  begin_coherence(now);
  if (!shard_.options.welcome.empty()) {
    shard_.host.send(id_, stratum::write_show_message(shard_.options.welcome));
  }
}

}  // namespace pool
