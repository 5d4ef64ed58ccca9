#include "miner/miner_client.h"

#include "common/stratum/codec.h"
#include "miner/refusal.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace miner {
namespace {

// The longest line a pool may send: a notify whose coinbase fills 16 KB, in hex, with room to
// spare.
constexpr std::size_t line_bytes_max = 256 * 1024;
constexpr std::uint32_t bad_lines_max = 8;
constexpr std::size_t extranonce1_bytes_max = 32;
constexpr std::uint32_t extranonce2_bytes_max = 16;
constexpr std::size_t hashes_remembered = 4096;
constexpr std::uint32_t reconnect_pause_seconds_max = 60;

// Our ids are plain numbers; zero when the text is not one.
std::uint64_t parse_id(std::string_view json) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), id);
  return error == std::errc() && end == json.data() + json.size() ? id : 0;
}

bool same_headers(const Work& a, const Work& b) {
  const stratum::Notify& x = a.notify;
  const stratum::Notify& y = b.notify;
  return x.prev_hash == y.prev_hash && x.coinb1 == y.coinb1 && x.coinb2 == y.coinb2 &&
         x.merkle_branch == y.merkle_branch && x.version == y.version && x.nbits == y.nbits &&
         x.ntime == y.ntime && a.extranonce1 == b.extranonce1 &&
         a.extranonce2_size == b.extranonce2_size && a.version_mask == b.version_mask;
}

}  // namespace

MinerClient::MinerClient(ClientOptions options, MinerHost& host)
    : options_(std::move(options)),
      host_(host),
      submitted_hashes_(hashes_remembered),
      allowance_(options_.shares_per_second_max) {
  if (!options_.coherence) return;
  CoherenceOptions coherence;
  coherence.username = options_.username;
  coherence.only = !options_.sha256d;
  coherence.shares_per_second_max = options_.shares_per_second_max;
  coherence_.emplace(std::move(coherence), static_cast<CoherenceHost&>(*this));
}

void MinerClient::on_connected(base::MonoTime now) {
  forget_connection();
  connected_ = true;
  lines_.emplace(line_bytes_max);
  connected_at_ = heard_at_ = now;
  allowance_.start(now);
  if (coherence_) coherence_->on_connected(now);
  configure_id_ = next_id_++;
  stratum::Configure configure;
  if (options_.sha256d) {
    configure.extensions = {"version-rolling"};
    configure.version_rolling_mask = options_.version_mask;
  }
  if (coherence_) coherence_->join(configure);
  host_.send(stratum::write_configure(configure_id_, configure));
  subscribe_id_ = next_id_++;
  host_.send(stratum::write_subscribe(subscribe_id_, {options_.user_agent, {}}));
}

void MinerClient::on_disconnected() { forget_connection(); }

void MinerClient::forget_connection() {
  counters_.unanswered_lost += unanswered_.size();
  drop_queued();
  unanswered_.clear();
  ++epoch_;
  if (work_) host_.set_work(nullptr);
  work_.reset();
  early_notify_.reset();
  connected_ = authorized_ = subscribed_ = false;
  version_mask_.reset();
  difficulty_ = bitcoin::Difficulty();
  bad_lines_ = 0;
  if (coherence_) coherence_->on_disconnected();
}

void MinerClient::fail(std::string_view why, std::chrono::seconds pause) {
  if (!connected_) return;
  host_.report({ClientEventKind::problem, std::string(why)});
  forget_connection();
  host_.disconnect(pause);
}

void MinerClient::on_bytes(base::ByteSpan bytes, base::MonoTime now) {
  if (!connected_) return;
  heard_at_ = now;
  const bool fits = lines_->push(bytes, [this](std::string_view line) { return on_line(line); });
  if (!fits) return fail(fmt::format("the pool sent a line of more than {} bytes", line_bytes_max));
  if (connected_) flush(now);
  if (connected_ && coherence_) coherence_->flush(now);
}

bool MinerClient::on_line(std::string_view line) {
  const auto message = stratum::parse_server_message(line);
  if (!message) {
    ++counters_.lines_not_understood;
    if (++bad_lines_ < bad_lines_max) return true;
    fail(fmt::format("the pool does not speak Stratum: {} ({} such lines)",
                     stratum::describe(message.error()), bad_lines_));
    return false;
  }
  std::visit([this](const auto& known) { on_message(known); }, *message);
  return connected_;
}

void MinerClient::on_tick(base::MonoTime now) {
  if (!connected_) return;
  if (now - heard_at_ > options_.silence_timeout) {
    return fail(fmt::format("no word from the pool for {} s", options_.silence_timeout.count()));
  }
  if (!authorized_ && now - connected_at_ > options_.handshake_timeout) {
    return fail(fmt::format("the pool did not answer {} within {} s",
                            subscribed_ ? "authorize" : "subscribe",
                            options_.handshake_timeout.count()));
  }
  if (!unanswered_.empty() && now - unanswered_.begin()->second.at > options_.answer_timeout) {
    return fail(fmt::format("the pool did not answer a share within {} s",
                            options_.answer_timeout.count()));
  }
  flush(now);
  if (coherence_) coherence_->on_tick(now);
}

// --- what the pool says ---

void MinerClient::on_message(const stratum::Notify& notify) {
  if (!options_.sha256d) return;  // a pool need not know that we asked for none
  if (!subscribed_ || !authorized_) {
    early_notify_ = notify;
    return;
  }
  const bool clean = !work_ || notify.clean_jobs || notify.prev_hash != work_->notify.prev_hash;
  if (clean) {
    ++epoch_;
    drop_queued();
  }
  work_ = make_work(notify);
  ++counters_.jobs;
  publish_work();
}

std::shared_ptr<const Work> MinerClient::make_work(const stratum::Notify& notify) {
  auto work = std::make_shared<Work>();
  work->notify = notify;
  work->extranonce1 = extranonce1_;
  work->extranonce2_size = extranonce2_size_;
  work->difficulty = difficulty_;
  work->share_target = bitcoin::Target256::from_difficulty(difficulty_);
  if (const auto target = bitcoin::Target256::from_compact(notify.nbits)) {
    work->network_target = *target;
  }
  work->version_mask = version_mask_;
  work->epoch = epoch_;
  const bool same_search = work_ && same_headers(*work_, *work);
  work->search_id = same_search ? last_search_id_ : ++last_search_id_;
  return work;
}

void MinerClient::publish_work() {
  host_.set_work(work_);
  host_.report({ClientEventKind::job,
                fmt::format("job {}{}, difficulty {}", printable(work_->notify.job_id, 64),
                            work_->notify.clean_jobs ? " (new block)" : "",
                            difficulty_text(work_->difficulty.value()))});
}

void MinerClient::on_message(const stratum::SetDifficulty& message) {
  if (message.difficulty == difficulty_ || !options_.sha256d) return;
  difficulty_ = message.difficulty;
  host_.report({ClientEventKind::difficulty, fmt::format("difficulty {} from the next job on",
                                                         difficulty_text(difficulty_.value()))});
}

// Effective at once (BIP310): the job goes on with other versions.
void MinerClient::on_message(const stratum::SetVersionMask& message) {
  if (version_mask_ == message.mask) return;
  version_mask_ = message.mask;
  if (!work_) return;
  auto work = std::make_shared<Work>(*work_);
  work->version_mask = message.mask;
  work->search_id = ++last_search_id_;
  work_ = std::move(work);
  host_.set_work(work_);
}

void MinerClient::on_message(const stratum::SetExtranonce& message) {
  if (!subscribed_) return;
  (void)set_extranonce(message.extranonce1, message.extranonce2_size);
}

void MinerClient::on_message(const stratum::CoherenceSetExtranonce& message) {
  if (coherence_) coherence_->on_message(message);
}

void MinerClient::on_message(const stratum::CoherenceSetTarget& message) {
  if (coherence_) coherence_->on_message(message);
}

void MinerClient::on_message(const stratum::CoherenceNotify& message) {
  if (coherence_) coherence_->on_message(message);
}

void MinerClient::set_coherence_work(std::shared_ptr<const CoherenceWork> work) {
  host_.set_coherence_work(std::move(work));
}

void MinerClient::on_message(const stratum::Reconnect& message) {
  const auto pause =
      std::chrono::seconds(std::min(message.wait_seconds, reconnect_pause_seconds_max));
  // Work is never taken to another address on a peer's word alone.
  const std::string_view note = message.host.empty() ? "" : "; the address it named is ignored";
  fail(fmt::format("the pool asks to reconnect{}", note), pause);
}

void MinerClient::on_message(const stratum::ShowMessage& message) {
  host_.report({ClientEventKind::message,
                fmt::format("pool: {}", printable(message.text, peer_text_bytes_max))});
}

void MinerClient::on_message(const stratum::GetVersion& message) {
  host_.send(stratum::write_version_answer(message.id_json, options_.user_agent));
}

void MinerClient::on_message(const stratum::ServerPing& message) {
  host_.send(stratum::write_pong(message.id_json));
}

void MinerClient::on_message(const stratum::UnknownServerMethod& message) {
  ++counters_.lines_not_understood;
  if (message.why.empty()) return;
  host_.report({ClientEventKind::problem,
                fmt::format("unusable {} from the pool: {}", printable(message.method, 64),
                            printable(message.why, peer_text_bytes_max))});
}

void MinerClient::on_message(const stratum::ServerResponse& message) {
  const std::uint64_t id = parse_id(message.id_json);
  if (id == 0) return;
  if (id == configure_id_) return on_configure_answer(message);
  if (id == subscribe_id_ && !subscribed_) return on_subscribe_answer(message);
  if (id == authorize_id_ && !authorized_) return on_authorize_answer(message);
  if (coherence_ && coherence_->on_answer(id, message, heard_at_)) return;
  const auto found = unanswered_.find(id);
  if (found == unanswered_.end()) return;
  const Submitted share = found->second;
  unanswered_.erase(found);
  on_submit_answer(share, message);
}

// --- the handshake ---

void MinerClient::on_configure_answer(const stratum::ServerResponse& answer) {
  const auto result = stratum::parse_configure_result(answer.result_json);
  const bool answered = answer.accepted && result.has_value();
  if (coherence_) coherence_->on_configured(answered ? std::optional(*result) : std::nullopt);
  if (!answered || !result->version_rolling_mask) return;
  const bool granted =
      std::any_of(result->extensions.begin(), result->extensions.end(), [](const auto& extension) {
        return extension.first == "version-rolling" && extension.second;
      });
  if (granted) version_mask_ = *result->version_rolling_mask;
}

bool MinerClient::set_extranonce(base::Bytes extranonce1, std::uint32_t extranonce2_size) {
  if (extranonce1.size() > extranonce1_bytes_max || extranonce2_size > extranonce2_bytes_max) {
    fail(fmt::format("extranonce1 of {} bytes and extranonce2_size {}: expected at most {} and {}",
                     extranonce1.size(), extranonce2_size, extranonce1_bytes_max,
                     extranonce2_bytes_max));
    return false;
  }
  extranonce1_ = std::move(extranonce1);
  extranonce2_size_ = extranonce2_size;
  return true;
}

void MinerClient::on_subscribe_answer(const stratum::ServerResponse& answer) {
  if (!answer.accepted) {
    return fail(fmt::format("the pool refused to subscribe us: {}", reason_text(answer)),
                refused_pause);
  }
  const auto result = stratum::parse_subscribe_result(answer.result_json);
  if (!result) {
    return fail(fmt::format("unusable answer to subscribe: {}",
                            printable(result.error(), peer_text_bytes_max)));
  }
  if (!set_extranonce(result->extranonce1, result->extranonce2_size)) return;
  subscribed_ = true;
  authorize_id_ = next_id_++;
  host_.send(stratum::write_authorize(authorize_id_, {options_.username, options_.password}));
}

void MinerClient::on_authorize_answer(const stratum::ServerResponse& answer) {
  if (!answer.accepted) {
    return fail(fmt::format("the pool refused user \"{}\": {}", printable(options_.username, 128),
                            reason_text(answer)),
                refused_pause);
  }
  authorized_ = true;
  host_.report({ClientEventKind::connected,
                fmt::format("authorized as {}", printable(options_.username, 128))});
  if (coherence_) coherence_->on_authorized();
  if (!early_notify_) return;
  const stratum::Notify notify = std::move(*early_notify_);
  early_notify_.reset();
  on_message(notify);
}

}  // namespace miner
