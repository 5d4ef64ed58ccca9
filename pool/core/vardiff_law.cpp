#include "pool/core/vardiff_law.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace pool {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

constexpr auto change_spacing = 30s;  // but for jumps up
// Shares within it are one event, or a queue that is flushed after a reconnect would be a jump.
constexpr double instant_seconds = 0.05;
constexpr double instant_intervals = 0.05;  // less where shares are to come that often
constexpr auto silence_shortest = 60s;
constexpr auto silence_longest = 600s;  // of a miner that was never heard of

// The CUSUMs decide between the rate aimed for and one `jump` times higher or lower; from odds of
// e^9 on they are looked at, and what they found has to be certain by odds of e^15: a steady miner
// is disturbed once in a million shares.
constexpr double jump = 6;
constexpr double jump_score = 9;
constexpr double jump_least = 2;     // below, the long mean decides
constexpr double jump_certain = 15;  // log of how much likelier its own rate is
constexpr double silence_intervals = 8;
constexpr int pauses_max = 8;
constexpr double prior_least = 0.25;
constexpr double prior_kept = 0.5;  // of the belief, after it was wrong

// The long mean: its memory in shares, bounded in time; what counts as off: three and a
// half standard deviations of a Poisson count (as a likelihood ratio), and more than this.
constexpr double memory_shares = 100;
constexpr double memory_seconds_least = 600;
constexpr double memory_seconds_most = 1800;
constexpr double memory_shares_least = 20;
constexpr double off_deviance = 12;
const double off_least = std::log(1.25);
// Rounded to a power of two, a rate up to 2^0.5 off is meant to be; from 2^0.75 the next one fits.
const double off_least_rounded = 0.75 * std::log(2.0);

// Leaning: shares over which a debt is repaid, and how far the rate aimed for may be moved for it.
constexpr double repay_shares = 150;
constexpr double repay_seconds_least = 3600;
const double lean_least = -std::log(1.25);
const double lean_most = std::log(3.0);

double aimed_rate(const VardiffAim& aim) { return aim.shares_per_minute / 60; }

double memory_seconds(const VardiffAim& aim) {
  const double most = std::max(memory_seconds_most, memory_shares_least / aimed_rate(aim));
  return std::clamp(memory_shares / aimed_rate(aim), memory_seconds_least, most);
}

double repayment(const VardiffAim& aim) {
  return std::max(repay_shares, repay_seconds_least * aimed_rate(aim));
}

double instant(const VardiffAim& aim) {
  return std::min(instant_seconds, instant_intervals / aimed_rate(aim));
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
  known_ = is_proven();
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
  if (up_.score <= 0) end_rise();
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
  pauses_ = 0;
  work_ += difficulty;
  seen_ = std::min(seen_ + 1, seen_max);
  down_.work += difficulty;
  if (up_.score == 0) {
    // The share that starts a run ends the interval before it, so its work is not the run's.
    up_.score = static_cast<float>(std::log(jump));
  } else {
    up_.work += difficulty;
    if (up_.seconds - raised_at_ >= instant(aim)) {
      raised_at_ = up_.seconds;
      up_.score += static_cast<float>(std::log(jump));
      ++up_events_;
    }
  }
  down_.score -= static_cast<float>(std::log(jump));
  if (down_.score <= 0) down_ = {};
  heard_ = now;
}

VardiffLaw::Advice VardiffLaw::at_once(double difficulty, const VardiffAim& aim,
                                       base::MonoTime now) {
  advance(aim, now);
  return jumped_up(difficulty, wanted_rate(aim));
}

VardiffLaw::Advice VardiffLaw::at_job(double difficulty, const VardiffAim& aim,
                                      base::MonoTime now) {
  if (const Advice raised = at_once(difficulty, aim, now)) return raised;
  known_ = known_ || is_proven();
  if (now - changed_ < change_spacing) return std::nullopt;
  const double rate = wanted_rate(aim);
  if (const Advice lowered = fell(difficulty, rate, aim, now)) return lowered;
  return drifted(difficulty, rate, aim);
}

VardiffLaw::Advice VardiffLaw::jumped_up(double difficulty, double rate) {
  if (up_.score < jump_score) return std::nullopt;
  const double seconds = std::max(static_cast<double>(up_.seconds), 0.001);
  if (deviance(up_events_, seconds * rate) < 2 * jump_certain) return std::nullopt;
  // The run ends with a share: n intervals of a rate r last about n / r, but their ratio is larger
  // in the mean by n / (n - 1).
  const double work = up_.work - difficulty;
  end_rise();
  const double wanted = work / seconds / rate;
  if (wanted < jump_least * difficulty) return std::nullopt;
  if (!known_) forgive();  // a start that was too low owes nothing
  work_ = work;
  seconds_ = seconds;
  return wanted;
}

VardiffLaw::Advice VardiffLaw::fell(double difficulty, double rate, const VardiffAim& aim,
                                    base::MonoTime now) {
  double shares = down_.work / difficulty;
  double expected = down_.seconds * rate;
  const bool silent = now - heard_ >= patience(aim);
  const bool slow =
      shares > 0 && down_.score >= jump_score && deviance(shares, expected) >= 2 * jump_certain;
  if (!silent && !slow) return std::nullopt;

  double prior = std::max(static_cast<double>(seen_), prior_least);
  if (!known_) {
    // All there is of it counts, and nothing that was only supposed.
    shares = work_ / difficulty;
    expected = seconds_ * rate;
    prior = prior_least;
  } else if (silent) {
    expected = std::min(expected, silence_intervals);  // how long a pause lasts says no more
  }
  const double wanted = difficulty * cautious(shares, expected, prior);
  const double believed = std::min<double>(shares + prior * prior_kept, seen_max);
  if (known_ && silent) pauses_ = static_cast<std::uint8_t>(std::min(pauses_ + 1, pauses_max));
  seen_ = static_cast<float>(believed);
  work_ = believed * wanted;
  seconds_ = believed / rate;
  down_ = {};
  heard_ = now;
  return wanted;
}

std::chrono::duration<double> VardiffLaw::patience(const VardiffAim& aim) const {
  const Seconds shortest = silence_shortest;
  const Seconds usual = std::max(shortest, Seconds(silence_intervals / aimed_rate(aim)));
  // Of a miner that was here before, the longer it is silent the surer it has only paused.
  if (known_) return usual * static_cast<double>(1U << pauses_);
  return seen_ < 1 ? std::min<Seconds>(usual, silence_longest) : usual;
}

// The rate, relative to the one expected, that explains the shares: the mean of a Gamma posterior.
// While little is known, half a standard deviation below it: a difficulty that is too low is found
// out in seconds, one that is too high only slowly.
double VardiffLaw::cautious(double shares, double expected, double prior) const {
  const double hedge = known_ ? 0 : std::sqrt(shares) / 2;
  return (shares - hedge + prior) / (expected + prior);
}

VardiffLaw::Advice VardiffLaw::drifted(double difficulty, double rate,
                                       const VardiffAim& aim) const {
  const bool silent = heard_ <= changed_ || pauses_ > 0;  // no share since: fell() judges that
  if (seconds_ <= 0 || silent) return std::nullopt;
  // An exponentially weighted mean has the variance of a plain one of up to twice its length.
  const double expected = rate * seconds_ / (1 - seconds_ / (2 * memory_seconds(aim)));
  const double off = work_ / seconds_ / (difficulty * rate);
  const double shares = expected * off;
  // Few shares say little of how much too high the difficulty is.
  if (off < 1 && (expected < silence_intervals || shares < 1)) return std::nullopt;
  if (deviance(shares, expected) < off_deviance) return std::nullopt;
  const double ratio = off < 1 ? cautious(shares, expected, prior_least)
                               : (shares + prior_least) / (expected + prior_least);
  const double least = aim.power_of_two ? off_least_rounded : off_least;
  if (std::abs(std::log(ratio)) < least) return std::nullopt;
  return difficulty * ratio;
}

void VardiffLaw::on_change(base::MonoTime now) {
  changed_ = now;
  heard_ = now;
  end_rise();
  down_ = {};
}

}  // namespace pool
