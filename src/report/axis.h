// Axes of charts: from values to places and round numbers to label them with.
#pragma once

#include <string>
#include <vector>

#include <absl/functional/function_ref.h>

namespace martlet::report {

struct Tick {
  double value;
  std::string label;  // empty: a line alone
};

/// A range of values, linear or logarithmic. A value; `low` < `high`, both positive when `log`.
struct Axis {
  double low = 0;
  double high = 1;
  bool log = false;
  std::vector<Tick> ticks;
  std::string title;

  /// 0 at `low`, 1 at `high`; what lies outside is put at the end it lies beyond.
  double At(double value) const;
};

using Labeller = absl::FunctionRef<std::string(double)>;

/// From `low` to at least `high`, with four to seven round ticks. Not finite or not rising bounds
/// are mended: an axis always comes out.
Axis LinearAxis(double low, double high, std::string title, Labeller label);
/// Widened to round numbers, ticks at 1, 2, 5 or at powers of ten alone, as there is room.
Axis LogAxis(double low, double high, std::string title, Labeller label);
/// For 1/(1-p) from 1 to 10^`nines`: labelled p50, p90, p99, ...
Axis PercentileAxis(int nines);

/// "1.5 M", "20 k", "0": for ticks.
std::string CountLabel(double value);
/// "20 µs", "1.5 ms", of nanoseconds.
std::string DurationLabel(double ns);
/// "10 s"
std::string SecondsLabel(double seconds);

}  // namespace martlet::report
