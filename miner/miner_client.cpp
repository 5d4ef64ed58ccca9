#include "miner/miner_client.h"

#include "common/stratum/codec.h"
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
constexpr std::size_t peer_text_bytes_max = 200;
constexpr std::size_t hashes_remembered = 4096;
constexpr std::uint32_t reconnect_pause_seconds_max = 60;
constexpr std::chrono::seconds refused_pause{10};

// Our ids are plain numbers; zero when the text is not one.
std::uint64_t parse_id(std::string_view json) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), id);
  return error == std::errc() && end == json.data() + json.size() ? id : 0;
}

std::string reason_text(const stratum::ServerResponse& answer) {
  if (answer.error_text.empty()) return fmt::format("no reason given (code {})", answer.error_code);
  return printable(answer.error_text, peer_text_bytes_max);
}

bool same_headers(const Work& a, const Work& b) {
  const stratum::Notify& x = a.notify;
  const stratum::Notify& y = b.notify;
  return x.prev_hash == y.prev_hash && x.coinb1 == y.coinb1 && x.coinb2 == y.coinb2 &&
         x.merkle_branch == y.merkle_branch && x.version == y.version && x.nbits == y.nbits &&
         x.ntime == y.ntime && a.extranonce1 == b.extranonce1 &&
         a.extranonce2_size == b.extranonce2_size;
}

}  // namespace

MinerClient::MinerClient(ClientOptions options, MinerHost& host)
    : options_(std::move(options)), host_(host), submitted_hashes_(hashes_remembered) {}

void MinerClient::on_connected(base::MonoTime now) {
  forget_connection();
  connected_ = true;
  lines_.emplace(line_bytes_max);
  connected_at_ = heard_at_ = allowance_at_ = now;
  configure_id_ = next_id_++;
  stratum::Configure configure;
  configure.extensions = {"version-rolling"};
  configure.version_rolling_mask = options_.version_mask;
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
  allowance_ = 0;
  bad_lines_ = 0;
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
}

// --- what the pool says ---

void MinerClient::on_message(const stratum::Notify& notify) {
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
  if (version_mask_) work->version_bits = notify.version & *version_mask_;
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
  if (message.difficulty == difficulty_) return;
  difficulty_ = message.difficulty;
  host_.report({ClientEventKind::difficulty, fmt::format("difficulty {} from the next job on",
                                                         difficulty_text(difficulty_.value()))});
}

// Effective at once for what is submitted (BIP310); the bits that are sent are the job's own, so
// they are right under any mask.
void MinerClient::on_message(const stratum::SetVersionMask& message) {
  version_mask_ = message.mask;
}

void MinerClient::on_message(const stratum::SetExtranonce& message) {
  if (!subscribed_) return;
  (void)set_extranonce(message.extranonce1, message.extranonce2_size);
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
  const auto found = unanswered_.find(id);
  if (found == unanswered_.end()) return;
  const Submitted share = found->second;
  unanswered_.erase(found);
  on_submit_answer(share, message);
}

// --- the handshake ---

void MinerClient::on_configure_answer(const stratum::ServerResponse& answer) {
  if (!answer.accepted) return;
  const auto result = stratum::parse_configure_result(answer.result_json);
  if (!result || !result->version_rolling_mask) return;
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
  if (!early_notify_) return;
  const stratum::Notify notify = std::move(*early_notify_);
  early_notify_.reset();
  on_message(notify);
}

// --- shares ---

void MinerClient::on_share(FoundShare share, base::MonoTime now) {
  if (!connected_ || share.work->epoch != epoch_) {
    ++counters_.dropped_stale;
    return;
  }
  std::deque<FoundShare>& queue = share.is_block ? blocks_queued_ : queued_;
  if (queue.size() == options_.queued_max) {
    ++counters_.dropped_full;
    return;
  }
  queue.push_back(std::move(share));
  flush(now);
}

Appetite MinerClient::appetite() const {
  if (blocks_queued_.size() >= options_.queued_max / 2) return Appetite::nothing;
  if (queued_.size() >= options_.queued_max / 2) return Appetite::blocks;
  return Appetite::shares;
}

void MinerClient::flush(base::MonoTime now) {
  refill_allowance(now);
  const bool limited = options_.shares_per_second_max > 0;
  while (queued() > 0 && unanswered_.size() < options_.unanswered_max) {
    if (limited && allowance_ < 1) return;
    std::deque<FoundShare>& queue = blocks_queued_.empty() ? queued_ : blocks_queued_;
    const FoundShare share = std::move(queue.front());
    queue.pop_front();
    if (!submitted_hashes_.insert(share.hash)) {
      ++counters_.dropped_repeat;
      continue;
    }
    allowance_ -= limited ? 1 : 0;
    submit(share, now);
  }
}

// A token bucket that holds a tenth of a second's worth, and at least one share.
void MinerClient::refill_allowance(base::MonoTime now) {
  const double rate = options_.shares_per_second_max;
  const std::chrono::duration<double> passed = now - allowance_at_;
  allowance_ = std::min(std::max(1.0, rate / 10), allowance_ + rate * passed.count());
  allowance_at_ = now;
}

void MinerClient::submit(const FoundShare& share, base::MonoTime now) {
  stratum::Submit request;
  request.worker_name = options_.username;
  request.job_id = share.work->notify.job_id;
  request.extranonce2_hex = base::to_hex(share.extranonce2);
  request.ntime = share.ntime;
  request.nonce = share.nonce;
  request.version_bits = share.work->version_bits;
  const std::uint64_t id = next_id_++;
  unanswered_[id] = {now, share.work->difficulty.value(), share.is_block};
  if (share.is_block) ++counters_.blocks_found;
  host_.send(stratum::write_submit(id, request));
}

void MinerClient::on_submit_answer(const Submitted& share, const stratum::ServerResponse& answer) {
  if (answer.accepted) {
    ++counters_.accepted;
    counters_.difficulty_accepted += share.difficulty;
    if (share.is_block) ++counters_.blocks_accepted;
    host_.report({ClientEventKind::accepted, share.is_block ? "block accepted" : "share accepted"});
    return;
  }
  ++counters_.rejected;
  host_.report(
      {ClientEventKind::rejected,
       fmt::format("{} rejected: {}", share.is_block ? "block" : "share", reason_text(answer))});
  // Codes 24 and 25: the pool does not know this worker or this connection (any more).
  if (answer.error_code == 24 || answer.error_code == 25) {
    fail("the pool no longer knows this worker", refused_pause);
  }
}

void MinerClient::drop_queued() {
  counters_.dropped_stale += queued();
  blocks_queued_.clear();
  queued_.clear();
}

}  // namespace miner
