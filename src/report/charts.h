// The charts of a report, made from what was measured.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "load/result.h"

namespace martlet::report {

/// One latency on a chart with others.
struct LatencyLine {
  std::string label;
  size_t colour = 0;
  bool dashed = false;
  const load::Latency* latency = nullptr;  // borrowed
};

/// Latency over 1/(1-p), logarithmic: the tail gets the room it deserves. Empty ones are left out;
/// without any the text is empty. `id`, here and below: unique on the page.
std::string PercentileChart(const std::string& id, const std::vector<LatencyLine>& lines);

/// The share of messages that were at most so late.
std::string DistributionChart(const std::string& id, const std::vector<LatencyLine>& lines);

/// Messages a second of each interval; empty without intervals.
std::string RateChart(const std::string& id, const std::vector<load::Interval>& intervals);

/// p50, p99 and maximum of each interval; empty where there is no latency.
std::string IntervalLatencyChart(const std::string& id,
                                 const std::vector<load::Interval>& intervals);

}  // namespace martlet::report
