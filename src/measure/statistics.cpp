#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>
#include <utility>

namespace martlet::measure {
namespace {

/// P(|T| <= t) for `freedom` degrees of freedom: the finite series for whole numbers
/// (Abramowitz and Stegun 26.7.3 and 26.7.4).
double CentralShare(double t, size_t freedom) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(freedom)));
  const double cos2 = std::cos(angle) * std::cos(angle);
  const bool odd = freedom % 2 == 1;
  double term = odd ? std::cos(angle) : 1;
  double sum = 0;
  for (size_t k = odd ? 1 : 0; k + 2 <= freedom; k += 2) {
    sum += term;
    term *= cos2 * static_cast<double>(k + 1) / static_cast<double>(k + 2);
  }
  const double series = std::sin(angle) * sum;
  return odd ? 2 / std::numbers::pi * (angle + series) : series;
}

/// The t within which `confidence` of the distribution lies.
double StudentQuantile(double confidence, size_t freedom) {
  double low = 0;
  double high = 1;
  while (CentralShare(high, freedom) < confidence && high < 1e9) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (CentralShare(middle, freedom) < confidence ? low : high) = middle;
  }
  return high;
}

/// Means of all pairs of values, each with itself too, rising.
std::vector<double> WalshAverages(const std::vector<double>& values) {
  std::vector<double> averages;
  averages.reserve(values.size() * (values.size() + 1) / 2);
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i; j < values.size(); ++j) averages.push_back((values[i] + values[j]) / 2);
  }
  std::sort(averages.begin(), averages.end());
  return averages;
}

/// How many Walsh averages may be cut off at either end for the rest to hold the centre with
/// `confidence`: the exact distribution of the signed-rank statistic of `n` values.
size_t WalshCut(size_t n, double confidence) {
  std::vector<double> share(n * (n + 1) / 2 + 1, 0.0);  // of rank sums, all signs equally likely
  share[0] = 1;
  for (size_t rank = 1; rank <= n; ++rank) {
    for (size_t sum = share.size(); sum-- > 0;) {
      share[sum] = (share[sum] + (sum >= rank ? share[sum - rank] : 0)) / 2;
    }
  }
  const double tail = (1 - confidence) / 2;
  double below = 0;
  size_t cut = 0;
  while (cut < share.size() && below + share[cut] <= tail) below += share[cut++];
  return cut;
}

struct Span {
  double low;
  double high;
};

Span StudentSpan(const std::vector<double>& values, double confidence) {
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double error = std::sqrt(squares / (n - 1) / n);
  const double reach = StudentQuantile(confidence, values.size() - 1) * error;
  return {mean - reach, mean + reach};
}

bool Measurable(double value) { return std::isfinite(value) && value > 0; }

/// Decimals that show a ratio to two or three digits.
int Decimals(double ratio) { return ratio < 2 ? 2 : ratio < 100 ? 1 : 0; }

std::string RangeText(double low, double high, int decimals) {
  char text[64];
  if (!std::isfinite(high)) return "one round";
  std::snprintf(text, sizeof text, "%.*f-%.*f", decimals, low, decimals, high);
  return text;
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Spread SpreadOf(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  Spread spread{.median = Median(values), .min = *min, .max = *max};
  std::vector<double> deviations;
  deviations.reserve(values.size());
  for (const double value : values) deviations.push_back(std::abs(value - spread.median));
  const double deviation = Median(std::move(deviations));
  if (spread.median != 0) spread.relative_deviation = deviation / std::abs(spread.median);
  return spread;
}

Ratio PairedRatio(const std::vector<double>& a, const std::vector<double>& b, double floor,
                  double confidence) {
  if (a.empty() || a.size() != b.size()) return {};
  std::vector<double> logs;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!Measurable(a[i]) || !Measurable(b[i])) return {};
    logs.push_back(std::log(b[i]) - std::log(a[i]));
  }
  const std::vector<double> averages = WalshAverages(logs);
  const double estimate = Median(averages);
  if (logs.size() == 1) {
    return {std::exp(estimate), 0, std::numeric_limits<double>::infinity(), 1};
  }

  Span span = StudentSpan(logs, confidence);
  if (const size_t cut = WalshCut(logs.size(), confidence); cut > 0) {
    span.low = std::min(span.low, averages[cut - 1]);
    span.high = std::max(span.high, averages[averages.size() - cut]);
  }
  const double least = std::log1p(floor);
  span.low = std::min(span.low, estimate - least);
  span.high = std::max(span.high, estimate + least);
  return {std::exp(estimate), std::exp(span.low), std::exp(span.high), logs.size()};
}

Verdict Judge(const Ratio& ratio, bool higher_is_better) {
  if (ratio.rounds == 0 || (ratio.low <= 1 && ratio.high >= 1)) return Verdict::kNoDifference;
  const bool higher = ratio.low > 1;
  return higher == higher_is_better ? Verdict::kBBetter : Verdict::kBWorse;
}

std::string VerdictText(const Ratio& ratio, bool higher_is_better) {
  if (ratio.rounds == 0) return "not comparable";
  if (Judge(ratio, higher_is_better) == Verdict::kNoDifference) {
    return "no difference seen (" + RangeText(ratio.low, ratio.high, 2) + ")";
  }
  const bool higher = ratio.low > 1;
  const double factor = higher ? ratio.estimate : 1 / ratio.estimate;
  const double low = higher ? ratio.low : 1 / ratio.high;
  const double high = higher ? ratio.high : 1 / ratio.low;
  const char* const word =
      higher_is_better ? (higher ? "faster" : "slower") : (higher ? "more" : "less");
  // A bound that rounds to 1 would read as if it held no difference.
  const int decimals = low < 1.005 ? 3 : Decimals(factor);
  char text[64];
  std::snprintf(text, sizeof text, "%s by %.*fx (", word, decimals, factor);
  return text + RangeText(low, high, decimals) + ")";
}

}  // namespace martlet::measure
