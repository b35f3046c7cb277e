#include "report/json.h"

#include "json/writer.h"
#include "report/json_parts.h"

namespace martlet::report {
namespace {

void WriteFigure(const load::Figure& figure, json::Writer& json) {
  json.BeginObject();
  json.Member("id", figure.id);
  json.Member("label", figure.label);
  json.Member("value", figure.value);
  json.Member("unit", figure.unit);
  json.Member("higher_is_better", figure.higher_is_better);
  json.Member("compared", figure.compared);
  json.EndObject();
}

void WriteInterval(const load::Interval& interval, json::Writer& json) {
  json.BeginObject();
  json.Member("begin_seconds", interval.begin_seconds);
  json.Member("seconds", interval.seconds);
  json.Member("messages", interval.messages);
  json.Member("bytes", interval.bytes);
  json.Member("server_cpu_seconds", interval.server_cpu_seconds);
  json.Member("p50_ns", interval.p50_ns);
  json.Member("p99_ns", interval.p99_ns);
  json.Member("max_ns", interval.max_ns);
  json.EndObject();
}

void WriteFaults(const load::Faults& faults, json::Writer& json) {
  json.BeginObject();
  json.Member("lost", faults.lost);
  json.Member("duplicated", faults.duplicated);
  json.Member("reordered", faults.reordered);
  json.Member("corrupted", faults.corrupted);
  json.Key("named");
  WriteTexts(faults.named, json);
  json.EndObject();
}

void WriteServer(const load::Result& result, json::Writer& json) {
  json.BeginObject();
  json.Member("name", result.server.name);
  json.Member("version", result.server.version);
  json.Member("language", result.server.language);
  json.Member("url", result.server.url);
  json.Key("process");
  if (!result.server_known) {
    json.Null();
  } else {
    const measure::ProcessUse& use = result.server_use;
    json.BeginObject();
    json.Member("pid", result.server.pid);
    json.Member("cpu_share", result.server_cpu_share);
    json.Member("user_seconds", use.user_seconds);
    json.Member("system_seconds", use.system_seconds);
    json.Member("resident_bytes", use.resident_bytes);
    json.Member("peak_resident_bytes", use.peak_resident_bytes);
    json.Member("voluntary_switches", use.voluntary_switches);
    json.Member("involuntary_switches", use.involuntary_switches);
    json.Member("threads", use.threads);
    json.EndObject();
  }
  json.EndObject();
}

void WriteResult(const load::Result& result, json::Writer& json) {
  json.BeginObject();
  json.Member("name", load::DescribePlan(result.plan));
  json.Key("parameters");
  WriteRows(load::PlanRows(result.plan), json);
  json.Key("server");
  WriteServer(result, json);
  json.Key("client");
  json.BeginObject();
  json.Member("backend", result.backend);
  json.Member("cpu_share", result.client_cpu_share);
  json.EndObject();
  json.Member("other_cpu_share", result.other_cpu_share);
  json.Member("seconds", result.seconds);
  json.Member("sent", result.sent);
  json.Member("delivered", result.delivered);

  json.Key("figures");
  json.BeginArray();
  for (const load::Figure& figure : result.figures) WriteFigure(figure, json);
  json.EndArray();
  json.Key("latencies");
  WriteLatencies(result.latencies, json);
  json.Key("intervals");
  json.BeginArray();
  for (const load::Interval& interval : result.intervals) WriteInterval(interval, json);
  json.EndArray();
  json.Key("faults");
  WriteFaults(result.faults, json);
  json.Key("warnings");
  WriteTexts(result.warnings, json);
  json.EndObject();
}

}  // namespace

std::string ResultsJson(const Provenance& provenance, std::span<const load::Result> results) {
  std::string out;
  json::Writer json(out);
  json.BeginObject();
  json.Member("schema", "martlet-bench/1");
  WriteProvenance(provenance, json);
  json.Key("results");
  json.BeginArray();
  for (const load::Result& result : results) WriteResult(result, json);
  json.EndArray();
  json.EndObject();
  out += '\n';
  return out;
}

}  // namespace martlet::report
