// The beginning of a connection: configure, subscribe, authorize, and what may follow them.
#include "common/stratum/codec.h"
#include "miner/miner_client.h"
#include "miner/refusal.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::size_t extranonce1_bytes_max = 32;
constexpr std::uint32_t extranonce2_bytes_max = 16;
constexpr std::size_t session_id_bytes_max = 128;

}  // namespace

void MinerClient::log_in() {
  stratum::Configure configure;
  if (options_.sha256d && options_.version_rolling && !bare_) {
    configure.extensions = {"version-rolling"};
    configure.version_rolling_mask = options_.version_mask;
  }
  if (coherence_) coherence_->join(configure);
  configure_id_ = next_id_++;
  if (!configure.extensions.empty()) {
    host_.send(stratum::write_configure(configure_id_, configure));
  }
  subscribe_id_ = next_id_++;
  const std::string session = bare_ ? std::string() : session_id_;
  host_.send(stratum::write_subscribe(subscribe_id_, {options_.user_agent, session}));
}

void MinerClient::on_configure_answer(const stratum::ServerResponse& answer) {
  const auto result = stratum::parse_configure_result(answer.result_json);
  const bool answered = answer.accepted && result.has_value();
  if (coherence_) coherence_->on_configured(answered ? std::optional(*result) : std::nullopt);
  if (!answered || !result->version_rolling_mask) return;
  const bool granted =
      std::any_of(result->extensions.begin(), result->extensions.end(), [](const auto& extension) {
        return extension.first == "version-rolling" && extension.second;
      });
  if (granted && options_.version_rolling) {
    version_mask_ = *result->version_rolling_mask & options_.version_mask;
  }
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
  auto result = stratum::parse_subscribe_result(answer.result_json);
  if (!result) {
    return fail(fmt::format("unusable answer to subscribe: {}",
                            printable(result.error(), peer_text_bytes_max)));
  }
  if (!set_extranonce(result->extranonce1, result->extranonce2_size)) return;
  subscribed_ = true;
  begin_session(std::move(*result));
  authorize_id_ = next_id_++;
  host_.send(stratum::write_authorize(authorize_id_, {options_.username, options_.password}));
}

// A pool that gives another extranonce1 has not taken up the old session.
void MinerClient::begin_session(stratum::SubscribeResult&& result) {
  resumes_ = !session_id_.empty() && !bare_ && result.extranonce1 == session_extranonce1_ &&
             result.extranonce2_size == session_extranonce2_size_;
  if (!resumes_) drop_kept();
  const bool usable = result.session_id.size() <= session_id_bytes_max;
  session_id_ = usable ? std::move(result.session_id) : std::string();
  session_extranonce1_ = std::move(result.extranonce1);
  session_extranonce2_size_ = result.extranonce2_size;
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
  ask_for_more();
  if (coherence_) coherence_->on_authorized();
  if (!early_notify_) return;
  const stratum::Notify notify = std::move(*early_notify_);
  early_notify_.reset();
  on_message(notify);
}

// What a pool may grant, or not know. Only now: older ones take any question between subscribe and
// authorize amiss.
void MinerClient::ask_for_more() {
  if (!options_.sha256d || bare_) return;
  host_.send(stratum::write_extranonce_subscribe(next_id_++));
  if (const auto difficulty = bitcoin::Difficulty::from_double(options_.suggest_difficulty)) {
    suggest_id_ = next_id_++;
    host_.send(stratum::write_suggest_difficulty(suggest_id_, *difficulty));
  }
}

void MinerClient::on_suggest_answer(const stratum::ServerResponse& answer) {
  suggest_id_ = 0;
  if (answer.accepted) return;
  host_.report({ClientEventKind::message,
                fmt::format("the pool does not take the suggested difficulty {}: {}",
                            difficulty_text(options_.suggest_difficulty), reason_text(answer))});
}

}  // namespace miner
