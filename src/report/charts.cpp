#include "report/charts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/line_chart.h"
#include "report/number.h"

namespace martlet::report {
namespace {

constexpr int kNinesMax = 7;
constexpr double kStepsPerDecade = 24;
constexpr size_t kDistributionPoints = 160;

bool Empty(const LatencyLine& line) { return line.latency->histogram.count() == 0; }

/// Linear from 0 while the greatest is within twenty times the least, else logarithmic.
Axis LatencyAxis(double low, double high) {
  if (high > 20 * std::max(low, 1.0)) {
    return LogAxis(std::max(low, 1.0), high, "latency (logarithmic)", DurationLabel);
  }
  return LinearAxis(0, high, "latency", DurationLabel);
}

Axis LatencyAxisOf(const std::vector<LatencyLine>& lines) {
  double low = HUGE_VAL;
  double high = 0;
  for (const LatencyLine& line : lines) {
    if (Empty(line)) continue;
    low = std::min(low, static_cast<double>(line.latency->histogram.ValueAt(1)));
    high = std::max(high, static_cast<double>(line.latency->histogram.Max()));
  }
  return LatencyAxis(low, high);
}

/// One point for each small step along the axis, up to the share that one message is.
Series PercentileSeries(const LatencyLine& line, double end) {
  const measure::Histogram& histogram = line.latency->histogram;
  Series series{.label = line.label, .colour = line.colour, .dashed = line.dashed};
  const auto count = static_cast<double>(histogram.count());
  const double last = std::min(end, count);
  for (int i = 0;; ++i) {
    const double x = std::pow(10, i / kStepsPerDecade);
    if (x >= last) break;
    series.points.emplace_back(x, histogram.ValueAt(100 * (1 - 1 / x)));
  }
  const double share = last == count ? 100 : 100 * (1 - 1 / last);
  series.points.emplace_back(last, histogram.ValueAt(share));
  return series;
}

/// Buckets joined until only so many are left as can be told apart.
Series DistributionSeries(const LatencyLine& line) {
  const measure::Histogram& histogram = line.latency->histogram;
  Series series{.label = line.label, .colour = line.colour, .dashed = line.dashed};
  const auto count = static_cast<double>(histogram.count());
  const double step = 100.0 / static_cast<double>(kDistributionPoints);
  series.points.emplace_back(std::max<int64_t>(histogram.Min(), 1), 0);
  double seen = 0;
  double drawn = 0;
  histogram.ForEach([&](int64_t value, uint64_t times) {
    seen += static_cast<double>(times);
    const double percent = 100 * seen / count;
    if (percent - drawn < step && seen < count) return;
    series.points.emplace_back(std::max<int64_t>(value, 1), percent);
    drawn = percent;
  });
  return series;
}

/// The middle of an interval, where its point stands.
double Middle(const load::Interval& interval) {
  return interval.begin_seconds + interval.seconds / 2;
}

Axis TimeAxis(const std::vector<load::Interval>& intervals) {
  const load::Interval& last = intervals.back();
  return LinearAxis(0, last.begin_seconds + last.seconds, "since the end of the warm-up",
                    SecondsLabel);
}

std::string At(const load::Interval& interval, const std::string& value) {
  return Decimal(interval.begin_seconds, 1) + "–" +
         Decimal(interval.begin_seconds + interval.seconds, 1) + " s: " + value;
}

}  // namespace

std::string PercentileChart(const std::string& id, const std::vector<LatencyLine>& lines) {
  uint64_t most = 0;
  for (const LatencyLine& line : lines) most = std::max(most, line.latency->histogram.count());
  if (most == 0) return {};
  const int nines =
      std::clamp(static_cast<int>(std::ceil(std::log10(static_cast<double>(most)))), 2, kNinesMax);
  LineChart chart{
      .id = id,
      .title = "Latency by percentile",
      .description =
          "Latency over the percentile, of which each nine has the same room. The table "
          "of latency percentiles has the same as numbers.",
      .x = PercentileAxis(nines),
      .y = LatencyAxisOf(lines)};
  for (const LatencyLine& line : lines) {
    if (!Empty(line)) chart.series.push_back(PercentileSeries(line, chart.x.high));
  }
  return LineChartHtml(chart);
}

std::string DistributionChart(const std::string& id, const std::vector<LatencyLine>& lines) {
  double low = HUGE_VAL;
  double high = 0;
  for (const LatencyLine& line : lines) {
    if (Empty(line)) continue;
    low = std::min(low, static_cast<double>(line.latency->histogram.Min()));
    high = std::max(high, static_cast<double>(line.latency->histogram.Max()));
  }
  if (high == 0) return {};
  LineChart chart{
      .id = id,
      .title = "Cumulative distribution",
      .description =
          "The share of messages with at most a latency. The table of latency "
          "percentiles has the same as numbers.",
      .x = LogAxis(std::max(low, 1.0), high, "latency (logarithmic)", DurationLabel),
      .y = LinearAxis(0, 100, "messages within", [](double v) { return Decimal(v, 0) + " %"; })};
  for (const LatencyLine& line : lines) {
    if (!Empty(line)) chart.series.push_back(DistributionSeries(line));
  }
  return LineChartHtml(chart);
}

std::string RateChart(const std::string& id, const std::vector<load::Interval>& intervals) {
  if (intervals.empty()) return {};
  Series series{.label = "messages a second"};
  double high = 0;
  for (const load::Interval& interval : intervals) {
    if (interval.seconds <= 0) continue;
    const double rate = static_cast<double>(interval.messages) / interval.seconds;
    high = std::max(high, rate);
    series.points.emplace_back(Middle(interval), rate);
    series.hints.push_back(At(interval, Decimal(rate, 0) + " /s"));
  }
  return LineChartHtml({.id = id,
                        .title = "Messages a second",
                        .description =
                            "Messages a second in each interval of the run. The table of "
                            "intervals has the same as numbers.",
                        .x = TimeAxis(intervals),
                        .y = LinearAxis(0, high, "messages a second", CountLabel),
                        .series = {std::move(series)}});
}

std::string IntervalLatencyChart(const std::string& id,
                                 const std::vector<load::Interval>& intervals) {
  std::vector<Series> lines = {{.label = "p50", .colour = 0},
                               {.label = "p99", .colour = 1},
                               {.label = "max", .colour = 3, .dashed = true}};
  double low = HUGE_VAL;
  double high = 0;
  for (const load::Interval& interval : intervals) {
    if (interval.max_ns == 0) continue;
    const int64_t values[] = {interval.p50_ns, interval.p99_ns, interval.max_ns};
    for (size_t i = 0; i < lines.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      lines[i].points.emplace_back(Middle(interval), value);
      lines[i].hints.push_back(At(interval, lines[i].label + " " + DurationLabel(value)));
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (high == 0) return {};
  return LineChartHtml({.id = id,
                        .title = "Latency over time",
                        .description = "Median, 99th percentile and greatest latency of each "
                                       "interval. The table of intervals has the same as numbers.",
                        .x = TimeAxis(intervals),
                        .y = LatencyAxis(low, high),
                        .series = std::move(lines)});
}

}  // namespace martlet::report
