#include "pool/core/vardiff_law.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace pool {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

constexpr auto change_spacing = 30s;  // but for jumps up
constexpr auto instant = 50ms;        // shares within it are one event: a queue that was flushed
constexpr auto silence_shortest = 60s;
constexpr auto silence_longest = 600s;  // of a miner that was never heard of

// The CUSUMs decide between the rate aimed for and one `jump` times higher or lower. Thresholds are
// odds of e^9, 8000 to one, so that a steady miner is disturbed once in many thousand shares.
constexpr double jump = 6;
constexpr double jump_score = 9;
constexpr double jump_least = 2;  // below, the long mean decides
constexpr double jump_seconds_least = 0.25;
constexpr double silence_intervals = 8;
constexpr double prior_least = 0.25;
constexpr double prior_kept = 0.25;  // of the belief, after it was wrong

// The long mean: its memory in shares, bounded in time; what counts as off: three standard
// deviations of a Poisson count (as a likelihood ratio), and more than this.
constexpr double memory_shares = 50;
constexpr double memory_seconds_least = 120;
constexpr double memory_seconds_most = 1800;
constexpr double off_deviance = 9;
const double off_least = std::log(1.2);
// Rounded to a power of two, a rate up to 2^0.5 off is meant to be; from 2^0.75 the next one fits.
const double off_least_rounded = 0.75 * std::log(2.0);

// Leaning: shares over which a debt is repaid, and how far the rate aimed for may be moved for it.
constexpr double repay_shares = 150;
constexpr double repay_seconds_least = 600;
const double lean_least = -std::log(1.25);
const double lean_most = std::log(2.0);

double aimed_rate(const VardiffAim& aim) { return aim.shares_per_minute / 60; }

double memory_seconds(const VardiffAim& aim) {
  return std::clamp(memory_shares / aimed_rate(aim), memory_seconds_least, memory_seconds_most);
}

double repayment(const VardiffAim& aim) {
  return std::max(repay_shares, repay_seconds_least * aimed_rate(aim));
}

float leaned(double lean) { return static_cast<float>(std::clamp(lean, lean_least, lean_most)); }

// Twice the log of how much likelier `seen` shares are at their own rate than at the `expected`
// one: about the square of how many standard deviations they are off.
double deviance(double seen, double expected) {
  const double own = seen > 0 ? seen * std::log(seen / expected) : 0;
  return 2 * (own - (seen - expected));
}

}  // namespace

void VardiffLaw::start(double difficulty, double shares_seen, const VardiffAim& aim,
                       base::MonoTime now) {
  *this = VardiffLaw(now);
  seen_ = std::min(static_cast<float>(shares_seen), seen_max);
  seconds_ = seen_ / aimed_rate(aim);
  work_ = seen_ * difficulty;
}

void VardiffLaw::advance(const VardiffAim& aim, base::MonoTime now) {
  const double elapsed = Seconds(now - updated_).count();
  if (elapsed <= 0) return;
  updated_ = now;
  const double memory = memory_seconds(aim);
  const double kept = std::exp(-elapsed / memory);
  work_ *= kept;
  seconds_ = seconds_ * kept + memory * (1 - kept);

  const double expected = wanted_rate(aim) * elapsed;
  up_.score -= static_cast<float>((jump - 1) * expected);
  up_.seconds += static_cast<float>(elapsed);
  if (up_.score <= 0) up_ = {};
  down_.score += static_cast<float>((1 - 1 / jump) * expected);
  down_.seconds += static_cast<float>(elapsed);
  // Powers of two miss the rate aimed for by up to 2^0.5 on purpose.
  if (!aim.power_of_two) lean_ = leaned(lean_ + aimed_rate(aim) * elapsed / repayment(aim));
}

double VardiffLaw::wanted_rate(const VardiffAim& aim) const {
  return aimed_rate(aim) * std::exp(static_cast<double>(lean_));
}

void VardiffLaw::on_share(double difficulty, bool counts, const VardiffAim& aim,
                          base::MonoTime now) {
  advance(aim, now);
  if (!aim.power_of_two) lean_ = leaned(lean_ - 1 / repayment(aim));
  if (!counts) return;
  work_ += difficulty;
  seen_ = std::min(seen_ + 1, seen_max);
  // The share that starts a run ends the interval before it, so its work is not the run's.
  if (up_.score > 0) up_.work += difficulty;
  down_.work += difficulty;
  if (now - heard_ >= instant || up_.score == 0) up_.score += static_cast<float>(std::log(jump));
  down_.score -= static_cast<float>(std::log(jump));
  if (down_.score <= 0) down_ = {};
  heard_ = now;
}

VardiffLaw::Advice VardiffLaw::advise(double difficulty, const VardiffAim& aim,
                                      base::MonoTime now) {
  advance(aim, now);
  const double rate = wanted_rate(aim);
  if (const Advice raised = jumped_up(difficulty, rate)) return raised;
  if (now - changed_ < change_spacing) return std::nullopt;
  if (const Advice lowered = fell(difficulty, rate, aim, now)) return lowered;
  return drifted(difficulty, rate, aim);
}

VardiffLaw::Advice VardiffLaw::jumped_up(double difficulty, double rate) {
  if (up_.score < jump_score) return std::nullopt;
  const double seconds = std::max(static_cast<double>(up_.seconds), jump_seconds_least);
  const double work = up_.work;
  up_ = {};
  const double wanted = work / seconds / rate;
  if (wanted < jump_least * difficulty) return std::nullopt;
  work_ = work;
  seconds_ = seconds;
  return wanted;
}

VardiffLaw::Advice VardiffLaw::fell(double difficulty, double rate, const VardiffAim& aim,
                                    base::MonoTime now) {
  const Seconds shortest = silence_shortest;
  Seconds patience = std::max(shortest, Seconds(silence_intervals / aimed_rate(aim)));
  if (seen_ < 1) patience = std::min<Seconds>(patience, silence_longest);
  if (now - heard_ < patience && down_.score < jump_score) return std::nullopt;
  // The posterior mean of the rate: Gamma with the belief's shares and the time they would take.
  const double prior = std::max(static_cast<double>(seen_), prior_least);
  const double wanted = (down_.work + prior * difficulty) / (down_.seconds * rate + prior);
  const double seen = down_.work / difficulty + prior * prior_kept;
  seen_ = static_cast<float>(std::min<double>(seen, seen_max));
  work_ = seen * wanted;
  seconds_ = seen / rate;
  down_ = {};
  heard_ = now;
  return wanted;
}

VardiffLaw::Advice VardiffLaw::drifted(double difficulty, double rate,
                                       const VardiffAim& aim) const {
  if (seconds_ <= 0) return std::nullopt;
  const double off = work_ / seconds_ / (difficulty * rate);
  // An exponentially weighted mean has the variance of a plain one of up to twice its length.
  const double expected = rate * seconds_ / (1 - seconds_ / (2 * memory_seconds(aim)));
  if (off < 1 && expected < silence_intervals) return std::nullopt;  // few shares say little
  if (deviance(expected * off, expected) < off_deviance) return std::nullopt;
  const double hedged = (expected * off + prior_least) / (expected + prior_least);
  const double least = aim.power_of_two ? off_least_rounded : off_least;
  if (std::abs(std::log(hedged)) < least) return std::nullopt;
  return difficulty * hedged;
}

void VardiffLaw::on_change(base::MonoTime now) {
  changed_ = now;
  heard_ = now;
  up_ = {};
  down_ = {};
}

}  // namespace pool
