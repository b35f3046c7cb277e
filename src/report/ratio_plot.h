// Ratios as dots with their intervals, one small drawing per table row, all on one scale.
#pragma once

#include <string>
#include <vector>

#include "report/comparison.h"

namespace martlet::report {

/// The scale that the drawings of one table share: logarithmic, the same at the middle, better to
/// the right whichever way the figure counts. Ratios beyond its ends are drawn at the end.
class RatioScale {
 public:
  /// Wide enough for every judged ratio and its interval, at least 1.25, at most 1000 times.
  explicit RatioScale(const Comparison& comparison);

  double reach() const { return reach_; }
  /// The head of the column: factors with their direction.
  std::string HeadSvg() const;
  /// The estimate, its interval and each round's own ratio, faint, of `figure`'s server `server`.
  std::string Svg(const ComparedFigure& figure, size_t server) const;

 private:
  double reach_ = 1.25;  // the factor at either end
};

}  // namespace martlet::report
