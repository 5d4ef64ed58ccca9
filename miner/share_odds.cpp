#include "miner/share_odds.h"

#include "common/base/assert.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace miner {
namespace {

constexpr int terms_max = 10'000;
constexpr double precision = 1e-15;

// P(a, x), the lower part; converges quickly where x < a + 1.
double lower_by_series(double a, double x) {
  double term = 1 / a;
  double sum = term;
  for (int n = 1; n < terms_max && term > sum * precision; ++n) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * std::exp(a * std::log(x) - x - std::lgamma(a));
}

// Q(a, x), the upper part, by Lentz's evaluation of the continued fraction; where x >= a + 1.
double upper_by_fraction(double a, double x) {
  constexpr double tiny = std::numeric_limits<double>::min() / precision;
  double b = x + 1 - a;
  double c = 1 / tiny;
  double d = 1 / b;
  double value = d;
  for (int n = 1; n < terms_max; ++n) {
    const double numerator = -n * (n - a);
    b += 2;
    d = numerator * d + b;
    if (std::abs(d) < tiny) d = tiny;
    c = b + numerator / c;
    if (std::abs(c) < tiny) c = tiny;
    d = 1 / d;
    value *= d * c;
    if (std::abs(d * c - 1) < precision) break;
  }
  return value * std::exp(a * std::log(x) - x - std::lgamma(a));
}

}  // namespace

double chi_squared_tail(double x, std::uint32_t degrees_of_freedom) {
  ASSERT(x >= 0 && degrees_of_freedom > 0);
  const double a = degrees_of_freedom / 2.0;
  const double half = x / 2;
  if (half == 0) return 1;
  return half < a + 1 ? 1 - lower_by_series(a, half) : upper_by_fraction(a, half);
}

ShareOdds share_odds(std::span<const ShareCount> counts, double probability) {
  ASSERT(!counts.empty() && probability > 0 && probability < 1);
  ShareOdds odds;
  odds.degrees_of_freedom = static_cast<std::uint32_t>(counts.size());
  double expected_of_all = 0;
  double excess_of_all = 0;
  for (const ShareCount& count : counts) {
    ASSERT(count.hashes > 0);
    const double expected = static_cast<double>(count.hashes) * probability;
    const double deviation = std::sqrt(expected * (1 - probability));
    odds.deviations.push_back((static_cast<double>(count.shares) - expected) / deviation);
    expected_of_all += expected;
    excess_of_all += static_cast<double>(count.shares) - expected;
    odds.chi_squared += odds.deviations.back() * odds.deviations.back();
    odds.resolution = std::max(odds.resolution, 3 * deviation / expected);
  }
  odds.together = excess_of_all / std::sqrt(expected_of_all * (1 - probability));
  odds.p_value = chi_squared_tail(odds.chi_squared, odds.degrees_of_freedom);
  return odds;
}

}  // namespace miner
