// What a handful of runs say about two things that were measured in turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace martlet::measure {

/// Median of the middle two for an even number; 0 when empty.
double Median(std::vector<double> values);

struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
  /// Median absolute deviation from the median, relative to it (0.02: 2 %).
  double relative_deviation = 0;
};
Spread SpreadOf(const std::vector<double>& values);

/// b/a with an interval that holds the true ratio with the confidence asked for.
struct Ratio {
  double estimate = 1;
  double low = 1;
  double high = 1;
  size_t rounds = 0;  // pairs that it was made of; 0: none could be made, the rest means nothing
};

/// Two runs of the same thing differ by this on the quietest machine.
inline constexpr double kRatioFloor = 0.02;
/// Whoever judges several figures at once asks for more of each: see PairedRatio.
inline constexpr double kRatioConfidence = 0.99;

/// The ratio b/a from paired rounds (same index: measured in the same round), all positive and
/// finite; else, or with different numbers of them, nothing is made (`rounds` 0).
///
/// Estimate: the Hodges-Lehmann median of the log ratios. Interval: the t distribution of the mean
/// log ratio, joined with the Walsh-average interval where there are rounds enough, never narrower
/// than `floor` (relative) on either side. One round has no spread: its interval is 0 to infinity.
///
/// With `confidence` c, two servers that are the same are told apart in at most 1 - c of all
/// tries (noise of log-normal or lighter tails, rounds independent). For a family of n verdicts of
/// which none may be wrong with probability 1 - w, ask for 1 - w / n (Bonferroni).
Ratio PairedRatio(const std::vector<double>& a, const std::vector<double>& b,
                  double floor = kRatioFloor, double confidence = kRatioConfidence);

enum class Verdict : uint8_t { kNoDifference, kBBetter, kBWorse };

/// What the ratio of a figure says: no difference seen while 1 is inside the interval.
Verdict Judge(const Ratio& ratio, bool higher_is_better);

/// "faster by 3.1x (2.9-3.3)", "slower by 1.2x (1.1-1.3)", "no difference seen (0.98-1.03)"; for a
/// figure where less is better "less by 4.1x (...)" and "more by ...". "not comparable" without a
/// ratio, "no difference seen (one round)" with nothing to tell noise by.
std::string VerdictText(const Ratio& ratio, bool higher_is_better);

}  // namespace martlet::measure
