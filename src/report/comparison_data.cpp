// JSON and CSV of a comparison.
#include <cmath>

#include "json/writer.h"
#include "report/comparison.h"
#include "report/csv.h"
#include "report/json_parts.h"

namespace martlet::report {
namespace {

std::string_view VerdictName(measure::Verdict verdict) {
  switch (verdict) {
    case measure::Verdict::kBBetter:
      return "better";
    case measure::Verdict::kBWorse:
      return "worse";
    case measure::Verdict::kNoDifference:
      break;
  }
  return "no difference";
}

void WriteServer(const ComparedServer& server, json::Writer& json) {
  json.BeginObject();
  json.Member("label", server.label);
  json.Member("command", server.command);
  json.Member("url", server.url);
  json.Member("name", server.name);
  json.Member("version", server.version);
  json.Member("language", server.language);
  json.EndObject();
}

void WriteRatio(const ComparedFigure& figure, size_t server, json::Writer& json) {
  const measure::Ratio& ratio = figure.ratios[server];
  json.Key("ratio");
  if (ratio.rounds == 0) {
    json.Null();
  } else {
    json.BeginObject();
    json.Member("estimate", ratio.estimate);
    json.Member("low", ratio.low);
    json.Member("high", ratio.high);
    json.Member("rounds", ratio.rounds);
    json.EndObject();
  }
  json.Member("verdict", VerdictName(figure.verdicts[server]));
  json.Member("verdict_text", figure.verdict_texts[server]);
}

void WriteFigure(const Comparison& comparison, const ComparedFigure& figure, json::Writer& json) {
  json.BeginObject();
  json.Member("id", figure.id);
  json.Member("label", figure.label);
  json.Member("unit", figure.unit);
  json.Member("higher_is_better", figure.higher_is_better);
  json.Member("judged", figure.judged);
  json.Key("servers");
  json.BeginArray();
  for (size_t i = 0; i < figure.rounds.size() && i < comparison.servers.size(); ++i) {
    json.BeginObject();
    json.Member("label", comparison.servers[i].label);
    json.Member("median", figure.spreads[i].median);
    json.Member("min", figure.spreads[i].min);
    json.Member("max", figure.spreads[i].max);
    json.Member("relative_deviation", figure.spreads[i].relative_deviation);
    json.Key("rounds");
    json.BeginArray();
    for (const double value : figure.rounds[i]) json.Value(value);
    json.EndArray();
    if (i != 0 && figure.judged) WriteRatio(figure, i, json);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

void WriteScenario(const Comparison& comparison, const ComparedScenario& scenario,
                   json::Writer& json) {
  json.BeginObject();
  json.Member("name", scenario.name);
  json.Key("parameters");
  WriteRows(scenario.parameters, json);
  json.Member("rounds", scenario.rounds);
  json.Member("repeated", scenario.repeated);
  json.Key("figures");
  json.BeginArray();
  for (const ComparedFigure& figure : scenario.figures) WriteFigure(comparison, figure, json);
  json.EndArray();
  json.Key("latencies");
  json.BeginArray();
  for (const std::vector<load::Latency>& latencies : scenario.latencies) {
    WriteLatencies(latencies, json);
  }
  json.EndArray();
  json.Key("faults");
  WriteTexts(scenario.faults, json);
  json.Key("warnings");
  WriteTexts(scenario.warnings, json);
  json.EndObject();
}

/// Rows of one figure of one scenario.
class FigureRows {
 public:
  FigureRows(const ComparedScenario& scenario, const ComparedFigure& figure, std::string& out)
      : out_(out) {
    AppendCsvText(scenario.name, prefix_);
    prefix_ += ',';
    AppendCsvText(figure.id, prefix_);
    prefix_ += ',';
    AppendCsvText(figure.unit, prefix_);
    prefix_ += ',';
  }

  void Add(std::string_view server, std::string_view round, double value) {
    out_ += prefix_;
    AppendCsvText(server, out_);
    out_ += ',';
    out_ += round;
    out_ += ',';
    AppendCsvNumber(value, out_);
    out_ += '\n';
  }

 private:
  std::string prefix_;
  std::string& out_;
};

void AppendFigure(const Comparison& comparison, const ComparedScenario& scenario,
                  const ComparedFigure& figure, std::string& out) {
  FigureRows rows(scenario, figure, out);
  for (size_t i = 0; i < figure.rounds.size() && i < comparison.servers.size(); ++i) {
    const std::string& label = comparison.servers[i].label;
    for (size_t round = 0; round < figure.rounds[i].size(); ++round) {
      rows.Add(label, std::to_string(round + 1), figure.rounds[i][round]);
    }
    rows.Add(label, "median", figure.spreads[i].median);
    rows.Add(label, "min", figure.spreads[i].min);
    rows.Add(label, "max", figure.spreads[i].max);
    if (i == 0 || !figure.judged || figure.ratios[i].rounds == 0) continue;
    rows.Add(label, "ratio", figure.ratios[i].estimate);
    rows.Add(label, "ratio_low", figure.ratios[i].low);
    rows.Add(label, "ratio_high", figure.ratios[i].high);
  }
}

}  // namespace

std::string ComparisonJson(const Comparison& comparison) {
  std::string out;
  json::Writer json(out);
  json.BeginObject();
  json.Member("schema", "martlet-compare/1");
  WriteProvenance(comparison.provenance, json);
  json.Member("seed", comparison.seed);
  json.Member("seconds", comparison.seconds);
  json.Member("confidence", comparison.confidence);
  json.Key("servers");
  json.BeginArray();
  for (const ComparedServer& server : comparison.servers) WriteServer(server, json);
  json.EndArray();
  json.Key("scenarios");
  json.BeginArray();
  for (const ComparedScenario& scenario : comparison.scenarios) {
    WriteScenario(comparison, scenario, json);
  }
  json.EndArray();
  json.Key("notes");
  WriteTexts(comparison.notes, json);
  json.Key("warnings");
  WriteTexts(comparison.warnings, json);
  json.EndObject();
  out += '\n';
  return out;
}

std::string ComparisonCsv(const Comparison& comparison) {
  std::string out = "scenario,figure,unit,server,round,value\n";
  for (const ComparedScenario& scenario : comparison.scenarios) {
    for (const ComparedFigure& figure : scenario.figures) {
      AppendFigure(comparison, scenario, figure, out);
    }
  }
  return out;
}

}  // namespace martlet::report
