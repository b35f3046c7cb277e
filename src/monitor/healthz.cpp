#include "json/writer.h"
#include "monitor/pages.h"

namespace martlet::monitor {
namespace {

// One mistake, told in either of two ways.
Response Unhealthy(bool details, int status, std::string_view type, std::string_view error) {
  std::string body;
  json::Writer json(body);
  json.BeginObject();
  json.Member("status", "error");
  if (details) {
    json.Key("errors");
    json.BeginArray();
    json.BeginObject();
    json.Member("type", type);
    json.Member("error", error);
    json.EndObject();
    json.EndArray();
  } else {
    json.Member("error", error);
  }
  json.EndObject();
  return JsonResponse(std::move(body), status);
}

}  // namespace

std::optional<HealthzQuery> ReadHealthz(Query& query) {
  // In the reference's order: the first that is wrong is told. Without JetStream they change
  // nothing.
  for (const std::string_view name :
       {"js-enabled", "js-enabled-only", "js-server-only", "js-meta-only"}) {
    (void)query.Bool(name);
  }
  HealthzQuery out;
  out.details = query.Bool("details");
  if (!query.error().empty()) return std::nullopt;
  out.names_account = !query.Text("account").empty();
  out.names_stream = !query.Text("stream").empty();
  out.names_consumer = !query.Text("consumer").empty();
  return out;
}

Response Healthz(const HealthzQuery& query, const ServerSnapshot& server) {
  if (query.names_stream && !query.names_account) {
    return Unhealthy(query.details, 400, "BAD_REQUEST",
                     R"("account" must not be empty when checking stream health)");
  }
  if (query.names_consumer && !query.names_stream) {
    return Unhealthy(query.details, 400, "BAD_REQUEST",
                     R"("stream" must not be empty when checking consumer health)");
  }
  if (!server.accepts) {
    return Unhealthy(query.details, 500, "CONNECTION",
                     "failed to be ready for connections after 1ms: server");
  }
  return JsonResponse(R"({"status":"ok"})");
}

}  // namespace martlet::monitor
