#include "report/ratio_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "report/markup.h"

namespace martlet::report {
namespace {

constexpr double kReaches[] = {1.25, 1.5, 2, 3, 5, 10, 20, 30, 50, 100, 300, 1000};
constexpr double kMargin = 9;  // percent of the width on either side, for labels

/// How many times better than the first server: the figure's ratio, or its inverse.
double Advantage(double ratio, bool higher_is_better) {
  return higher_is_better ? ratio : 1 / ratio;
}

std::string Percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%", value);
  return text;
}

std::string Factor(double factor) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g×", factor);
  return text;
}

/// Place on a scale that ends at 1/reach and reach.
double Place(double advantage, double reach) {
  const double at = std::log(advantage) / std::log(reach);
  const double inside = std::isnan(at) ? 0 : std::clamp(at, -1.0, 1.0);
  return kMargin + (inside + 1) / 2 * (100 - 2 * kMargin);
}

std::string Line(const char* css_class, double x1, double x2, double y1, double y2) {
  char rest[64];
  std::snprintf(rest, sizeof rest, "\" y1=\"%g\" y2=\"%g\"/>", y1, y2);
  return std::string("<line class=\"") + css_class + "\" x1=\"" + Percent(x1) + "\" x2=\"" +
         Percent(x2) + rest;
}

std::string Circle(const std::string& css_class, double x, const char* y, const char* radius) {
  return "<circle class=\"" + css_class + "\" cx=\"" + Percent(x) + "\" cy=\"" + y + "\" r=\"" +
         radius + "\"/>";
}

const char* VerdictClass(measure::Verdict verdict) {
  switch (verdict) {
    case measure::Verdict::kBBetter:
      return "better";
    case measure::Verdict::kBWorse:
      return "worse";
    case measure::Verdict::kNoDifference:
      break;
  }
  return "same";
}

double InnerTick(double reach) {
  const double middle = std::sqrt(reach);
  for (const double nice : {1.1, 1.2, 1.4, 1.7, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0}) {
    if (nice >= middle * 0.95) return nice;
  }
  return 30;
}

}  // namespace

RatioScale::RatioScale(const Comparison& comparison) {
  double widest = 1;
  for (const ComparedScenario& scenario : comparison.scenarios) {
    for (const ComparedFigure& figure : scenario.figures) {
      for (const measure::Ratio& ratio : figure.ratios) {
        if (ratio.rounds == 0) continue;
        for (const double bound : {ratio.estimate, ratio.low, ratio.high}) {
          if (std::isfinite(bound) && bound > 0) widest = std::max({widest, bound, 1 / bound});
        }
      }
    }
  }
  reach_ = 1000;
  for (const double reach : kReaches) {
    if (reach >= widest) {
      reach_ = reach;
      break;
    }
  }
}

std::string RatioScale::HeadSvg() const {
  const auto text = [this](double advantage, const std::string& label) {
    return "<text x=\"" + Percent(Place(advantage, reach_)) +
           "\" y=\"13\" text-anchor=\"middle\">" + label + "</text>";
  };
  const double inner = InnerTick(reach_);
  std::string out =
      "<svg class=\"ratio head\" width=\"100%\" height=\"18\" role=\"img\" aria-label=\"scale: " +
      Factor(reach_) + " worse to " + Factor(reach_) + " better\">";
  out += text(1 / reach_, Factor(reach_)) + text(1 / inner, Factor(inner)) + text(1, "1") +
         text(inner, Factor(inner)) + text(reach_, Factor(reach_));
  return out + "</svg>";
}

std::string RatioScale::Svg(const ComparedFigure& figure, size_t server) const {
  const measure::Ratio& ratio = figure.ratios[server];
  if (ratio.rounds == 0) return {};
  const bool up = figure.higher_is_better;
  const auto place = [&](double value) { return Place(Advantage(value, up), reach_); };
  std::string out = "<svg class=\"ratio\" width=\"100%\" height=\"25\" role=\"img\" aria-label=\"" +
                    Escape(figure.label + ": " + figure.verdict_texts[server]) + "\">";
  const double inner = InnerTick(reach_);
  for (const double tick : {1 / reach_, 1 / inner, inner, reach_}) {
    out += Line("grid", Place(tick, reach_), Place(tick, reach_), 0, 25);
  }
  out += Line("one", Place(1, reach_), Place(1, reach_), 0, 25);
  const std::vector<double>& base = figure.rounds[0];
  const std::vector<double>& other = figure.rounds[server];
  for (size_t i = 0; i < std::min(base.size(), other.size()); ++i) {
    out += Circle("round", place(other[i] / base[i]), "20", "1.8");
  }
  const std::string verdict = VerdictClass(figure.verdicts[server]);
  out += Line(("span " + verdict).c_str(), place(ratio.low), place(ratio.high), 11, 11);
  out += Circle("dot " + verdict, place(ratio.estimate), "11", "4.5");
  return out + "</svg>";
}

}  // namespace martlet::report
