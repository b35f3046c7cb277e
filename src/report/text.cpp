#include "report/text.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "report/ladder.h"
#include "report/number.h"
#include "report/style.h"

namespace martlet::report {
namespace {

constexpr size_t kLabelWidth = 18;  // of names beside facts

void AppendFact(std::string_view name, std::string_view value, const Style& style,
                std::string& out) {
  out += "  " + style.Dim(PadRight(Printable(name), kLabelWidth)) + " " + Printable(value) + "\n";
}

std::string ServerText(const load::ServerFacts& server) {
  std::string out = server.name.empty() ? "server" : server.name;
  if (!server.version.empty()) out += " " + server.version;
  if (!server.language.empty()) out += " (" + server.language + ")";
  if (!server.url.empty()) out += ", " + server.url;
  if (server.pid != 0) out += ", pid " + std::to_string(server.pid);
  return out;
}

/// Labels, numbers and units in three columns; the headline first and bold.
void AppendFigures(const std::vector<load::Figure>& figures, const Style& style, std::string& out) {
  struct Row {
    std::string label;
    std::string number;
    std::string unit;
  };
  std::vector<Row> rows;
  size_t label_width = kLabelWidth;
  size_t number_width = 0;
  for (const load::Figure& figure : figures) {
    const Scale scale = ScaleFor(figure.value, figure.unit);
    rows.push_back({Printable(figure.label), scale.Number(figure.value), Printable(scale.unit)});
    label_width = std::max(label_width, Width(rows.back().label));
    number_width = std::max(number_width, Width(rows.back().number));
  }
  for (const Row& row : rows) {
    std::string line = PadRight(row.label, label_width + 2);
    line += PadLeft(row.number, number_width);
    if (!row.unit.empty()) line += " " + row.unit;
    const bool headline = &row == &rows.front();
    out += "  " + (headline ? style.Bold(line) : line) + "\n";
  }
}

/// One line of the ladder: a name and a cell for each latency.
void AppendRung(std::string_view name, const std::vector<std::string>& cells,
                const std::vector<size_t>& widths, std::string& out) {
  out += "  " + PadRight(std::string(name), 10);
  for (size_t i = 0; i < cells.size(); ++i) out += PadLeft(cells[i], widths[i] + 3);
  out.erase(out.find_last_not_of(' ') + 1);  // of "1.05 s "
  out += '\n';
}

void AppendLadder(const std::vector<load::Latency>& latencies, const Style& style,
                  std::string& out) {
  std::vector<std::string> ids;
  std::vector<size_t> widths;
  for (const load::Latency& latency : latencies) {
    ids.push_back(Printable(latency.id));
    widths.push_back(std::max<size_t>(Width(ids.back()), 11));
  }
  std::string head;
  AppendRung("latency", ids, widths, head);
  head.pop_back();
  out += style.Dim(head) + "\n";

  const auto row = [&](std::string_view name, auto value) {
    std::vector<std::string> cells;
    for (const load::Latency& latency : latencies) {
      const bool empty = latency.histogram.count() == 0;
      cells.push_back(empty ? "– " : value(latency.histogram));
    }
    AppendRung(name, cells, widths, out);
  };
  for (const Rung& rung : kLadder) {
    row(rung.label, [&rung](const measure::Histogram& histogram) {
      return LatencyText(histogram.ValueAt(rung.percentile));
    });
  }
  row("mean", [](const measure::Histogram& histogram) {
    return LatencyText(std::llround(histogram.Mean()));
  });
  row("samples", [](const measure::Histogram& histogram) {
    return Decimal(static_cast<double>(histogram.count()), 0) + "   ";
  });
  for (const load::Latency& latency : latencies) {
    out += style.Dim("  " + Printable(latency.id) + ": " + Printable(latency.label)) + "\n";
  }
}

void AppendServerUse(const load::Result& result, const Style& style, std::string& out) {
  if (!result.server_known) {
    AppendFact("server process", "not on this machine, or not to be seen", style, out);
    return;
  }
  const measure::ProcessUse& use = result.server_use;
  AppendFact("server CPU",
             PercentText(result.server_cpu_share) + " of one CPU (user " +
                 FigureText(use.user_seconds, "s") + ", system " +
                 FigureText(use.system_seconds, "s") + ")",
             style, out);
  AppendFact("server memory",
             FigureText(static_cast<double>(use.resident_bytes), "B") + " resident, peak " +
                 FigureText(static_cast<double>(use.peak_resident_bytes), "B"),
             style, out);
  const double voluntary = static_cast<double>(use.voluntary_switches);
  const double involuntary = static_cast<double>(use.involuntary_switches);
  AppendFact("context switches",
             Decimal(voluntary, 0) + " voluntary, " + Decimal(involuntary, 0) + " involuntary, " +
                 std::to_string(use.threads) + (use.threads == 1 ? " thread" : " threads"),
             style, out);
}

void AppendFaults(const load::Faults& faults, const Style& style, std::string& out) {
  if (!faults.any()) return;
  const auto count = [](uint64_t number) { return Decimal(static_cast<double>(number), 0); };
  out += "\n  " + style.Bad("FAILED: messages did not arrive as sent") + "\n";
  out += "  " + count(faults.lost) + " lost, " + count(faults.duplicated) + " duplicated, " +
         count(faults.reordered) + " reordered, " + count(faults.corrupted) + " corrupted\n";
  for (const std::string& named : faults.named) out += "    " + Printable(named) + "\n";
}

}  // namespace

std::string PlanText(const load::Plan& plan, bool colour) {
  const Style style(colour);
  std::string out = style.Bold(Printable(load::DescribePlan(plan))) + "\n";
  for (const auto& [name, value] : load::PlanRows(plan)) AppendFact(name, value, style, out);
  return out;
}

std::string IntervalLine(const load::Interval& interval) {
  const double seconds = interval.seconds > 0 ? interval.seconds : 1;
  const double rate = static_cast<double>(interval.messages) / seconds;
  const double mebibytes = static_cast<double>(interval.bytes) / seconds / 0x1p20;
  std::string out = PadLeft(Decimal(interval.begin_seconds + interval.seconds, 1) + " s", 9) +
                    PadLeft(Decimal(rate, 0) + " /s", 16) +
                    PadLeft(Decimal(mebibytes, 1) + " MiB/s", 16);
  if (interval.max_ns != 0) {
    out += "   p50 " + PadLeft(LatencyText(interval.p50_ns), 9) + "   p99 " +
           PadLeft(LatencyText(interval.p99_ns), 9) + "   max " +
           PadLeft(LatencyText(interval.max_ns), 9);
  }
  if (interval.server_cpu_seconds > 0) {
    out += "   server CPU " + PadLeft(PercentText(interval.server_cpu_seconds / seconds), 5);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

std::string ResultText(const load::Result& result, bool colour) {
  const Style style(colour);
  std::string out = style.Bold(Printable(load::DescribePlan(result.plan))) + "\n";
  AppendFact("server", ServerText(result.server), style, out);
  if (!result.backend.empty()) AppendFact("client", result.backend, style, out);
  AppendFact("measured", FigureText(result.seconds, "s"), style, out);
  out += '\n';
  AppendFigures(result.figures, style, out);
  if (!result.latencies.empty()) {
    out += '\n';
    AppendLadder(result.latencies, style, out);
  }
  out += '\n';
  AppendServerUse(result, style, out);
  AppendFact("client CPU", PercentText(result.client_cpu_share) + " of its busiest thread", style,
             out);
  AppendFact("other load", PercentText(result.other_cpu_share) + " of the machine", style, out);
  for (const std::string& warning : result.warnings) {
    out += "  " + style.Warning("warning: " + Printable(warning)) + "\n";
  }
  AppendFaults(result.faults, style, out);
  return out;
}

}  // namespace martlet::report
