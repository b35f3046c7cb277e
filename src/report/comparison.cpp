#include "report/comparison.h"

#include <algorithm>

namespace martlet::report {
namespace {

constexpr double kFamilyError = 0.02;  // of one wrong verdict among all of a comparison

size_t Verdicts(const Comparison& comparison) {
  size_t figures = 0;
  for (const ComparedScenario& scenario : comparison.scenarios) {
    figures += static_cast<size_t>(
        std::count_if(scenario.figures.begin(), scenario.figures.end(),
                      [](const ComparedFigure& figure) { return figure.judged; }));
  }
  return figures * (std::max<size_t>(comparison.servers.size(), 2) - 1);
}

}  // namespace

void FillFigure(ComparedFigure& figure, double confidence) {
  const size_t servers = figure.rounds.size();
  figure.spreads.clear();
  for (const std::vector<double>& values : figure.rounds) {
    figure.spreads.push_back(measure::SpreadOf(values));
  }
  figure.ratios.assign(servers, {});
  figure.verdicts.assign(servers, measure::Verdict::kNoDifference);
  figure.verdict_texts.assign(servers, "");
  if (!figure.judged) return;
  for (size_t i = 1; i < servers; ++i) {
    const measure::Ratio ratio =
        measure::PairedRatio(figure.rounds[0], figure.rounds[i], measure::kRatioFloor, confidence);
    figure.ratios[i] = ratio;
    figure.verdicts[i] = measure::Judge(ratio, figure.higher_is_better);
    figure.verdict_texts[i] = measure::VerdictText(ratio, figure.higher_is_better);
  }
}

void FillFigures(Comparison& comparison) {
  const auto verdicts = static_cast<double>(std::max<size_t>(Verdicts(comparison), 1));
  comparison.confidence = std::max(measure::kRatioConfidence, 1 - kFamilyError / verdicts);
  for (ComparedScenario& scenario : comparison.scenarios) {
    for (ComparedFigure& figure : scenario.figures) FillFigure(figure, comparison.confidence);
  }
}

}  // namespace martlet::report
