#include "tests/sim/vardiff_rules.h"

#include "pool/core/difficulty_control.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

namespace sim {
namespace {

using bitcoin::Difficulty;

Difficulty difficulty_of(double value) {
  return *Difficulty::from_double(std::clamp(value, Difficulty::least, Difficulty::most));
}

class PoolRule : public Rule {
 public:
  PoolRule(double start, double shares_per_minute, bool power_of_two)
      : policy_{difficulty_of(start), difficulty_of(Difficulty::least),
                std::nullopt,         true,
                shares_per_minute,    power_of_two} {}

  std::optional<double> announce(std::uint64_t job, double now) override {
    const auto announced = control_.announce(mining::JobId{job}, network_, at(now));
    if (!announced) return std::nullopt;
    return announced->value();
  }
  double required(std::uint64_t job) override {
    return control_.history().for_job(mining::JobId{job}).difficulty.value();
  }
  void on_share(double share_difficulty, double, double now) override {
    control_.on_share(share_difficulty, at(now));
  }
  bool wants_job(double now) override {
    return control_.retarget(network_, at(now)) == pool::DifficultyControl::Urgency::now;
  }

 private:
  static base::MonoTime at(double seconds) {
    return base::MonoTime{} + std::chrono::duration_cast<base::MonoTime::duration>(
                                  std::chrono::duration<double>(seconds));
  }

  const pool::DifficultyPolicy policy_;
  const Difficulty network_ = difficulty_of(Difficulty::most);
  pool::DifficultyControl control_{policy_, base::MonoTime{}};
};

// What both others have in common: a job's shares must meet what was in force when it was sent.
class PerJobRule : public Rule {
 public:
  explicit PerJobRule(double start) : wanted_(start) {}

  std::optional<double> announce(std::uint64_t job, double now) override {
    const bool changes = wanted_ != in_force_;
    if (changes) on_change(now);
    in_force_ = wanted_;
    jobs_[job] = in_force_;
    while (jobs_.size() > 4096) jobs_.erase(jobs_.begin());
    if (!changes) return std::nullopt;
    return in_force_;
  }
  double required(std::uint64_t job) override { return jobs_.at(job); }

 protected:
  virtual void on_change(double now) {
    changed_at_ = now;
    shares_ = 0;
  }

  double wanted_;
  double in_force_ = 0;
  double changed_at_ = 0;
  int shares_ = 0;  // since the last change

 private:
  std::map<std::uint64_t, double> jobs_;
};

// Difficulty shares per second in means over one and five minutes, corrected for the time they had
// to build up; after 72 shares or 240 s, unless within half and 4/3 of the aim, to the optimum.
class CkpoolRule : public PerJobRule {
 public:
  using PerJobRule::PerJobRule;

  void on_share(double, double credited, double now) override {
    minute_.add(credited, now - last_, 60);
    five_minutes_.add(credited, now - last_, 300);
    const bool after_lull = now - last_ > 60;
    last_ = now;
    if (credited != in_force_) return;
    ++shares_;
    const double since = now - changed_at_;
    if (shares_ < 72 && since < 240) return;
    const bool quick = since < 60;
    const double bias = 1 - std::exp(-std::max(since, 0.001) / (quick ? 60 : 300));
    const double per_second = (quick ? minute_ : five_minutes_).value / bias;
    const double ratio = per_second / in_force_;
    if (ratio > 0.15 && ratio < 0.4) return;
    const double optimum = per_second * 10 / 3;
    if (after_lull && optimum < in_force_) return;
    wanted_ = optimum;
  }
  // set_difficulty goes out by itself there, and counts from the next job on.
  bool wants_job(double) override { return false; }

 private:
  struct Mean {
    double value = 0;
    void add(double amount, double elapsed, double memory) {
      const double weight = 1 - std::exp(-std::max(elapsed, 1e-6) / memory);
      value += (amount / std::max(elapsed, 1e-6) - value) * weight;
    }
  };
  // The means start over with a change, or the bias correction would count old shares twice.
  void on_change(double now) override {
    PerJobRule::on_change(now);
    minute_ = five_minutes_ = {};
  }

  Mean minute_;
  Mean five_minutes_;
  double last_ = 0;
};

// Powers of two by counting since the last change: double, halve, or jump with a job of its own.
class DatumRule : public PerJobRule {
 public:
  using PerJobRule::PerJobRule;

  void on_share(double, double credited, double now) override {
    last_ = now;
    if (credited != in_force_) return;
    ++shares_;
    const double ratio = ratio_at(now);
    if (shares_ >= 8 && ratio > 8) {
      wanted_ = std::exp2(std::ceil(std::log2(4 * in_force_)));
      at_once_ = true;
    } else if (shares_ >= 16 && ratio > 2) {
      wanted_ = 2 * in_force_;
    } else if (shares_ >= 16 && ratio < 0.5) {
      wanted_ = in_force_ / 2;
    }
  }
  bool wants_job(double now) override {
    if (now - std::max(last_, changed_at_) >= 60) wanted_ = in_force_ / 2;
    return std::exchange(at_once_, false);
  }

 private:
  double ratio_at(double now) const {
    const double minutes = std::max(now - changed_at_, 0.001) / 60;
    return shares_ / minutes / datum_shares_per_minute;
  }

  double last_ = 0;
  bool at_once_ = false;
};

}  // namespace

std::unique_ptr<Rule> make_pool_rule(double start, double shares_per_minute, bool power_of_two) {
  return std::make_unique<PoolRule>(start, shares_per_minute, power_of_two);
}

std::unique_ptr<Rule> make_ckpool_rule(double start) { return std::make_unique<CkpoolRule>(start); }

std::unique_ptr<Rule> make_datum_rule(double start) { return std::make_unique<DatumRule>(start); }

}  // namespace sim
