// The endpoints that ask no shard: /varz, /healthz and the page of links.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "monitor/http_response.h"
#include "monitor/query.h"
#include "monitor/snapshot.h"

namespace martlet::monitor {

/// Source: spec monitoring-and-logs.md section 2, /varz; reference Varz.
Response Varz(const ServerSnapshot& server);

/// What /healthz is asked. What it may check beyond the listeners is JetStream's.
struct HealthzQuery {
  bool details = false;
  bool names_account = false;
  bool names_stream = false;
  bool names_consumer = false;
};
/// Nothing when query.error() says why.
std::optional<HealthzQuery> ReadHealthz(Query& query);
/// Source: reference healthz.
Response Healthz(const HealthzQuery& query, const ServerSnapshot& server);

/// Links to the endpoints; `base_path` as in Endpoints.
Response RootPage(std::string_view base_path);

}  // namespace martlet::monitor
