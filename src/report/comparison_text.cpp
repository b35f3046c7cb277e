#include <algorithm>

#include "report/comparison.h"
#include "report/number.h"
#include "report/style.h"

namespace martlet::report {
namespace {

struct Columns {
  size_t label = 0;
  size_t value = 0;  // each server's median with its unit
  size_t server = 0;
};

Scale FigureScale(const ComparedFigure& figure) {
  double typical = 0;
  for (const measure::Spread& spread : figure.spreads) {
    typical = std::max(typical, std::abs(spread.median));
  }
  return ScaleFor(typical, figure.unit);
}

/// "1,234 /s ± 2 %": the median and how far the middle half of the rounds is from it.
std::string SpreadText(const measure::Spread& spread, const Scale& scale) {
  return scale.Text(spread.median) + " ±" + PadLeft(PercentText(spread.relative_deviation), 6);
}

Columns Measure(const Comparison& comparison, const ComparedScenario& scenario) {
  Columns columns;
  for (const ComparedServer& server : comparison.servers) {
    columns.server = std::max(columns.server, Width(Printable(server.label)));
  }
  columns.value = columns.server;
  for (const ComparedFigure& figure : scenario.figures) {
    const Scale scale = FigureScale(figure);
    columns.label = std::max(columns.label, Width(Printable(figure.label)));
    for (const measure::Spread& spread : figure.spreads) {
      columns.value = std::max(columns.value, Width(SpreadText(spread, scale)));
    }
  }
  return columns;
}

std::string Coloured(const ComparedFigure& figure, size_t server, const Style& style) {
  const std::string& text = figure.verdict_texts[server];
  switch (figure.verdicts[server]) {
    case measure::Verdict::kBBetter:
      return style.Good(text);
    case measure::Verdict::kBWorse:
      return style.Bad(text);
    case measure::Verdict::kNoDifference:
      break;
  }
  return style.Dim(text);
}

/// The medians side by side; with two servers the verdict follows, with more each has a line.
void AppendFigure(const Comparison& comparison, const ComparedFigure& figure,
                  const Columns& columns, const Style& style, std::string& out) {
  const Scale scale = FigureScale(figure);
  std::string line = "  " + PadRight(Printable(figure.label), columns.label);
  for (const measure::Spread& spread : figure.spreads) {
    line += "  " + PadLeft(SpreadText(spread, scale), columns.value);
  }
  const size_t servers = std::min(comparison.servers.size(), figure.verdict_texts.size());
  if (servers == 2 && !figure.verdict_texts[1].empty()) line += "  " + Coloured(figure, 1, style);
  out += line + "\n";
  for (size_t i = 1; servers > 2 && i < servers; ++i) {
    if (figure.verdict_texts[i].empty()) continue;
    out += "    " + PadRight(Printable(comparison.servers[i].label), columns.server) + "  " +
           Coloured(figure, i, style) + "\n";
  }
}

void AppendScenario(const Comparison& comparison, const ComparedScenario& scenario,
                    const Style& style, std::string& out) {
  out += "\n" + style.Bold(Printable(scenario.name)) + ", " + std::to_string(scenario.rounds) +
         (scenario.rounds == 1 ? " round" : " rounds");
  if (scenario.repeated != 0) out += ", " + std::to_string(scenario.repeated) + " repeated";
  out += "\n";
  const Columns columns = Measure(comparison, scenario);
  std::string head = "  " + PadRight("", columns.label);
  for (const ComparedServer& server : comparison.servers) {
    head += "  " + PadLeft(Printable(server.label), columns.value);
  }
  out += style.Dim(head) + "\n";
  for (const ComparedFigure& figure : scenario.figures) {
    AppendFigure(comparison, figure, columns, style, out);
  }
  for (const std::string& warning : scenario.warnings) {
    out += "  " + style.Warning("warning: " + Printable(warning)) + "\n";
  }
  for (const std::string& fault : scenario.faults) {
    out += "  " + style.Bad("FAILED: " + Printable(fault)) + "\n";
  }
}

std::string ServerLine(const ComparedServer& server) {
  std::string out = server.name;
  if (!server.version.empty()) out += (out.empty() ? "" : " ") + server.version;
  if (!server.language.empty()) out += " (" + server.language + ")";
  const std::string& where = server.command.empty() ? server.url : server.command;
  if (!where.empty()) out += (out.empty() ? "" : ": ") + where;
  return Printable(out);
}

}  // namespace

std::string ComparisonText(const Comparison& comparison, bool colour) {
  const Style style(colour);
  size_t width = 0;
  for (const ComparedServer& server : comparison.servers) {
    width = std::max(width, Width(Printable(server.label)));
  }
  std::string out;
  for (const ComparedServer& server : comparison.servers) {
    out += style.Bold(PadRight(Printable(server.label), width)) + "  " + ServerLine(server) + "\n";
  }
  for (const ComparedScenario& scenario : comparison.scenarios) {
    AppendScenario(comparison, scenario, style, out);
  }
  out +=
      "\nMedians ± median deviation of the rounds; in brackets the range of the true ratio, each "
      "with\n" +
      Decimal(comparison.confidence * 100, 2) +
      " % confidence; with so much, all verdicts together are right in 98 of 100 comparisons.\n";
  for (const std::string& note : comparison.notes) out += Printable(note) + "\n";
  for (const std::string& warning : comparison.warnings) {
    out += style.Warning("warning: " + Printable(warning)) + "\n";
  }
  return out;
}

}  // namespace martlet::report
