#include "pool/core/difficulty_control.h"

#include "common/base/test_faults.h"
#include "pool/core/asked_difficulty.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <cmath>

namespace pool {
namespace {

using namespace std::chrono_literals;
using bitcoin::Difficulty;

constexpr double steep = 4;  // a raise by this much does not wait for the next notify
constexpr auto steep_job_lasts = 5s;
// Shares that a worker's last difficulty counts for: as if they had come on this connection.
constexpr double remembered_shares = 8;
constexpr double hashes_per_difficulty = 4294967296.0;

// Vardiff's values. Ten significant bits are exact wherever a miner keeps difficulties: in uint32
// (from 1 on they are whole) and in float.
double rounded(double value, bool power_of_two) {
  if (power_of_two) return std::exp2(std::round(std::log2(value)));
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return std::ldexp(std::round(std::ldexp(fraction, 10)), exponent - 10);
}

// Whole from 1 on, if the bounds leave room for it.
double whole(double value, double least, double most) {
  if (value < 1) return value;
  if (std::floor(value) >= least) return std::floor(value);
  return std::ceil(value) <= most ? std::ceil(value) : value;
}

}  // namespace

DifficultyControl::DifficultyControl(const DifficultyPolicy& policy, base::MonoTime now)
    : policy_(&policy), law_(now), wanted_(policy.start.value()) {}

VardiffAim DifficultyControl::aim() const {
  return {policy_->shares_per_minute, policy_->power_of_two};
}

void DifficultyControl::start_at(Difficulty difficulty, Source source) {
  if (source < source_) return;
  source_ = source;
  wanted_ = difficulty.value();
}

void DifficultyControl::on_user_agent(const UserAgentRule& rule) {
  rule_min_ = rule.min ? rule.min->value() : 0;
  rule_max_ = rule.max ? rule.max->value() : Difficulty::most;
  if (rule.start) start_at(*rule.start, Source::user_agent);
}

void DifficultyControl::on_remembered(Difficulty last) {
  if (!announced()) start_at(last, Source::remembered);
}

void DifficultyControl::on_password(const PasswordOptions& options) {
  if (options.min) password_min_ = options.min->value();
  if (options.terahashes_per_second) {
    const double hashes = *options.terahashes_per_second * 1e12 * 60 / policy_->shares_per_minute;
    if (const auto asked = asked_difficulty(hashes / hashes_per_difficulty)) {
      start_at(*asked, Source::password);
    }
  }
  const auto start = options.fixed ? options.fixed : options.start;
  if (!start) return;
  start_at(*start, Source::password);
  start_min_ = start->value();
  fixed_ = options.fixed.has_value();
}

void DifficultyControl::on_minimum(double value) {
  const auto asked = asked_difficulty(value);
  configured_min_ = asked ? asked->value() : 0;
}

bool DifficultyControl::on_suggestion(double value, Difficulty network, base::MonoTime now) {
  const auto asked = asked_difficulty(value);
  if (!asked || value == last_suggestion_) return false;
  last_suggestion_ = value;
  if (source_ > Source::suggestion) return false;
  start_at(*asked, Source::suggestion);
  start_min_ = asked->value();
  if (!announced() || wanted(network) == history_.latest().difficulty) return false;
  return !changed_at_ || now - *changed_at_ >= limits::suggestion_spacing;
}

void DifficultyControl::on_share(double share_difficulty, base::MonoTime now) {
  if (!announced() || !adapts()) return;
  const double in_force = history_.latest().difficulty.value();
  law_.on_share(in_force, share_difficulty >= in_force, aim(), now);
}

void DifficultyControl::follow(VardiffLaw::Advice advice, Difficulty network) {
  if (!advice) return;
  wanted_ = rounded(*advice, policy_->power_of_two);
  const Bounds within = bounds(network);
  if (wanted_ < within.least || wanted_ > within.most) law_.forgive();
}

DifficultyControl::Urgency DifficultyControl::retarget(Difficulty network, base::MonoTime now) {
  if (!announced() || base::fault("vardiff_never")) return Urgency::none;
  const Difficulty in_force = history_.latest().difficulty;
  if (adapts()) follow(law_.at_once(in_force.value(), aim(), now), network);
  const Difficulty next = wanted(network);
  if (next != in_force) {
    return next.value() >= steep * in_force.value() ? Urgency::now : Urgency::next_notify;
  }
  if (steep_until_ && now >= *steep_until_) {
    steep_until_.reset();
    return Urgency::now;
  }
  return Urgency::none;
}

std::optional<Difficulty> DifficultyControl::announce(mining::JobId job, Difficulty network,
                                                      base::MonoTime now) {
  steep_until_.reset();
  if (!announced()) {
    const Difficulty first = wanted(network);
    // The one said before counts for the first job like any difficulty before a change.
    if (early_ && *early_ != first) history_.change(mining::JobId{0}, *early_);
    law_.start(first.value(), source_ == Source::remembered ? remembered_shares : 0, aim(), now);
    history_.change(job, first);
    return first;
  }
  const Difficulty before = history_.latest().difficulty;
  // What was asked for goes out as it is; vardiff has its say with the job after.
  const bool asked = wanted(network) != before;
  if (adapts() && !asked) follow(law_.at_job(before.value(), aim(), now), network);
  const Difficulty next = wanted(network);
  if (next == before) return std::nullopt;
  if (next.value() >= steep * before.value()) steep_until_ = now + steep_job_lasts;
  law_.on_change(now);
  changed_at_ = now;
  history_.change(job, next);
  return next;
}

Difficulty DifficultyControl::announce_early(Difficulty network) {
  if (announced()) return history_.latest().difficulty;
  early_ = wanted(network);
  return *early_;
}

DifficultyControl::Bounds DifficultyControl::bounds(Difficulty network) const {
  const double port_max = policy_->max ? policy_->max->value() : Difficulty::most;
  const double floor = policy_->min.value();
  const double ceiling = std::min({port_max, rule_max_, network.value()});
  // A fixed one is its owner's word; what firmware configures by itself does not count against it.
  const double wish = fixed_ ? start_min_ : std::max({start_min_, password_min_, configured_min_});
  // Where blocks are easier than difficulty 1 (regtest, a test network that lies idle), the
  // network's difficulty is a fraction that much firmware can't read: a miner that asks for more
  // gets it, and keeps easier blocks to itself.
  const bool above_network = network.value() < 1 && wish > ceiling;
  const double most = std::max(floor, above_network ? std::min(port_max, wish) : ceiling);
  return {std::max(floor, std::min(std::max(rule_min_, wish), most)), most};
}

Difficulty DifficultyControl::wanted(Difficulty network) const {
  const Bounds within = bounds(network);
  const double bounded = std::clamp(wanted_, within.least, within.most);
  return *Difficulty::from_double(whole(bounded, within.least, within.most));
}

std::optional<Difficulty> DifficultyControl::proven() const {
  if (!announced() || !adapts() || !law_.is_proven()) return std::nullopt;
  return history_.latest().difficulty;
}

}  // namespace pool
