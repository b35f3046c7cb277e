#include "monitor/pages.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "monitor/go_values.h"
#include "sample_server.h"

namespace martlet::monitor {
namespace {

TEST(Varz, HasTheReferencesMembersInItsOrder) {
  SampleServer server;
  server.options.http_base_path = "/m";
  server.requests = {{"/varz", 2}, {"/connz", 1}};
  server.totals = {.connections = 1,
                   .total_connections = 2,
                   .in_msgs = 3,
                   .in_bytes = 4,
                   .out_msgs = 5,
                   .out_bytes = 6,
                   .slow_consumers = 7,
                   .stale_connections = 8,
                   .stalled_clients = 9,
                   .subscriptions = 10};
  const Response response = Varz(server.Look());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.type, kJsonType);
  EXPECT_TRUE(response.any_origin);
  EXPECT_EQ(response.body, R"({
  "server_id": "NID",
  "server_name": "name",
  "version": "2.15.1",
  "proto": 1,
  "go": "c++20",
  "host": "127.0.0.1",
  "port": 4222,
  "max_connections": 65536,
  "ping_interval": 120000000000,
  "ping_max": 2,
  "http_host": "0.0.0.0",
  "http_port": 8222,
  "http_base_path": "/m",
  "https_port": 0,
  "auth_timeout": 2,
  "max_control_line": 4096,
  "max_payload": 1048576,
  "max_pending": 67108864,
  "cluster": {},
  "gateway": {},
  "leaf": {},
  "mqtt": {},
  "websocket": {},
  "jetstream": {},
  "tls_timeout": 2,
  "write_deadline": 10000000000,
  "start": "2023-11-14T22:13:20Z",
  "now": "2023-11-14T22:14:25.5Z",
  "uptime": "1m5s",
  "mem": 12345,
  "cores": 4,
  "gomaxprocs": 2,
  "cpu": 1.5,
  "connections": 1,
  "total_connections": 2,
  "routes": 0,
  "remotes": 0,
  "leafnodes": 0,
  "in_msgs": 3,
  "in_bytes": 4,
  "in_client_msgs": 3,
  "in_client_bytes": 4,
  "out_msgs": 5,
  "out_bytes": 6,
  "out_client_msgs": 5,
  "out_client_bytes": 6,
  "slow_consumers": 7,
  "stale_connections": 8,
  "stalled_clients": 9,
  "subscriptions": 10,
  "http_req_stats": {
    "/connz": 1,
    "/varz": 2
  },
  "config_load_time": "2023-11-14T22:13:20Z",
  "config_digest": "",
  "slow_consumer_stats": {
    "clients": 7,
    "routes": 0,
    "gateways": 0,
    "leafs": 0
  },
  "stale_connection_stats": {
    "clients": 8,
    "routes": 0,
    "gateways": 0,
    "leafs": 0
  },
  "disk_io_wait_stats": {
    "waiters": 0,
    "waits": 0,
    "wait_time": 0,
    "max_wait_time": 0
  },
  "martlet": {
    "interest_differences": 0,
    "lost_interest": 0,
    "lost_routes": 0,
    "member_differences": 0
  }
})");
}

TEST(Varz, OptionalMembersComeWithTheirValues) {
  SampleServer server;
  server.options.max_subscriptions = 5;
  server.options.http_host = "::1";
  server.info.connect_urls = {"a:1", "b:2"};
  server.info.auth_required = true;
  const std::string body = Varz(server.Look()).body;
  const auto has = [&](std::string_view text) { return body.find(text) != body.npos; };
  EXPECT_TRUE(
      has("\"port\": 4222,\n  \"auth_required\": true,\n  \"connect_urls\": [\n    \"a:1\""));
  EXPECT_TRUE(has("\"max_connections\": 65536,\n  \"max_subscriptions\": 5,\n"));
  EXPECT_TRUE(has("\"http_host\": \"::1\""));
}

TEST(Varz, TellsOfTheCluster) {
  SampleServer server;
  server.options.cluster.host = "10.0.0.1";
  server.options.cluster.auth_timeout = std::chrono::milliseconds(1500);
  server.options.cluster.routes = {"nats://u:p@h:6222", "nats-route://[::1]:1"};
  server.options.cluster.write_deadline = std::chrono::seconds(3);
  server.options.cluster.close_at_write_deadline = true;
  server.options.retry_writes = true;
  server.cluster = {.name = "C", .port = 6222, .routes = 4, .remotes = 1, .member_differences = 7};
  server.totals = {.in_msgs = 1,
                   .in_bytes = 10,
                   .out_msgs = 2,
                   .out_bytes = 20,
                   .slow_consumers = 1,
                   .stale_connections = 2,
                   .subscriptions = 3,
                   .route_in_msgs = 100,
                   .route_in_bytes = 1000,
                   .route_out_msgs = 200,
                   .route_out_bytes = 2000,
                   .slow_routes = 10,
                   .stale_routes = 20,
                   .remote_subscriptions = 30,
                   .lost_interest = 5,
                   .lost_routes = 6};
  const std::string body = Varz(server.Look()).body;
  const auto has = [&](std::string_view text) { return body.find(text) != body.npos; };
  EXPECT_TRUE(has(R"(
  "cluster": {
    "name": "C",
    "addr": "10.0.0.1",
    "cluster_port": 6222,
    "auth_timeout": 1.5,
    "urls": [
      "h:6222",
      "[::1]:1"
    ],
    "tls_timeout": 2,
    "pool_size": 3,
    "write_deadline": 3000000000,
    "write_timeout": "close"
  },
  "gateway": {},
)")) << body;
  EXPECT_TRUE(has("\"write_deadline\": 10000000000,\n  \"write_timeout\": \"retry\",\n"));
  EXPECT_TRUE(has(R"(
  "routes": 4,
  "remotes": 1,
  "leafnodes": 0,
  "in_msgs": 101,
  "in_bytes": 1010,
  "in_client_msgs": 1,
  "in_client_bytes": 10,
  "out_msgs": 202,
  "out_bytes": 2020,
  "out_client_msgs": 2,
  "out_client_bytes": 20,
  "slow_consumers": 11,
  "stale_connections": 22,
  "stalled_clients": 0,
  "subscriptions": 33,
)"));
  EXPECT_TRUE(has("\"slow_consumer_stats\": {\n    \"clients\": 1,\n    \"routes\": 10,\n"));
  EXPECT_TRUE(has("\"stale_connection_stats\": {\n    \"clients\": 2,\n    \"routes\": 20,\n"));
  EXPECT_TRUE(
      has("\"martlet\": {\n    \"interest_differences\": 0,\n    \"lost_interest\": 5,\n    "
          "\"lost_routes\": 6,\n    \"member_differences\": 7\n  }\n}"));
}

Response Health(std::string_view text, bool accepts = true) {
  SampleServer server;
  server.accepts = accepts;
  Query query(text);
  const std::optional<HealthzQuery> read = ReadHealthz(query);
  return read ? Healthz(*read, server.Look()) : TextResponse(400, query.error());
}

TEST(Healthz, AnswersAsTheReferenceDoes) {
  struct Case {
    std::string_view query;
    int status;
    std::string_view body;
  };
  constexpr Case kCases[] = {
      {"", 200, R"({"status":"ok"})"},
      {"js-enabled-only=1&js-server-only=true&details=1", 200, R"({"status":"ok"})"},
      {"account=a&stream=s&consumer=c", 200, R"({"status":"ok"})"},
      {"stream=s", 400,
       R"({"status":"error","error":"\"account\" must not be empty when checking stream health"})"},
      {"consumer=c&account=a", 400,
       R"({"status":"error","error":"\"stream\" must not be empty when checking consumer health"})"},
      {"stream=s&details=t", 400,
       R"({"status":"error","errors":[{"type":"BAD_REQUEST",)"
       R"("error":"\"account\" must not be empty when checking stream health"}]})"},
      {"details=x", 400,
       "Error decoding boolean for 'details': strconv.ParseBool: parsing \"x\": invalid syntax"},
      {"details=x&js-enabled=y", 400,
       "Error decoding boolean for 'js-enabled': strconv.ParseBool: parsing \"y\": invalid syntax"},
  };
  for (const Case& c : kCases) {
    const Response response = Health(c.query);
    EXPECT_EQ(response.status, c.status) << c.query;
    EXPECT_EQ(response.body, c.body);
    EXPECT_EQ(response.any_origin, response.body.front() == '{');
  }
}

TEST(Healthz, AServerThatTakesNobodyInIsNotHealthy) {
  EXPECT_EQ(Health("", false).status, 500);
  EXPECT_EQ(Health("", false).body,
            R"({"status":"error",)"
            R"("error":"failed to be ready for connections after 1ms: server"})");
  EXPECT_EQ(Health("details=1", false).body,
            R"({"status":"error","errors":[{"type":"CONNECTION",)"
            R"("error":"failed to be ready for connections after 1ms: server"}]})");
}

TEST(GoValues, UptimeAndRoundTrip) {
  struct Case {
    int64_t seconds;
    std::string_view text;
  };
  constexpr Case kUptimes[] = {{0, "0s"},           {59, "59s"},
                               {65, "1m5s"},        {7203, "2h0m3s"},
                               {93603, "1d2h0m3s"}, {31536000 + 93603, "1y1d2h0m3s"}};
  for (const Case& c : kUptimes) EXPECT_EQ(UptimeText(c.seconds * kSecond + 999), c.text);
  EXPECT_EQ(RttText(0), "0s");
  EXPECT_EQ(RttText(999), "999ns");
  EXPECT_EQ(RttText(64'999), "64µs");
  EXPECT_EQ(RttText(1'234'567), "1.234567ms");
}

}  // namespace
}  // namespace martlet::monitor
