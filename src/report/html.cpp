#include "report/html.h"

#include "report/charts.h"
#include "report/html_parts.h"
#include "report/line_chart.h"
#include "report/markup.h"
#include "report/number.h"

namespace martlet::report {
namespace {

std::string TitleOf(const ReportInput& input) {
  if (!input.title.empty()) return input.title;
  if (input.comparison) {
    std::string out;
    for (const ComparedServer& server : input.comparison->servers) {
      out += (out.empty() ? "" : " and ") + server.label;
    }
    return out + " compared";
  }
  if (input.results.size() == 1) return load::DescribePlan(input.results.front().plan);
  return "Benchmark report";
}

std::string HeaderHtml(const ReportInput& input) {
  const Provenance& provenance = input.provenance;
  std::string facts = Escape(provenance.version);
  if (!provenance.date.empty()) {
    const std::string date = Escape(provenance.date);
    if (!facts.empty()) facts += " · ";
    facts += "<time datetime=\"" + date + "\">" + date + "</time>";
  }
  if (input.results.size() == 1 && !input.comparison) {
    facts += " · " + Escape(ServerName(input.results.front().server));
  }
  std::string out = "<header>\n" + Element("h1", TitleOf(input)) + Wrap("p", facts, "soft") + "\n";
  if (!provenance.command_line.empty()) {
    out += Wrap("pre", Element("code", provenance.command_line)) + "\n";
  }
  return out + "</header>\n";
}

/// The first latency of every run on one chart, while the eye can tell them apart.
std::string OverviewChart(const std::vector<load::Result>& results) {
  std::vector<LatencyLine> lines;
  for (const load::Result& result : results) {
    if (result.latencies.empty() || result.latencies.front().histogram.count() == 0) continue;
    const load::Latency& latency = result.latencies.front();
    lines.push_back({.label = load::DescribePlan(result.plan) + ", " + latency.id,
                     .colour = lines.size(),
                     .latency = &latency});
  }
  if (lines.size() < 2 || lines.size() > kColours) return {};
  return Wrap("div",
              PercentileChart("all-percentiles", lines) +
                  DistributionChart("all-distribution", lines),
              "charts") +
         "\n";
}

std::string ResultsHtml(const std::vector<load::Result>& results) {
  if (results.empty()) return {};
  std::string out;
  if (results.size() > 1) {
    out += Element("h2", "All runs") + "\n" + SummaryHtml(results) + OverviewChart(results);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string heading = results.size() > 1 ? load::DescribePlan(results[i].plan) : "Result";
    out += RunHtml(results[i], heading, "run-" + std::to_string(i + 1));
  }
  return out;
}

std::string MachineHtml(const measure::Machine& machine) {
  const std::string rows = RowsHtml(machine.Rows());
  return rows.empty() ? "" : Element("h2", "Machine") + "\n" + rows;
}

constexpr std::string_view kNotes =
    "Latencies are counted in HdrHistogram's buckets with three significant digits. Where a rate "
    "was set, “intended” counts from the time at which a message should have been sent, so that a "
    "stall delays all messages behind it, as it would delay users; “actual” counts from the time "
    "at "
    "which it was sent. CPU is in percent of one CPU.";

}  // namespace

std::string HtmlReport(const ReportInput& input) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += Element("title", TitleOf(input)) + "\n<style>" + std::string(StyleSheet()) +
         "</style>\n</head>\n<body>\n";
  out += HeaderHtml(input) + "<main>\n";
  if (input.comparison) out += ComparisonHtml(*input.comparison);
  out += ResultsHtml(input.results);
  if (!input.comparison && input.results.empty()) out += Element("p", "Nothing was measured.");
  out += MachineHtml(input.provenance.machine);
  out += "</main>\n<footer>" + Element("p", kNotes) + "</footer>\n</body>\n</html>\n";
  return out;
}

}  // namespace martlet::report
