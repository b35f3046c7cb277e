#include "report/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace martlet::report {
namespace {

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// The smallest of 1, 2, 5, 10, 20, ... (and tenths) that is not below `value`, with some slack
/// for what arithmetic leaves over.
double RoundUp(double value) {
  const double decade = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (value <= step * decade * (1 + 1e-9)) return step * decade;
  }
  return 10 * decade;
}

double RoundDown(double value) {
  const double decade = std::pow(10, std::floor(std::log10(value) + 1e-9));
  for (const double step : {5.0, 2.0}) {
    if (value >= step * decade * (1 - 1e-9)) return step * decade;
  }
  return decade;
}

}  // namespace

double Axis::At(double value) const {
  const double at =
      log ? (std::log(std::max(value, low)) - std::log(low)) / (std::log(high) - std::log(low))
          : (value - low) / (high - low);
  return std::isfinite(at) ? std::clamp(at, 0.0, 1.0) : 0;
}

Axis LinearAxis(double low, double high, std::string title, Labeller label) {
  if (!std::isfinite(low)) low = 0;
  if (!std::isfinite(high) || high <= low) high = low + std::max(1.0, std::abs(low) * 1e-3);
  const double step = RoundUp((high - low) / 6);
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  Axis axis{.low = first * step, .high = last * step, .title = std::move(title)};
  const int steps = static_cast<int>(last - first);
  for (int i = 0; i <= steps; ++i) {
    const double value = (first + i) * step;
    axis.ticks.push_back({value, label(value)});
  }
  return axis;
}

Axis LogAxis(double low, double high, std::string title, Labeller label) {
  if (!std::isfinite(low) || low <= 0) low = 1;
  if (!std::isfinite(high) || high < low) high = low;
  low = RoundDown(low);
  high = RoundUp(high);
  if (high <= low) high = RoundUp(low * 1.5);
  Axis axis{.low = low, .high = high, .log = true, .title = std::move(title)};
  const double decades = std::log10(high / low);
  const int every = std::max(1, static_cast<int>(std::ceil(decades / 8)));
  int decade_number = 0;
  double value = low;
  while (value <= high * 1.001) {
    const double mantissa = value / std::pow(10, std::floor(std::log10(value) + 1e-9));
    const bool power = mantissa < 1.5;
    const bool wanted = power ? decade_number++ % every == 0 : decades <= 2.5;
    axis.ticks.push_back({value, wanted ? label(value) : ""});
    value = RoundUp(value * 1.01);
  }
  return axis;
}

Axis PercentileAxis(int nines) {
  Axis axis{.low = 1, .high = std::pow(10, nines), .log = true, .title = "percentile"};
  axis.ticks.push_back({1, "p0"});
  axis.ticks.push_back({2, "p50"});
  std::string label = "p9";
  for (int i = 1; i <= nines; ++i) {
    if (i == 3) label += '.';
    axis.ticks.push_back({std::pow(10, i), i == 1 ? "p90" : label += "9"});
  }
  return axis;
}

std::string CountLabel(double value) {
  const double size = std::abs(value);
  if (size >= 1e9) return Short(value / 1e9) + " G";
  if (size >= 1e6) return Short(value / 1e6) + " M";
  if (size >= 1e3) return Short(value / 1e3) + " k";
  return Short(value);
}

std::string DurationLabel(double ns) {
  const double size = std::abs(ns);
  if (size >= 1e9) return Short(ns / 1e9) + " s";
  if (size >= 1e6) return Short(ns / 1e6) + " ms";
  if (size >= 1e3) return Short(ns / 1e3) + " µs";
  return size == 0 ? "0" : Short(ns) + " ns";
}

std::string SecondsLabel(double seconds) { return Short(seconds) + " s"; }

}  // namespace martlet::report
