#include <chrono>
#include <string>
#include <vector>

#include "base/go_text.h"
#include "base/url.h"
#include "json/writer.h"
#include "monitor/go_values.h"
#include "monitor/pages.h"

namespace martlet::monitor {
namespace {

using json::Writer;

void WriteEmptyObject(std::string_view name, Writer& json) {
  json.Key(name);
  json.BeginObject();
  json.EndObject();
}

void WriteByKind(std::string_view name, uint64_t clients, uint64_t routes, Writer& json) {
  json.Key(name);
  json.BeginObject();
  json.Member("clients", clients);
  json.Member("routes", routes);
  for (const std::string_view none : {"gateways", "leafs"}) json.Member(none, 0);
  json.EndObject();
}

// Go's Duration.Seconds.
double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

void WriteIdentity(const ServerSnapshot& server, Writer& json) {
  const proto::ServerInfo& info = server.info;
  json.Member("server_id", info.server_id);
  json.Member("server_name", info.server_name);
  json.Member("version", info.version);
  json.Member("proto", info.proto);
  json.OptionalMember("git_commit", info.git_commit);
  json.Member("go", info.go);
  json.Member("host", info.host);
  json.Member("port", info.port);
  json.OptionalMember("auth_required", info.auth_required);
  json.OptionalMember("tls_required", info.tls_required);
  json.OptionalMember("tls_verify", info.tls_verify);
  json.OptionalList("connect_urls", info.connect_urls);
}

// What the reference sets where nothing is configured; it cannot be set here yet.
constexpr int kTlsTimeoutSeconds = 2;

void WriteCluster(const ServerSnapshot& server, Writer& json) {
  if (!server.cluster) return WriteEmptyObject("cluster", json);
  const ClusterOptions& options = server.options.cluster;
  std::vector<std::string> urls;
  for (const std::string& route : options.routes) {
    if (const auto url = base::ParseUrl(route)) urls.push_back(url->host);
  }
  json.Key("cluster");
  json.BeginObject();
  json.OptionalMember("name", server.cluster->name);
  json.OptionalMember("addr", options.host);
  json.OptionalMember("cluster_port", server.cluster->port);
  json.OptionalMember("auth_timeout", Seconds(options.auth_timeout));
  json.OptionalList("urls", urls);
  json.Member("tls_timeout", kTlsTimeoutSeconds);
  json.OptionalMember("pool_size", options.pool_size);
  json.OptionalMember("write_deadline", options.write_deadline.count());
  if (options.close_at_write_deadline) json.Member("write_timeout", "close");
  json.EndObject();
}

void WriteSettings(const ServerSnapshot& server, Writer& json) {
  const Options& options = server.options;
  // What the reference sets where nothing is configured; it cannot be set here yet.
  constexpr int kAuthTimeoutSeconds = 2;
  json.Member("max_connections", options.max_connections);
  json.OptionalMember("max_subscriptions", options.max_subscriptions);
  json.Member("ping_interval", options.ping_interval.count());
  json.Member("ping_max", options.ping_max);
  json.Member("http_host", options.http_host.empty() ? options.host : options.http_host);
  json.Member("http_port", options.http_port);
  json.Member("http_base_path", options.http_base_path);
  json.Member("https_port", 0);
  json.Member("auth_timeout", kAuthTimeoutSeconds);
  json.Member("max_control_line", options.max_control_line_bytes);
  json.Member("max_payload", options.max_payload_bytes);
  json.Member("max_pending", options.max_pending_bytes);
  WriteCluster(server, json);
  for (const std::string_view off : {"gateway", "leaf", "mqtt", "websocket", "jetstream"}) {
    WriteEmptyObject(off, json);
  }
  json.Member("tls_timeout", kTlsTimeoutSeconds);
  json.Member("write_deadline", options.write_deadline.count());
  if (options.retry_writes) json.Member("write_timeout", "retry");
}

void WriteTraffic(const ServerSnapshot& server, Writer& json) {
  const Totals& totals = server.totals;
  json.Member("connections", totals.connections);
  json.Member("total_connections", totals.total_connections);
  json.Member("routes", server.cluster ? server.cluster->routes : 0);
  json.Member("remotes", server.cluster ? server.cluster->remotes : 0);
  json.Member("leafnodes", 0);
  json.Member("in_msgs", totals.in_msgs + totals.route_in_msgs);
  json.Member("in_bytes", totals.in_bytes + totals.route_in_bytes);
  json.Member("in_client_msgs", totals.in_msgs);
  json.Member("in_client_bytes", totals.in_bytes);
  json.Member("out_msgs", totals.out_msgs + totals.route_out_msgs);
  json.Member("out_bytes", totals.out_bytes + totals.route_out_bytes);
  json.Member("out_client_msgs", totals.out_msgs);
  json.Member("out_client_bytes", totals.out_bytes);
  json.Member("slow_consumers", totals.slow_consumers + totals.slow_routes);
  json.Member("stale_connections", totals.stale_connections + totals.stale_routes);
  json.Member("stalled_clients", totals.stalled_clients);
  json.Member("subscriptions", totals.subscriptions + totals.remote_subscriptions);
}

void WriteRequests(const RequestCounts& requests, Writer& json) {
  json.Key("http_req_stats");
  json.BeginObject();
  for (const auto& [path, count] : requests) json.Member(path, count);
  json.EndObject();
}

// What the operator wrote on the server.
void WriteLabels(const Options& options, Writer& json) {
  json.OptionalList("tags", options.server_tags);
  if (!options.server_metadata.empty()) {
    json.Key("metadata");
    json.BeginObject();
    for (const auto& [name, value] : options.server_metadata) json.Member(name, value);
    json.EndObject();
  }
}

// What the reference does not count: what checks of routes have found, and messages that were on
// their way, between shards or servers, when the subscription or the route was gone that they were
// for.
void WriteOwn(const ServerSnapshot& server, const Totals& totals, Writer& json) {
  json.Key("martlet");
  json.BeginObject();
  json.Member("interest_differences", totals.interest_differences);
  json.Member("lost_interest", totals.lost_interest);
  json.Member("lost_routes", totals.lost_routes);
  json.Member("member_differences", server.cluster ? server.cluster->member_differences : 0);
  json.EndObject();
}

}  // namespace

Response Varz(const ServerSnapshot& server) {
  std::string body;
  Writer json(body, Writer::Layout::kIndented);
  json.BeginObject();
  WriteIdentity(server, json);
  WriteSettings(server, json);
  json.Member("start", base::GoTime(server.start_ns));
  json.Member("now", base::GoTime(server.now_ns));
  json.Member("uptime", UptimeText(server.now_ns - server.start_ns));
  json.Member("mem", server.resident_bytes);
  json.Member("cores", server.cores);
  json.Member("gomaxprocs", server.shards);  // threads that serve clients at the same time
  json.Member("cpu", server.cpu_percent);
  WriteTraffic(server, json);
  WriteRequests(server.requests, json);
  json.Member("config_load_time", base::GoTime(server.config_loaded_ns));
  json.Member("config_digest", server.config_digest);
  WriteLabels(server.options, json);
  const Totals& totals = server.totals;
  WriteByKind("slow_consumer_stats", totals.slow_consumers, totals.slow_routes, json);
  WriteByKind("stale_connection_stats", totals.stale_connections, totals.stale_routes, json);
  json.Key("disk_io_wait_stats");
  json.BeginObject();
  for (const std::string_view none : {"waiters", "waits", "wait_time", "max_wait_time"}) {
    json.Member(none, 0);
  }
  json.EndObject();
  WriteOwn(server, totals, json);
  json.EndObject();
  return JsonResponse(std::move(body));
}

}  // namespace martlet::monitor
