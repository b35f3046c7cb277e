#include "table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "measure/statistics.h"

namespace martlet::peers {
namespace {

// Shares of a CPU above which that side had no more to give.
constexpr double kBusyCores = 0.9;

using Runs = std::vector<Measured>;
using Value = std::function<double(const Measured&)>;

double MedianOf(const Runs& runs, const Value& value) {
  std::vector<double> values;
  for (const Measured& run : runs) values.push_back(value(run));
  return measure::Median(std::move(values));
}

std::string Format(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// Three digits: "7.32M", "428k", "9.98k".
std::string Rate(double value) {
  const std::pair<double, const char*> units[] = {{1e6, "M"}, {1e3, "k"}};
  for (const auto& [unit, suffix] : units) {
    if (value < unit * 0.9995) continue;
    const double scaled = value / unit;
    return Format(scaled < 9.995 ? "%.2f" : scaled < 99.95 ? "%.1f" : "%.0f", scaled) + suffix;
  }
  return Format("%.0f", value);
}

std::string Microseconds(double value) {
  return Format(value < 9.995 ? "%.3g" : value < 999.5 ? "%.1f" : "%.0f", value);
}

std::string OneLine(std::string text, std::string_view instead) {
  for (size_t at = 0; (at = text.find('\n', at)) != text.npos;) text.replace(at, 1, instead);
  return text;
}

std::string Row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + OneLine(cell, ", ") + " |";
  return out + "\n";
}

std::string Head(const Results& results, const std::string& first) {
  std::vector<std::string> cells = {first};
  std::vector<std::string> lines = {"---"};
  for (const Broker& broker : results.brokers) {
    cells.push_back(broker.name);
    lines.emplace_back("---:");
  }
  return Row(cells) + Row(lines);
}

/// One row a scenario that `wanted` takes, one cell a broker.
std::string Table(const Results& results, const std::string& first,
                  const std::function<bool(const Scenario&)>& wanted,
                  const std::function<std::string(const Runs&)>& cell) {
  std::string rows;
  for (size_t i = 0; i < results.scenarios.size(); ++i) {
    if (!wanted(results.scenarios[i])) continue;
    std::vector<std::string> cells = {results.scenarios[i].title};
    for (const Runs& runs : results.runs[i]) cells.push_back(runs.empty() ? "-" : cell(runs));
    rows += Row(cells);
  }
  return rows.empty() ? rows : Head(results, first) + rows + "\n";
}

std::string RateCell(const Runs& runs) {
  const double server = MedianOf(runs, [](const Measured& m) { return m.server_cores; });
  const double client = MedianOf(runs, [](const Measured& m) { return m.client_cores; });
  const bool client_bound = client > kBusyCores && server < kBusyCores;
  return Rate(MedianOf(runs, [](const Measured& m) { return m.per_second; })) +
         (client_bound ? " *" : "");
}

std::string CpuCell(const Runs& runs) {
  return Microseconds(MedianOf(runs, [](const Measured& m) { return m.server_us_per_message; }));
}

std::string LatencyCell(const Runs& runs) {
  std::string out;
  for (const double percentile : {50.0, 99.0, 99.9}) {
    if (!out.empty()) out += " / ";
    out += Microseconds(MedianOf(runs, [percentile](const Measured& m) {
      return static_cast<double>(m.latency.ValueAt(percentile)) / 1000;
    }));
  }
  return out;
}

/// Of all rounds together; empty when nothing was wrong.
std::string FaultText(const Runs& runs) {
  load::Faults all;
  uint64_t expected = 0;
  for (const Measured& run : runs) {
    all.lost += run.faults.lost;
    all.duplicated += run.faults.duplicated;
    all.reordered += run.faults.reordered;
    all.corrupted += run.faults.corrupted;
    expected += run.expected;
  }
  if (!all.any()) return {};
  return std::to_string(all.lost) + " lost, " + std::to_string(all.duplicated) + " twice, " +
         std::to_string(all.reordered) + " out of order, " + std::to_string(all.corrupted) +
         " changed, of " + std::to_string(expected);
}

std::string FaultLines(const Results& results) {
  std::string out;
  for (size_t i = 0; i < results.scenarios.size(); ++i) {
    for (size_t b = 0; b < results.brokers.size(); ++b) {
      const std::string text = FaultText(results.runs[i][b]);
      if (text.empty()) continue;
      out +=
          "- " + results.brokers[b].name + ", " + results.scenarios[i].title + ": " + text + "\n";
    }
  }
  if (out.empty()) out = "Nothing was lost, duplicated, reordered or changed.\n";
  for (const std::string& failure : results.failures) out += "- failed: " + failure + "\n";
  return out;
}

std::string Numbers(const std::vector<int>& numbers) {
  std::string out;
  for (const int number : numbers) out += (out.empty() ? "" : ",") + std::to_string(number);
  return out.empty() ? "any" : out;
}

std::string Method(const Results& results, const Circumstances& how) {
  std::string out =
      "Measured " + how.date + " with `" + how.command + "`: medians of " +
      std::to_string(how.rounds) + (how.rounds == 1 ? " round, " : " rounds, ") +
      Format("%g s each after ", static_cast<double>(how.timing.duration.count()) / 1e9) +
      Format("%g s of warm-up", static_cast<double>(how.timing.warmup.count()) / 1e9) +
      "; brokers on CPU " + Numbers(how.server_cpus) + ", load on CPU " + Numbers(how.load_cpus) +
      ". ";
  out += how.disturbed == 0 ? "No run was disturbed by other load.\n\n"
                            : std::to_string(how.disturbed) +
                                  " runs were kept although other load disturbed them.\n\n";
  out += "| Machine | |\n|---|---|\n";
  for (const auto& [name, value] : how.machine) out += Row({name, value});
  out += "\n| Broker | Version | Command |\n|---|---|---|\n";
  for (const Broker& broker : results.brokers) {
    out += Row({broker.name, broker.version, "`" + broker.shown + "`"});
  }
  std::string settings = MosquittoSettings();
  settings.pop_back();
  out += "\nmosquitto.conf: `" + OneLine(settings, "; ") + "`.\n";
  for (const std::string& name : how.missing) out += "Not on this machine: " + name + ".\n";
  return out + "\n";
}

}  // namespace

std::string TableText(const Results& results, const Circumstances& circumstances) {
  const auto closed = [](const Scenario& scenario) { return scenario.rate == 0; };
  const auto open = [](const Scenario& scenario) { return scenario.rate > 0; };
  return Method(results, circumstances) + Table(results, "messages a second", closed, RateCell) +
         Table(results, "server CPU per message, µs", closed, CpuCell) +
         Table(results, "p50 / p99 / p99.9, µs", open, LatencyCell) +
         Table(results, "server CPU per message, µs", open, CpuCell) + FaultLines(results);
}

absl::StatusOr<std::string> Replaced(std::string_view document, std::string_view name,
                                     std::string_view text) {
  const std::string begin = "<!-- " + std::string(name) + " -->\n";
  const std::string end = "<!-- /" + std::string(name) + " -->\n";
  const size_t from = document.find(begin);
  const size_t to = document.find(end);
  const bool once = from != document.npos && document.find(begin, from + 1) == document.npos &&
                    to != document.npos && document.find(end, to + 1) == document.npos;
  if (!once || from > to) {
    return absl::NotFoundError("no place for it: a line " + begin.substr(0, begin.size() - 1) +
                               " and a line " + end.substr(0, end.size() - 1));
  }
  std::string out(document.substr(0, from + begin.size()));
  return out.append(text).append(document.substr(to));
}

}  // namespace martlet::peers
