// One run on the page, and the summary of all.
#include <algorithm>
#include <cmath>

#include "report/html_parts.h"
#include "report/ladder.h"
#include "report/markup.h"
#include "report/number.h"

namespace martlet::report {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string Count(uint64_t number) { return Decimal(static_cast<double>(number), 0); }

std::string Trimmed(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string LatencyCell(const measure::Histogram& histogram, double percentile) {
  return histogram.count() == 0 ? "–" : Trimmed(LatencyText(histogram.ValueAt(percentile)));
}

std::string FaultText(const load::Faults& faults) {
  if (!faults.any()) return "none";
  std::string out;
  const auto add = [&out](uint64_t number, const char* name) {
    if (number != 0) out += (out.empty() ? "" : ", ") + Count(number) + " " + name;
  };
  add(faults.lost, "lost");
  add(faults.duplicated, "duplicated");
  add(faults.reordered, "reordered");
  add(faults.corrupted, "corrupted");
  return out;
}

std::vector<LatencyLine> LinesOf(const load::Result& result) {
  std::vector<LatencyLine> lines;
  for (size_t i = 0; i < result.latencies.size(); ++i) {
    const load::Latency& latency = result.latencies[i];
    lines.push_back({.label = latency.label.empty() ? latency.id : latency.label,
                     .colour = i,
                     .dashed = i % 2 == 1,
                     .latency = &latency});
  }
  return lines;
}

/// The few numbers that a reader looks for, large.
std::string KeyFigures(const load::Result& result) {
  std::string out;
  const auto add = [&out](const std::string& value, std::string_view label) {
    out += Wrap("li", Element("b", value) + Element("span", label));
  };
  if (!result.figures.empty()) {
    const load::Figure& figure = result.figures.front();
    add(FigureText(figure.value, figure.unit), figure.label);
  }
  if (!result.latencies.empty() && result.latencies.front().histogram.count() != 0) {
    const load::Latency& latency = result.latencies.front();
    for (const Rung& rung : kLadder) {
      if (rung.percentile != 50 && rung.percentile != 99 && rung.percentile < 100) continue;
      add(LatencyCell(latency.histogram, rung.percentile),
          std::string(rung.label) + ", " + latency.id);
    }
  }
  if (result.server_known) {
    add(PercentText(result.server_cpu_share), "server CPU, of one");
    add(FigureText(static_cast<double>(result.server_use.resident_bytes), "B"),
        "server memory, resident");
  }
  return Wrap("ul", out, "key-figures") + "\n";
}

std::string FiguresTable(const std::vector<load::Figure>& figures) {
  if (figures.empty()) return {};
  Table table("Figures");
  table.Head({"figure", "value", "unit"}, 1);
  for (const load::Figure& figure : figures) {
    const Scale scale = ScaleFor(figure.value, figure.unit);
    table.Row({figure.label, scale.Number(figure.value), scale.unit});
  }
  return table.Html();
}

std::string IntervalsTable(const std::vector<load::Interval>& intervals) {
  if (intervals.empty()) return {};
  Table table("Intervals");
  table.Head({"from", "seconds", "messages/s", "MiB/s", "p50", "p99", "max", "server CPU"});
  for (const load::Interval& interval : intervals) {
    const double seconds = interval.seconds > 0 ? interval.seconds : 1;
    const auto latency = [&interval](int64_t ns) {
      return interval.max_ns == 0 ? "–" : Trimmed(LatencyText(ns));
    };
    table.Row({Decimal(interval.begin_seconds, 2) + " s", Decimal(interval.seconds, 2),
               Decimal(static_cast<double>(interval.messages) / seconds, 0),
               Decimal(static_cast<double>(interval.bytes) / seconds / 0x1p20, 1),
               latency(interval.p50_ns), latency(interval.p99_ns), latency(interval.max_ns),
               interval.server_cpu_seconds > 0 ? PercentText(interval.server_cpu_seconds / seconds)
                                               : "–"});
  }
  return Wrap("details", Element("summary", "Intervals as a table") + table.Html());
}

/// What the run used and whom it met.
Rows Circumstances(const load::Result& result) {
  Rows rows = {{"server", ServerName(result.server)}};
  if (!result.server.url.empty()) rows.emplace_back("address", result.server.url);
  if (!result.backend.empty()) rows.emplace_back("client's backend", result.backend);
  rows.emplace_back("measured for", FigureText(result.seconds, "s"));
  rows.emplace_back("messages sent", Count(result.sent));
  rows.emplace_back("messages delivered", Count(result.delivered));
  rows.emplace_back("lost, duplicated, reordered, corrupted", FaultText(result.faults));
  if (result.server_known) {
    const measure::ProcessUse& use = result.server_use;
    rows.emplace_back("server CPU", PercentText(result.server_cpu_share) + " of one; user " +
                                        FigureText(use.user_seconds, "s") + ", system " +
                                        FigureText(use.system_seconds, "s"));
    rows.emplace_back("server memory",
                      FigureText(static_cast<double>(use.resident_bytes), "B") +
                          " resident, peak " +
                          FigureText(static_cast<double>(use.peak_resident_bytes), "B"));
    rows.emplace_back("server context switches", Count(use.voluntary_switches) + " voluntary, " +
                                                     Count(use.involuntary_switches) +
                                                     " involuntary");
    rows.emplace_back("server threads", std::to_string(use.threads));
  } else {
    rows.emplace_back("server process", "not on this machine, or not to be seen");
  }
  rows.emplace_back("client CPU, busiest thread", PercentText(result.client_cpu_share));
  rows.emplace_back("other load on the machine", PercentText(result.other_cpu_share));
  return rows;
}

std::string FaultNotes(const load::Faults& faults) {
  if (!faults.any()) return {};
  std::vector<std::string> texts = {"messages did not arrive as sent: " + FaultText(faults)};
  texts.insert(texts.end(), faults.named.begin(), faults.named.end());
  return Notes(texts, "fault");
}

}  // namespace

std::string ServerName(const load::ServerFacts& server) {
  std::string out = server.name.empty() ? server.url : server.name;
  if (out.empty()) out = "server";
  if (!server.version.empty()) out += " " + server.version;
  if (!server.language.empty()) out += " (" + server.language + ")";
  return out;
}

std::string LadderHtml(const std::vector<LatencyLine>& lines,
                       const std::vector<std::string>& heads) {
  if (lines.empty()) return {};
  Table table("Latency percentiles");
  std::vector<std::string> head = {""};
  head.insert(head.end(), heads.begin(), heads.end());
  table.Head(head);
  const auto row = [&](std::string_view name, auto value) {
    std::vector<std::string> cells = {std::string(name)};
    for (const LatencyLine& line : lines) cells.push_back(value(line.latency->histogram));
    table.Row(cells);
  };
  for (const Rung& rung : kLadder) {
    row(rung.label, [&rung](const measure::Histogram& histogram) {
      return LatencyCell(histogram, rung.percentile);
    });
  }
  row("mean", [](const measure::Histogram& histogram) {
    if (histogram.count() == 0) return std::string("–");
    return Trimmed(LatencyText(std::llround(histogram.Mean())));
  });
  row("samples", [](const measure::Histogram& histogram) { return Count(histogram.count()); });
  return table.Html();
}

std::string SummaryHtml(std::span<const load::Result> results) {
  Table table("Summary");
  table.Head({"run", "headline", "p50", "p99", "p99.9", "max", "server CPU", "client CPU", "faults",
              "server"},
             2);
  for (const load::Result& result : results) {
    std::vector<std::string> cells = {load::DescribePlan(result.plan)};
    cells.push_back(result.figures.empty()
                        ? "–"
                        : FigureText(result.figures.front().value, result.figures.front().unit));
    for (const double percentile : {50.0, 99.0, 99.9, 100.0}) {
      cells.push_back(result.latencies.empty()
                          ? "–"
                          : LatencyCell(result.latencies.front().histogram, percentile));
    }
    cells.push_back(result.server_known ? PercentText(result.server_cpu_share) : "–");
    cells.push_back(PercentText(result.client_cpu_share));
    cells.push_back(FaultText(result.faults));
    cells.push_back(ServerName(result.server));
    table.Row(cells);
  }
  return table.Html();
}

std::string RunHtml(const load::Result& result, std::string_view heading, const std::string& id) {
  const std::vector<LatencyLine> lines = LinesOf(result);
  std::vector<std::string> ids;
  for (const load::Latency& latency : result.latencies) ids.push_back(latency.id);
  std::string out = "<section id=\"" + Escape(id) + "\">\n";
  out += Element("h2", heading) + "\n";
  out += FaultNotes(result.faults) + Notes(result.warnings, "warning");
  out += KeyFigures(result);
  out += Wrap("div",
              PercentileChart(id + "-percentiles", lines) +
                  DistributionChart(id + "-distribution", lines) +
                  RateChart(id + "-rate", result.intervals) +
                  IntervalLatencyChart(id + "-latency", result.intervals),
              "charts") +
         "\n";
  out += Wrap("div", FiguresTable(result.figures) + LadderHtml(lines, ids), "tables") + "\n";
  out += IntervalsTable(result.intervals);
  out += Element("h3", "Parameters") + RowsHtml(load::PlanRows(result.plan));
  out += Element("h3", "Circumstances") + RowsHtml(Circumstances(result));
  return out + "</section>\n";
}

}  // namespace martlet::report
