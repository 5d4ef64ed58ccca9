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
constexpr std::size_t hashes_remembered = 4096;
constexpr std::uint32_t reconnect_pause_seconds_max = 60;

// Our ids are plain numbers, which some pools send back as strings; zero when it is neither.
std::uint64_t parse_id(std::string_view json) {
  if (json.size() > 2 && json.front() == '"' && json.back() == '"') {
    json = json.substr(1, json.size() - 2);
  }
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), id);
  return error == std::errc() && end == json.data() + json.size() ? id : 0;
}

// Names as DNS compares them.
bool same_host(std::string_view a, std::string_view b) {
  if (a.ends_with('.')) a.remove_suffix(1);
  if (b.ends_with('.')) b.remove_suffix(1);
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
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
      // Not those of another pool's works: their headers differ.
      last_search_id_(std::uint64_t{options_.pool} << 48),
      submitted_hashes_(hashes_remembered),
      allowance_(options_.shares_per_second_max) {
  if (!options_.coherence) return;
  CoherenceOptions coherence;
  coherence.pool = options_.pool;
  coherence.username = options_.username;
  coherence.only = !options_.sha256d;
  coherence.shares_per_second_max = options_.shares_per_second_max;
  coherence_.emplace(std::move(coherence), static_cast<CoherenceHost&>(*this));
}

void MinerClient::on_connected(base::MonoTime now) {
  forget_connection();
  connected_ = true;
  lines_.emplace(line_bytes_max);
  connected_at_ = heard_at_ = job_at_ = pinged_at_ = now_ = now;
  allowance_.start(now);
  if (coherence_) coherence_->on_connected(now);
  log_in();
}

void MinerClient::on_disconnected() { forget_connection(); }

void MinerClient::end() {
  forget_connection();
  drop_kept();
}

void MinerClient::forget_connection() {
  if (connected_) choose_words();
  keep_shares();
  drop_queued();
  ++epoch_;
  if (std::exchange(work_, nullptr)) host_.set_work(nullptr);
  early_notify_.reset();
  connected_ = authorized_ = subscribed_ = resumes_ = heard_anything_ = false;
  version_mask_.reset();
  difficulty_ = bitcoin::Difficulty();
  bad_lines_ = 0;
  if (coherence_) coherence_->on_disconnected();
}

// A pool that closes without a word may have met something it can't read: the next time we say
// less, and the time after that everything again. Unless it has understood everything once.
void MinerClient::choose_words() {
  understood_all_ = understood_all_ || (heard_anything_ && !bare_);
  bare_ = !heard_anything_ && !bare_ && !understood_all_ && !coherence_;
}

void MinerClient::fail(std::string_view why, std::chrono::seconds pause) {
  if (!connected_) return;
  host_.report({ClientEventKind::problem, std::string(why)});
  forget_connection();
  host_.disconnect(pause);
}

void MinerClient::on_bytes(base::ByteSpan bytes, base::MonoTime now) {
  now_ = now;
  if (!connected_) return;
  heard_at_ = now;
  heard_anything_ = true;
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
  now_ = now;
  if (!kept_.empty() && now - kept_since_ > options_.resume_window) drop_kept();
  if (connected_) check_deadlines(now);
  if (!connected_) return;
  flush(now);
  if (coherence_) coherence_->on_tick(now);
}

void MinerClient::check_deadlines(base::MonoTime now) {
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
  // Pings would hide a pool that is there and has nothing.
  if (now - job_at_ > options_.job_timeout) {
    return fail(fmt::format("no new job from the pool for {} s", options_.job_timeout.count()));
  }
  const bool ping_due = now - heard_at_ > options_.ping_after && pinged_at_ <= heard_at_;
  if (!authorized_ || !ping_due) return;
  pinged_at_ = now;
  host_.send(stratum::write_ping(next_id_++));  // any answer will do, a refusal too
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
  job_at_ = heard_at_;
  ++counters_.jobs;
  publish_work();
  warn_of_difficulty();
  resubmit_kept();
}

std::shared_ptr<const Work> MinerClient::make_work(const stratum::Notify& notify) {
  auto work = std::make_shared<Work>();
  work->pool = options_.pool;
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
  difficulty_told_ = false;
  host_.report({ClientEventKind::difficulty, fmt::format("difficulty {} from the next job on",
                                                         difficulty_text(difficulty_.value()))});
}

// Below a difficulty of 1 the network is a test's, where this is usual.
void MinerClient::warn_of_difficulty() {
  const double network = work_->network_target.difficulty();
  if (network < 1 || difficulty_.value() <= network || std::exchange(difficulty_told_, true)) {
    return;
  }
  host_.report({ClientEventKind::problem,
                fmt::format("the pool's difficulty {} is above the network's {}: a block that does "
                            "not meet it is no share",
                            difficulty_text(difficulty_.value()), difficulty_text(network))});
}

// Effective at once (BIP310): the job goes on with other versions.
void MinerClient::on_message(const stratum::SetVersionMask& message) {
  const std::uint32_t mask = message.mask & options_.version_mask;
  if (version_mask_ == mask || !options_.version_rolling) return;
  version_mask_ = mask;
  if (!work_) return;
  auto work = std::make_shared<Work>(*work_);
  work->version_mask = mask;
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
  job_at_ = heard_at_;
  if (coherence_) coherence_->on_message(message);
}

void MinerClient::set_coherence_work(std::shared_ptr<const CoherenceWork> work) {
  host_.set_coherence_work(std::move(work));
}

// Work is never taken to another host on a peer's word alone; another port of the same host is the
// same operator's.
void MinerClient::on_message(const stratum::Reconnect& message) {
  const auto pause =
      std::chrono::seconds(std::min(message.wait_seconds, reconnect_pause_seconds_max));
  const bool elsewhere = !message.host.empty() && !same_host(message.host, options_.host);
  if (elsewhere || !options_.redirect || message.port == 0) {
    const bool ignored = elsewhere || (!options_.redirect && message.port != 0);
    return fail(fmt::format("the pool asks to reconnect{}",
                            ignored ? "; the address it named is ignored" : ""),
                pause);
  }
  host_.redirect(static_cast<std::uint16_t>(message.port));
  fail(fmt::format("the pool asks to reconnect to its port {}", message.port), pause);
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
  // With the old one every share would be of a coinbase that the pool does not have.
  if (message.method == "mining.set_extranonce" && subscribed_ && options_.sha256d) {
    return fail(fmt::format("unusable mining.set_extranonce from the pool: {}",
                            printable(message.why, peer_text_bytes_max)));
  }
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
  if (id == suggest_id_) return on_suggest_answer(message);
  if (coherence_ && coherence_->on_answer(id, message, heard_at_)) return;
  const auto found = unanswered_.find(id);
  if (found == unanswered_.end()) return;
  const Submitted share = found->second;
  unanswered_.erase(found);
  on_submit_answer(share, message);
}

}  // namespace miner
