#include "report/line_chart.h"

#include <algorithm>
#include <cstdio>

#include "report/markup.h"
#include "report/number.h"

namespace martlet::report {
namespace {

constexpr size_t kMarkedPoints = 40;  // with more of them the line alone is clearer
constexpr double kLetter = 7.5;       // a digit's width in the widest font in use

std::string Coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

/// The sizes of one drawing, in its own units, which are pixels when it is shown at full size.
class Drawing {
 public:
  Drawing(const LineChart& chart, double width, double height)
      : chart_(chart), width_(width), height_(height) {
    double label = 0;
    for (const Tick& tick : chart.y.ticks) {
      label = std::max(label, kLetter * static_cast<double>(Width(tick.label)));
    }
    left_ = label + 12;
  }

  std::string Svg(const std::string& css_class) const {
    const std::string id = Escape(chart_.id + "-" + css_class);
    std::string out = "<svg class=\"" + css_class + "\" viewBox=\"0 0 " + Coordinate(width_) + " " +
                      Coordinate(height_) + "\" role=\"img\" aria-labelledby=\"" + id + "-t " + id +
                      "-d\">";
    out += "<title id=\"" + id + "-t\">" + Escape(chart_.title) + "</title>";
    out += "<desc id=\"" + id + "-d\">" + Escape(chart_.description) + "</desc>\n";
    AppendYAxis(out);
    AppendXAxis(out);
    for (const Series& series : chart_.series) AppendSeries(series, out);
    return out + "</svg>\n";
  }

 private:
  static constexpr double kTop = 26;  // the title of the y axis stands there
  static constexpr double kBottom = 44;
  static constexpr double kRight = 20;

  double X(double value) const { return left_ + chart_.x.At(value) * (width_ - left_ - kRight); }
  double Y(double value) const {
    return height_ - kBottom - chart_.y.At(value) * (height_ - kTop - kBottom);
  }

  static void AppendLine(double x1, double y1, double x2, double y2, std::string& out) {
    out += "<line class=\"grid\" x1=\"" + Coordinate(x1) + "\" y1=\"" + Coordinate(y1) +
           "\" x2=\"" + Coordinate(x2) + "\" y2=\"" + Coordinate(y2) + "\"/>";
  }
  static void AppendText(double x, double y, const char* anchor, std::string_view css_class,
                         std::string_view text, std::string& out) {
    out += "<text class=\"" + std::string(css_class) + "\" x=\"" + Coordinate(x) + "\" y=\"" +
           Coordinate(y) + "\" text-anchor=\"" + anchor + "\">" + Escape(text) + "</text>";
  }

  void AppendYAxis(std::string& out) const {
    AppendText(0, 12, "start", "title", chart_.y.title, out);
    double last = height_;
    for (const Tick& tick : chart_.y.ticks) {
      const double y = Y(tick.value);
      AppendLine(left_, y, width_ - kRight, y, out);
      if (tick.label.empty() || last - y < 14) continue;
      AppendText(left_ - 6, y + 4, "end", "tick", tick.label, out);
      last = y;
    }
    out += '\n';
  }

  /// Labels that would touch their left neighbour are left out.
  void AppendXAxis(std::string& out) const {
    double taken = 0;
    for (const Tick& tick : chart_.x.ticks) {
      const double x = X(tick.value);
      AppendLine(x, kTop, x, height_ - kBottom, out);
      if (tick.label.empty()) continue;
      const double half = kLetter * static_cast<double>(Width(tick.label)) / 2;
      const double middle = std::min(x, width_ - half);
      if (middle - half < taken) continue;
      AppendText(middle, height_ - kBottom + 17, "middle", "tick", tick.label, out);
      taken = middle + half + 8;
    }
    AppendText(width_ - kRight, height_ - 8, "end", "title", chart_.x.title, out);
    out += '\n';
  }

  void AppendSeries(const Series& series, std::string& out) const {
    const std::string colour = "s" + std::to_string(series.colour % kColours);
    if (series.points.size() > 1) {
      out += "<polyline class=\"" + colour + (series.dashed ? " dashed" : "") + "\" points=\"";
      for (const auto& [x, y] : series.points)
        out += Coordinate(X(x)) + "," + Coordinate(Y(y)) + " ";
      out.back() = '"';
      out += "/>\n";
    }
    if (series.points.size() > kMarkedPoints) return;
    for (size_t i = 0; i < series.points.size(); ++i) {
      const auto& [x, y] = series.points[i];
      out += "<circle class=\"" + colour + "\" cx=\"" + Coordinate(X(x)) + "\" cy=\"" +
             Coordinate(Y(y)) + "\" r=\"" + (series.points.size() == 1 ? "4" : "2.5") + "\">";
      if (i < series.hints.size()) out += Element("title", series.hints[i]);
      out += "</circle>";
    }
    out += '\n';
  }

  const LineChart& chart_;
  double width_;
  double height_;
  double left_ = 0;
};

std::string Legend(const std::vector<Series>& series) {
  std::string out;
  for (const Series& each : series) {
    if (each.points.empty()) continue;
    out +=
        "<li><svg class=\"key\" width=\"28\" height=\"10\" aria-hidden=\"true\"><line class=\"s" +
        std::to_string(each.colour % kColours) + (each.dashed ? " dashed" : "") +
        "\" x1=\"1\" y1=\"5\" x2=\"27\" y2=\"5\"/></svg>" + Escape(each.label) + "</li>";
  }
  return Wrap("ul", out, "legend") + "\n";
}

}  // namespace

std::string LineChartHtml(const LineChart& chart) {
  if (std::all_of(chart.series.begin(), chart.series.end(),
                  [](const Series& series) { return series.points.empty(); })) {
    return {};
  }
  return "<figure class=\"chart\">" + Element("figcaption", chart.title) + Legend(chart.series) +
         Drawing(chart, 540, 300).Svg("wide") + Drawing(chart, 350, 270).Svg("narrow") +
         "</figure>\n";
}

}  // namespace martlet::report
