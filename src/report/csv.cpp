#include "report/csv.h"

#include <cmath>

#include "json/writer.h"
#include "report/ladder.h"

namespace martlet::report {
namespace {

/// Rows of one result: each begins with its number and name.
class Rows {
 public:
  Rows(size_t number, std::string_view name, std::string& out) : out_(out) {
    prefix_ = std::to_string(number) + ",";
    AppendCsvText(name, prefix_);
  }

  void Text(std::string_view kind, std::string_view id, std::string_view value) {
    Begin(kind, id);
    AppendCsvText(value, out_);
    out_ += ",\n";
  }
  void Number(std::string_view kind, std::string_view id, double value, std::string_view unit) {
    Begin(kind, id);
    AppendCsvNumber(value, out_);
    out_ += ',';
    AppendCsvText(unit, out_);
    out_ += '\n';
  }

 private:
  void Begin(std::string_view kind, std::string_view id) {
    out_ += prefix_;
    out_ += ',';
    out_ += kind;
    out_ += ',';
    AppendCsvText(id, out_);
    out_ += ',';
  }

  std::string prefix_;
  std::string& out_;
};

void AppendLatency(const load::Latency& latency, Rows& rows) {
  const measure::Histogram& histogram = latency.histogram;
  const auto add = [&](std::string_view name, double value, std::string_view unit) {
    rows.Number("latency", latency.id + "." + std::string(name), value, unit);
  };
  add("count", static_cast<double>(histogram.count()), "");
  add("min", static_cast<double>(histogram.Min()), "ns");
  add("mean", histogram.Mean(), "ns");
  for (const Rung& rung : kLadder) {
    add(rung.label, static_cast<double>(histogram.ValueAt(rung.percentile)), "ns");
  }
}

void AppendResult(const load::Result& result, Rows& rows) {
  for (const auto& [name, value] : load::PlanRows(result.plan)) {
    rows.Text("parameter", name, value);
  }
  for (const load::Figure& figure : result.figures) {
    rows.Number("figure", figure.id, figure.value, figure.unit);
  }
  for (const load::Latency& latency : result.latencies) AppendLatency(latency, rows);
  const load::Faults& faults = result.faults;
  rows.Number("fault", "lost", static_cast<double>(faults.lost), "");
  rows.Number("fault", "duplicated", static_cast<double>(faults.duplicated), "");
  rows.Number("fault", "reordered", static_cast<double>(faults.reordered), "");
  rows.Number("fault", "corrupted", static_cast<double>(faults.corrupted), "");
  for (const std::string& warning : result.warnings) rows.Text("warning", "", warning);
}

}  // namespace

std::string ResultsCsv(std::span<const load::Result> results) {
  std::string out = "result,name,kind,id,value,unit\n";
  for (size_t i = 0; i < results.size(); ++i) {
    Rows rows(i + 1, load::DescribePlan(results[i].plan), out);
    AppendResult(results[i], rows);
  }
  return out;
}

void AppendCsvText(std::string_view field, std::string& out) {
  static constexpr std::string_view kFormulas = "=+-@\t\r";
  const bool formula = !field.empty() && kFormulas.find(field.front()) != kFormulas.npos;
  if (!formula && field.find_first_of(",\"\r\n") == field.npos) {
    out += field;
    return;
  }
  out += formula ? "\"'" : "\"";
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void AppendCsvNumber(double number, std::string& out) {
  if (std::isfinite(number)) json::AppendNumber(number, out);
}

}  // namespace martlet::report
