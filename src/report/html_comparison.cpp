// A comparison on the page.
#include <algorithm>
#include <cmath>

#include "report/html_parts.h"
#include "report/markup.h"
#include "report/number.h"
#include "report/ratio_plot.h"

namespace martlet::report {
namespace {

Scale FigureScale(const ComparedFigure& figure) {
  double typical = 0;
  for (const measure::Spread& spread : figure.spreads) {
    typical = std::max(typical, std::abs(spread.median));
  }
  return ScaleFor(typical, figure.unit);
}

size_t ServersOf(const Comparison& comparison, const ComparedFigure& figure) {
  return std::min({comparison.servers.size(), figure.spreads.size(), figure.rounds.size()});
}

std::string_view VerdictClass(measure::Verdict verdict) {
  switch (verdict) {
    case measure::Verdict::kBBetter:
      return "verdict better";
    case measure::Verdict::kBWorse:
      return "verdict worse";
    case measure::Verdict::kNoDifference:
      break;
  }
  return "verdict same";
}

std::string MedianCell(const std::string& server, const std::string& value) {
  return "<td data-server=\"" + Escape(server) + "\">" + Escape(value) + "</td>";
}

/// One figure against one server: name, both medians, the plot, the verdict.
std::string VerdictRow(const Comparison& comparison, const ComparedFigure& figure, size_t server,
                       const RatioScale& scale) {
  const Scale shown = FigureScale(figure);
  return "<tr>" + ("<th scope=\"row\">" + Escape(figure.label) + "</th>") +
         MedianCell(comparison.servers[0].label, shown.Text(figure.spreads[0].median)) +
         MedianCell(comparison.servers[server].label, shown.Text(figure.spreads[server].median)) +
         Wrap("td", scale.Svg(figure, server), "plot") +
         Element("td", figure.verdict_texts[server], VerdictClass(figure.verdicts[server])) +
         "</tr>\n";
}

/// The verdicts on one server, all scenarios.
std::string VerdictTable(const Comparison& comparison, size_t server, const RatioScale& scale) {
  const std::string& first = comparison.servers[0].label;
  const std::string& other = comparison.servers[server].label;
  std::string rows;
  for (const ComparedScenario& scenario : comparison.scenarios) {
    std::string figures;
    for (const ComparedFigure& figure : scenario.figures) {
      if (!figure.judged || server >= ServersOf(comparison, figure)) continue;
      figures += VerdictRow(comparison, figure, server, scale);
    }
    if (figures.empty()) continue;
    rows += "<tr class=\"group\"><th colspan=\"5\" scope=\"rowgroup\">" + Escape(scenario.name) +
            "</th></tr>\n" + figures;
  }
  if (rows.empty()) return {};
  const std::string direction =
      Wrap("div", Element("span", "← " + other + " worse") + Element("span", other + " better →"),
           "direction");
  return "<div class=\"scroll\"><table class=\"verdicts\">" +
         Element("caption", other + " against " + first) +
         "<thead><tr><th scope=\"col\" class=\"text\">figure</th><th scope=\"col\">" +
         Escape(first) + "</th><th scope=\"col\">" + Escape(other) +
         "</th><th scope=\"col\" class=\"plot\">" + direction + scale.HeadSvg() +
         "</th><th scope=\"col\" class=\"verdict\">verdict</th></tr></thead>\n<tbody>" + rows +
         "</tbody></table></div>\n";
}

std::string ServersTable(const std::vector<ComparedServer>& servers) {
  Table table("Servers");
  table.Head({"", "calls itself", "version", "made with", "started by, or found at"}, 4);
  for (const ComparedServer& server : servers) {
    table.Row({server.label, server.name, server.version, server.language,
               server.command.empty() ? server.url : server.command});
  }
  return table.Html();
}

/// Median, extremes and deviation of every figure and server.
std::string SpreadTable(const Comparison& comparison, const ComparedScenario& scenario) {
  Table table("Medians and spreads of the rounds");
  table.Head({"figure", "server", "median", "least", "greatest", "deviation", "unit"}, 1);
  for (const ComparedFigure& figure : scenario.figures) {
    const Scale scale = FigureScale(figure);
    for (size_t i = 0; i < ServersOf(comparison, figure); ++i) {
      const measure::Spread& spread = figure.spreads[i];
      table.Row({i == 0 ? figure.label : "", comparison.servers[i].label,
                 scale.Number(spread.median), scale.Number(spread.min), scale.Number(spread.max),
                 "±" + PercentText(spread.relative_deviation), scale.unit});
    }
  }
  return table.Html();
}

std::string RoundsTable(const Comparison& comparison, const ComparedScenario& scenario) {
  size_t rounds = 0;
  for (const ComparedFigure& figure : scenario.figures) {
    for (const std::vector<double>& values : figure.rounds)
      rounds = std::max(rounds, values.size());
  }
  if (rounds == 0) return {};
  Table table("Every round");
  std::vector<std::string> head = {"figure", "server", "unit"};
  for (size_t i = 1; i <= rounds; ++i) head.push_back(std::to_string(i));
  table.Head(head);
  for (const ComparedFigure& figure : scenario.figures) {
    const Scale scale = FigureScale(figure);
    for (size_t i = 0; i < ServersOf(comparison, figure); ++i) {
      std::vector<std::string> cells = {i == 0 ? figure.label : "", comparison.servers[i].label,
                                        scale.unit};
      for (const double value : figure.rounds[i]) cells.push_back(scale.Number(value));
      cells.resize(rounds + 3, "–");
      table.Row(cells);
    }
  }
  return Wrap("details", Element("summary", "Every round") + table.Html());
}

/// One colour for each server; a second latency of it is dashed.
std::vector<LatencyLine> LinesOf(const Comparison& comparison, const ComparedScenario& scenario) {
  std::vector<LatencyLine> lines;
  for (size_t i = 0; i < std::min(comparison.servers.size(), scenario.latencies.size()); ++i) {
    const std::vector<load::Latency>& latencies = scenario.latencies[i];
    for (const load::Latency& latency : latencies) {
      lines.push_back({.label = comparison.servers[i].label + ", " + latency.id,
                       .colour = i,
                       .dashed = &latency != &latencies.front(),
                       .latency = &latency});
    }
  }
  return lines;
}

std::string ScenarioHtml(const Comparison& comparison, const ComparedScenario& scenario,
                         const std::string& id) {
  std::string rounds = std::to_string(scenario.rounds) +
                       (scenario.rounds == 1 ? " round" : " rounds") + " with each server";
  if (scenario.repeated != 0) {
    rounds += ", " + std::to_string(scenario.repeated) +
              (scenario.repeated == 1 ? " disturbed run" : " disturbed runs") + " repeated";
  }
  const std::vector<LatencyLine> lines = LinesOf(comparison, scenario);
  std::vector<std::string> heads;
  heads.reserve(lines.size());
  for (const LatencyLine& line : lines) heads.push_back(line.label);
  std::string out = "<section id=\"" + Escape(id) + "\">\n" + Element("h2", scenario.name) +
                    Element("p", rounds + ".", "soft") + "\n";
  out += Notes(scenario.faults, "fault") + Notes(scenario.warnings, "warning");
  const std::string charts =
      PercentileChart(id + "-percentiles", lines) + DistributionChart(id + "-distribution", lines);
  if (!charts.empty()) out += Wrap("div", charts, "charts") + "\n";
  out += Wrap("div", SpreadTable(comparison, scenario) + LadderHtml(lines, heads), "tables") + "\n";
  out += RoundsTable(comparison, scenario);
  if (!scenario.parameters.empty()) {
    out += Wrap("details", Element("summary", "Parameters") + RowsHtml(scenario.parameters));
  }
  return out + "</section>\n";
}

}  // namespace

std::string ComparisonHtml(const Comparison& comparison) {
  std::string out = Element("h2", "Comparison") + "\n";
  for (const std::string& note : comparison.notes) out += Element("p", note, "soft") + "\n";
  out += Notes(comparison.warnings, "warning");
  std::vector<std::string> faults;
  for (const ComparedScenario& scenario : comparison.scenarios) {
    for (const std::string& fault : scenario.faults) faults.push_back(scenario.name + ": " + fault);
  }
  out += Notes(faults, "fault") + ServersTable(comparison.servers);
  const RatioScale scale(comparison);
  for (size_t i = 1; i < comparison.servers.size(); ++i) out += VerdictTable(comparison, i, scale);
  out += Element(
      "p",
      "Runs were made in rounds, the servers in random order within each. A large dot is "
      "the estimate of the ratio, the bar the range that holds the true one with " +
          Decimal(comparison.confidence * 100, 2) +
          " % confidence, small dots below it the rounds. No difference is seen while the bar "
          "holds 1. Right is better, also where less is better.",
      "soft");
  for (size_t i = 0; i < comparison.scenarios.size(); ++i) {
    out += ScenarioHtml(comparison, comparison.scenarios[i], "scenario-" + std::to_string(i + 1));
  }
  return out;
}

}  // namespace martlet::report
