#include "report/json_parts.h"

#include "report/ladder.h"

namespace martlet::report {
namespace {

void WriteLatency(const load::Latency& latency, json::Writer& json) {
  const measure::Histogram& histogram = latency.histogram;
  json.BeginObject();
  json.Member("id", latency.id);
  json.Member("label", latency.label);
  json.Member("unit", "ns");
  json.Member("count", histogram.count());
  json.Member("clamped", histogram.clamped());
  json.Member("min", histogram.Min());
  json.Member("max", histogram.Max());
  json.Member("mean", histogram.Mean());
  json.Member("standard_deviation", histogram.StandardDeviation());
  json.Key("percentiles");
  json.BeginObject();
  for (const Rung& rung : kLadder) {
    if (rung.percentile < 100) json.Member(rung.label, histogram.ValueAt(rung.percentile));
  }
  json.EndObject();
  json.Member("digits", histogram.digits());
  json.Key("buckets");
  json.BeginArray();
  histogram.ForEach([&json](int64_t value, uint64_t count) {
    json.BeginArray();
    json.Value(value);
    json.Value(count);
    json.EndArray();
  });
  json.EndArray();
  json.EndObject();
}

}  // namespace

void WriteProvenance(const Provenance& provenance, json::Writer& json) {
  const measure::Machine& machine = provenance.machine;
  json.Member("version", provenance.version);
  json.Member("date", provenance.date);
  json.Member("command_line", provenance.command_line);
  json.Key("machine");
  json.BeginObject();
  json.Member("cpu", machine.cpu);
  json.Member("cpus", machine.cpus);
  json.Member("cpus_online", machine.cpus_online);
  json.Member("governor", machine.governor);
  json.Member("memory_bytes", machine.memory_bytes);
  json.Member("virtualization", machine.virtualization);
  json.Member("kernel", machine.kernel);
  json.Member("distribution", machine.distribution);
  json.Key("mitigations");
  WriteTexts(machine.mitigations, json);
  json.EndObject();
}

void WriteRows(const std::vector<std::pair<std::string, std::string>>& rows, json::Writer& json) {
  json.BeginObject();
  for (const auto& [name, value] : rows) json.Member(name, value);
  json.EndObject();
}

void WriteTexts(const std::vector<std::string>& texts, json::Writer& json) {
  json.BeginArray();
  for (const std::string& text : texts) json.Value(text);
  json.EndArray();
}

void WriteLatencies(const std::vector<load::Latency>& latencies, json::Writer& json) {
  json.BeginArray();
  for (const load::Latency& latency : latencies) WriteLatency(latency, json);
  json.EndArray();
}

}  // namespace martlet::report
