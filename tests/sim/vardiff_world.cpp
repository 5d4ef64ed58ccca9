#include "tests/sim/vardiff_world.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

namespace sim {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();
constexpr double job_interval = 30;
constexpr double settle_seconds = 600;

struct SentJob {
  std::uint64_t id;
  double difficulty;
  double obeyed_at;
};

class World {
 public:
  World(Rule& rule, double target, std::vector<Speed> speeds, std::uint64_t seed)
      : rule_(rule), target_(target), speeds_(std::move(speeds)), random_(seed) {}

  Outcome run(double seconds) {
    send_job();
    works_on_ = in_flight_.front();  // what comes before the first job is no share
    while (now_ < seconds) step(seconds);
    Outcome outcome = outcome_;
    outcome.mean_rate = accepted_ / (seconds * target_);
    outcome.credited = work_ > 0 ? credited_ / work_ : 1;
    outcome.refused = refused_ > 0 ? refused_ / (refused_ + accepted_) : 0;
    finish_settling(outcome, seconds);
    return outcome;
  }

 private:
  double ideal() const {
    return speeds_[speed_].hashes_per_second / hashes_per_difficulty / target_;
  }

  void step(double seconds) {
    const double rate =
        speeds_[speed_].hashes_per_second / hashes_per_difficulty / works_on_.difficulty;
    const double share_at = rate > 0 ? now_ + exponential(random_) / rate : never;
    const double speed_at = speed_ + 1 < speeds_.size() ? speeds_[speed_ + 1].from : never;
    const double obeyed_at = in_flight_.empty() ? never : in_flight_.front().obeyed_at;
    const double next = std::min({share_at, speed_at, obeyed_at, next_tick_, next_job_, seconds});
    work_ += speeds_[speed_].hashes_per_second / hashes_per_difficulty * (next - now_);
    now_ = next;
    watch_settling();
    if (next == obeyed_at) {
      works_on_ = in_flight_.front();
      in_flight_.pop_front();
    } else if (next == speed_at) {
      ++speed_;
    } else if (next == share_at) {
      share();
    } else if (next == next_job_) {
      rule_.wants_job(now_);
      send_job();
    } else if (next == next_tick_) {
      next_tick_ += 1;
      if (rule_.wants_job(now_)) send_job();
    }
  }

  void send_job() {
    ++job_;
    next_job_ = now_ + job_interval;
    if (const auto announced = rule_.announce(job_, now_)) {
      if (job_ > 1) {
        ++changes_;
        changed_at_.push_back(now_);
      }
      announced_ = *announced;
    }
    // The way there, and the work that was begun: mostly short, sometimes two seconds.
    const double takes = 0.05 + 2 * std::pow(uniform(random_), 3);
    const double after = in_flight_.empty() ? now_ : in_flight_.back().obeyed_at;
    in_flight_.push_back({job_, announced_, std::max(after, now_ + takes)});
  }

  void share() {
    const double difficulty = works_on_.difficulty / uniform(random_);
    const double required = rule_.required(works_on_.id);
    if (difficulty < required) {
      ++refused_;
    } else {
      ++accepted_;
      credited_ += required;
      const auto minute = static_cast<std::uint64_t>(now_ / 60);
      if (minute != minute_) shares_in_minute_ = 0;
      minute_ = minute;
      ++shares_in_minute_;
      outcome_.shares_worst_minute =
          std::max(outcome_.shares_worst_minute, shares_in_minute_ / (60 * target_));
      rule_.on_share(difficulty, required, now_);
    }
    if (rule_.wants_job(now_)) send_job();
  }

  void watch_settling() {
    if (outcome_.settled) return;
    const double off = announced_ / ideal();
    if (off < 0.5 || off > 2) {
      inside_since_.reset();
      return;
    }
    if (!inside_since_) {
      inside_since_ = now_;
      outcome_.changes_until_settled = changes_;
      outcome_.seconds_until_settled = now_;
    }
    outcome_.settled = now_ - *inside_since_ >= settle_seconds;
  }

  void finish_settling(Outcome& outcome, double seconds) const {
    const double from = outcome.settled ? outcome.seconds_until_settled : 0;
    const auto later =
        std::count_if(changed_at_.begin(), changed_at_.end(), [&](double at) { return at > from; });
    outcome.changes_per_hour = static_cast<double>(later) * 3600 / (seconds - from);
  }

  Rule& rule_;
  const double target_;  // shares per second
  const std::vector<Speed> speeds_;
  base::Random random_;
  Outcome outcome_;
  std::size_t speed_ = 0;
  double now_ = 0;
  double next_tick_ = 1;
  double next_job_ = 0;
  std::uint64_t job_ = 0;
  double announced_ = 1;
  SentJob works_on_{};
  std::deque<SentJob> in_flight_;
  int changes_ = 0;
  std::vector<double> changed_at_;
  std::optional<double> inside_since_;
  double accepted_ = 0;
  double refused_ = 0;
  double work_ = 0;
  double credited_ = 0;
  std::uint64_t minute_ = 0;
  double shares_in_minute_ = 0;
};

// Speeds that take turns for random times.
std::vector<Speed> turns(const std::vector<Speed>& each, double seconds, base::Random& random) {
  std::vector<Speed> speeds;
  double now = 0;
  for (std::size_t i = 0; now < seconds; i = (i + 1) % each.size()) {
    speeds.push_back({now, each[i].hashes_per_second});
    now += each[i].from * (0.5 + uniform(random));
  }
  return speeds;
}

}  // namespace

double uniform(base::Random& random) {
  return std::ldexp(static_cast<double>((random.next() >> 11) + 1), -53);
}

double exponential(base::Random& random) { return -std::log(uniform(random)); }

Outcome run(const Scenario& scenario, const MakeRule& make_rule, double shares_per_minute,
            double base_speed, std::uint64_t seed) {
  base::Random random(seed * 7919 + 1);
  const double seconds = scenario.hours * 3600;
  std::vector<Speed> speeds = scenario.speeds(base_speed, seconds, random);
  const double target = shares_per_minute / 60;
  const double ideal = base_speed / hashes_per_difficulty / target;
  const auto rule = make_rule(scenario.start_factor * ideal);
  return World(*rule, target, std::move(speeds), seed).run(seconds);
}

Scenario steady(double start_factor, double hours) {
  return {"steady", start_factor, hours, true, [](double base, double, base::Random&) {
            return std::vector<Speed>{{0, base}};
          }};
}

Scenario on_and_off() {
  return {"works 3 min, pauses 3 min", 1, 24, false,
          [](double base, double seconds, base::Random& random) {
            return turns({{180, base}, {180, 0}}, seconds, random);
          }};
}

Scenario proxy() {
  return {"proxy, x1 and x10 in turn, 10 min each", 1, 24, false,
          [](double base, double seconds, base::Random& random) {
            return turns({{600, base}, {600, 10 * base}}, seconds, random);
          }};
}

Scenario fading() {
  return {"fades, halving every 2 h", 1, 12, false, [](double base, double seconds, base::Random&) {
            std::vector<Speed> speeds;
            for (double now = 0; now < seconds; now += 30) {
              speeds.push_back({now, base * std::exp2(-now / 7200)});
            }
            return speeds;
          }};
}

Scenario vanished() {
  return {"falls to a tenth after 2 h", 1, 8, false, [](double base, double, base::Random&) {
            return std::vector<Speed>{{0, base}, {7200, base / 10}};
          }};
}

}  // namespace sim
