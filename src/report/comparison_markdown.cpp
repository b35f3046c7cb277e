#include <algorithm>
#include <cmath>

#include "report/comparison.h"
#include "report/number.h"

namespace martlet::report {
namespace {

/// Fit for a cell: one line, without what would end it or begin a tag.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '\\') out += '\\';
    c == '\n' ? out += ", " : out += c;
  }
  return Printable(out);
}

std::string Row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + cell + " |";
  return out + "\n";
}

std::string FigureRow(const ComparedScenario& scenario, const ComparedFigure& figure) {
  double typical = 0;
  for (const measure::Spread& spread : figure.spreads) {
    typical = std::max(typical, std::abs(spread.median));
  }
  const Scale scale = ScaleFor(typical, figure.unit);
  std::vector<std::string> cells = {Cell(scenario.name), Cell(figure.label)};
  for (size_t i = 0; i < figure.spreads.size(); ++i) {
    std::string cell = scale.Text(figure.spreads[i].median);
    if (i < figure.verdict_texts.size() && !figure.verdict_texts[i].empty()) {
      cell += "<br>" + Cell(figure.verdict_texts[i]);
    }
    cells.push_back(std::move(cell));
  }
  return Row(cells);
}

std::string Circumstances(const Comparison& comparison) {
  const Provenance& provenance = comparison.provenance;
  std::string out = "Measured " + provenance.date.substr(0, provenance.date.find('T')) + " by " +
                    Cell(provenance.version) + " with\n\n    " +
                    Printable(provenance.command_line) + "\n\n| Machine | |\n|---|---|\n";
  for (const auto& [name, value] : provenance.machine.Rows()) out += Row({Cell(name), Cell(value)});
  out += "\n| Server | Version | Command |\n|---|---|---|\n";
  for (const ComparedServer& server : comparison.servers) {
    out += Row({Cell(server.label), Cell(server.version + " (" + server.language + ")"),
                "`" + Cell(server.command.empty() ? server.url : server.command) + "`"});
  }
  return out + "\n";
}

}  // namespace

std::string ComparisonMarkdown(const Comparison& comparison) {
  std::string out = "# Servers compared\n\n" + Circumstances(comparison);
  std::vector<std::string> head = {"Scenario", "Figure"};
  std::vector<std::string> rule = {"---", "---"};
  for (const ComparedServer& server : comparison.servers) {
    head.push_back(Cell(server.label));
    rule.emplace_back("---");
  }
  out += Row(head) + Row(rule);
  std::string remarks;
  for (const ComparedScenario& scenario : comparison.scenarios) {
    for (const ComparedFigure& figure : scenario.figures) {
      if (figure.judged) out += FigureRow(scenario, figure);
    }
    for (const std::string& fault : scenario.faults) {
      remarks += "- FAILED, " + Cell(scenario.name) + ": " + Cell(fault) + "\n";
    }
    for (const std::string& warning : scenario.warnings) {
      remarks += "- " + Cell(scenario.name) + ": " + Cell(warning) + "\n";
    }
  }
  out +=
      "\nMedians of the rounds; in brackets the range of the true ratio to the first server, "
      "with " +
      Decimal(comparison.confidence * 100, 2) + " % confidence.\n";
  for (const std::string& note : comparison.notes) remarks += "- " + Cell(note) + "\n";
  for (const std::string& warning : comparison.warnings) remarks += "- " + Cell(warning) + "\n";
  return remarks.empty() ? out : out + "\n" + remarks;
}

}  // namespace martlet::report
