// Lines over two axes, as inline SVG.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "report/axis.h"

namespace martlet::report {

struct Series {
  std::string label;
  size_t colour = 0;    // of the page's palette, taken modulo its size
  bool dashed = false;  // for the second of two lines that belong together
  std::vector<std::pair<double, double>> points;  // x rising
  std::vector<std::string> hints = {};            // one per point for a tooltip, or none at all
};

struct LineChart {
  std::string id;           // unique on the page, letters, digits and '-'
  std::string title;        // heading, seen
  std::string description;  // what it shows and where the same stands as numbers, heard
  Axis x;
  Axis y;
  std::vector<Series> series;
};

/// How many colours the palette has.
inline constexpr size_t kColours = 8;

/// The chart as an HTML figure with legend. Drawn twice, for wide and for narrow columns: letters
/// keep their size, style sheets choose. A series of one point is a dot; none at all leave out the
/// chart (empty text). All texts are escaped.
std::string LineChartHtml(const LineChart& chart);

}  // namespace martlet::report
