#include "config/plan.h"

#include <algorithm>

#include "base/go_text.h"
#include "base/url.h"
#include "config/keys.h"

namespace martlet::config {
namespace {

std::string DigestOfText(const std::string& secret) {
  Map one;
  one.Set("", Value(secret, {}));
  return Digest(one).substr(0, 15);
}

std::string Text(const std::string& value) { return value; }
std::string Text(bool value) { return value ? "true" : "false"; }
std::string Text(int64_t value) { return std::to_string(value); }
std::string Text(int32_t value) { return std::to_string(value); }
std::string Text(uint32_t value) { return std::to_string(value); }
std::string Text(nanoseconds value) { return base::GoDuration(value); }
std::string Text(IoBackend value) {
  return value == IoBackend::kUring ? "io_uring" : value == IoBackend::kEpoll ? "epoll" : "auto";
}
std::string Text(Profile value) {
  return value == Profile::kLatency      ? "latency"
         : value == Profile::kThroughput ? "throughput"
                                         : "balanced";
}
std::string Text(LogFormat value) { return value == LogFormat::kJson ? "json" : "text"; }
std::string Text(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) out += (out.size() > 1 ? " " : "") + value;
  return out + "]";
}
std::string Text(const std::map<std::string, std::string>& values) {
  std::string out = "map[";
  for (const auto& [name, value] : values) {
    out.append(out.size() > 4 ? " " : "").append(name).append(":").append(value);
  }
  return out + "]";
}

template <auto kMember>
std::string Of(const Options& options) {
  return Text(options.*kMember);
}
// The reference has the opposite of it.
template <bool Options::*kMember>
std::string NotOf(const Options& options) {
  return Text(!(options.*kMember));
}

std::string ClusterHost(const Options& options) { return Text(options.cluster.host); }
std::string ClusterPort(const Options& options) { return Text(options.cluster.port); }
std::string ClusterAwaitsMesh(const Options& options) {
  return Text(options.cluster.accept_after_mesh);
}
std::string ClusterRoutes(const Options& options) {
  std::vector<std::string> routes;
  for (const std::string& route : options.cluster.routes) {
    const std::optional<base::Url> url = base::ParseUrl(route);
    routes.push_back(url ? url->Redacted() : route);
  }
  return Text(routes);
}
std::string Text(const SubjectRules& rules) {
  return rules.given ? "allow " + Text(rules.allow) + " deny " + Text(rules.deny) : "all";
}
// All the rest of it. Of the password it says only whether it is another one.
std::string ClusterRest(const Options& options) {
  const ClusterOptions& cluster = options.cluster;
  std::string thresholds;
  for (const nanoseconds threshold : cluster.rtt_thresholds) thresholds += " " + Text(threshold);
  return "name=" + cluster.name + " advertise=" + cluster.advertise +
         " no_advertise=" + Text(cluster.no_advertise) +
         " connect_retries=" + Text(cluster.connect_retries) +
         " connect_backoff=" + Text(cluster.connect_backoff) + " user=" + cluster.user +
         " password=" + (cluster.password.empty() ? "" : DigestOfText(cluster.password)) +
         " auth_timeout=" + Text(cluster.auth_timeout) + " import=" + Text(cluster.import) +
         " export=" + Text(cluster.exports) + " pool_size=" + Text(cluster.pool_size) +
         " accounts=" + Text(cluster.pinned_accounts) + " compression=" + cluster.compression +
         thresholds + " ping_interval=" + Text(cluster.ping_interval) +
         " ping_max=" + Text(cluster.ping_max) + " write_deadline=" + Text(cluster.write_deadline) +
         " write_timeout=" + (cluster.close_at_write_deadline ? "close" : "retry");
}

struct Row {
  std::string_view key;
  std::string_view option;
  Reload reload;
  std::string (*text)(const Options&);
  // Behind "Reloaded: "; with "%" for the new value. Null: key = value.
  const char* line = nullptr;
};

// In the order of the members of the reference's Options, which is that of its log lines.
constexpr Row kRows[] = {
    {"server_name", "ServerName", kRestart, &Of<&Options::server_name>},
    {"host", "Host", kRestart, &Of<&Options::host>},
    {"port", "Port", kRestart, &Of<&Options::port>},
    {"client_advertise", "ClientAdvertise", kHot, &Of<&Options::client_advertise>},
    {"trace", "Trace", kHot, &Of<&Options::trace>},
    {"debug", "Debug", kHot, &Of<&Options::debug>},
    {"trace_verbose", "TraceVerbose", kHot, &Of<&Options::trace_verbose>},
    {"trace_headers", "TraceHeaders", kHot, &Of<&Options::trace_headers>},
    {"no_header_support", "NoHeaderSupport", kRestart, &NotOf<&Options::headers>},
    {"logtime", "Logtime", kHot, &Of<&Options::log_timestamps>},
    {"logtime_utc", "LogtimeUTC", kHot, &Of<&Options::log_utc>},
    {"max_connections", "MaxConn", kHot, &Of<&Options::max_connections>},
    {"max_subscriptions", "MaxSubs", kRestart, &Of<&Options::max_subscriptions>},
    {"max_sub_tokens", "MaxSubTokens", kRestart, &Of<&Options::max_subscription_tokens>},
    {"ping_interval", "PingInterval", kHot, &Of<&Options::ping_interval>},
    {"ping_max", "MaxPingsOut", kHot, &Of<&Options::ping_max>},
    {"cluster.host", "cluster host", kRestart, &ClusterHost},
    {"cluster.port", "cluster port", kRestart, &ClusterPort},
    {"cluster.accept_after_mesh", "AcceptAfterMesh", kRestart, &ClusterAwaitsMesh},
    {"cluster", "Cluster", kHot, &ClusterRest, "cluster"},
    {"cluster.routes", "Routes", kHot, &ClusterRoutes, "cluster routes"},
    {"http", "HTTPHost", kRestart, &Of<&Options::http_host>},
    {"http_port", "HTTPPort", kRestart, &Of<&Options::http_port>},
    {"http_base_path", "HTTPBasePath", kRestart, &Of<&Options::http_base_path>},
    {"max_control_line", "MaxControlLine", kHot, &Of<&Options::max_control_line_bytes>},
    {"max_payload", "MaxPayload", kHot, &Of<&Options::max_payload_bytes>},
    {"max_pending", "MaxPending", kRestart, &Of<&Options::max_pending_bytes>},
    {"no_fast_producer_stall", "NoFastProducerStall", kHot, &NotOf<&Options::stall_fast_producers>,
     "fast producers will %be stalled"},
    {"pid_file", "PidFile", kHot, &Of<&Options::pid_file>},
    {"ports_file_dir", "PortsFileDir", kHot, &Of<&Options::ports_file_dir>},
    {"log_file", "LogFile", kHot, &Of<&Options::log_file>},
    {"log_size_limit", "LogSizeLimit", kRestart, &Of<&Options::log_size_limit_bytes>},
    {"log_max_num", "LogMaxFiles", kRestart, &Of<&Options::log_files_max>},
    {"syslog", "Syslog", kHot, &Of<&Options::syslog>},
    {"remote_syslog", "RemoteSyslog", kHot, &Of<&Options::remote_syslog>},
    {"write_deadline", "WriteDeadline", kHot, &Of<&Options::write_deadline>},
    {"write_timeout", "WriteTimeout", kRestart, &Of<&Options::retry_writes>},
    {"max_closed_clients", "MaxClosedClients", kRestart, &Of<&Options::max_closed_clients>},
    {"lame_duck_duration", "LameDuckDuration", kRestart, &Of<&Options::lame_duck_duration>},
    {"lame_duck_grace_period", "LameDuckGracePeriod", kRestart,
     &Of<&Options::lame_duck_grace_period>},
    {"max_traced_msg_len", "MaxTracedMsgLen", kHot, &Of<&Options::max_traced_msg_len>},
    {"connect_error_reports", "ConnectErrorReports", kHot, &Of<&Options::connect_error_reports>},
    {"reconnect_error_reports", "ReconnectErrorReports", kHot,
     &Of<&Options::reconnect_error_reports>},
    {"server_tags", "Tags", kHot, &Of<&Options::server_tags>, "tags"},
    {"server_metadata", "Metadata", kHot, &Of<&Options::server_metadata>, "metadata"},
    // Ours.
    {"log_format", "LogFormat", kHot, &Of<&Options::log_format>},
    {"shards", "Shards", kRestart, &Of<&Options::shards>},
    {"io_backend", "IoBackend", kRestart, &Of<&Options::io_backend>},
    {"profile", "Profile", kRestart, &Of<&Options::profile>},
};

std::string LineOf(const Row& row, const std::string& after) {
  if (row.reload == kRestart) return {};
  // The reference forgets a letter here, and tools grep for what it prints.
  if (row.key == "client_advertise") return "Reload: client_advertise = " + after;
  if (row.line == nullptr) return "Reloaded: " + std::string(row.key) + " = " + after;
  std::string line = row.line;
  if (const size_t at = line.find('%'); at != line.npos) {
    line.replace(at, 1, after == "true" ? "not " : "");
  }
  return "Reloaded: " + line;
}

}  // namespace

std::string Plan::Refusal() const {
  for (const Change& change : changes) {
    if (change.reload == kHot) continue;
    return "config reload not supported for " + std::string(change.option) +
           ": old=" + change.before + ", new=" + change.after;
  }
  return {};
}

Described Describe(const Options& options) {
  Described described;
  for (const Row& row : kRows) described.emplace(row.key, row.text(options));
  return described;
}

Plan Compare(const Described& running, const Options& wanted) {
  Plan plan;
  for (const Row& row : kRows) {
    const auto before = running.find(row.key);
    if (before == running.end()) continue;
    std::string after = row.text(wanted);
    if (before->second == after) continue;
    std::string line = LineOf(row, after);
    plan.changes.push_back(
        {row.key, row.option, row.reload, before->second, std::move(after), std::move(line)});
  }
  return plan;
}

namespace {

// What a key of the top level has, under any of its names, as a digest; empty: it is not there.
std::string DigestOf(const Key<Config>& key, const Map& values) {
  std::string digest;
  for (const Map::Entry& entry : values.entries()) {
    const std::string lower = LowerCase(entry.key);
    if (std::find(key.names.begin(), key.names.end(), lower) == key.names.end()) continue;
    Map one;
    one.Set("", entry.value);
    digest = Digest(one);
  }
  return digest;
}

bool HasRow(std::string_view key) {
  return std::any_of(std::begin(kRows), std::end(kRows),
                     [key](const Row& row) { return row.key == key; });
}

}  // namespace

Plan CompareFiles(const ReadResult& running, const ReadResult& wanted) {
  Plan plan = Compare(running.config.options, wanted.config.options);
  for (const Key<Config>& key : ServerKeys()) {
    // Those that are only other names of settings above: listen is host and port.
    if (HasRow(key.names[0]) || key.names[0] == "listen") continue;
    const std::string before = DigestOf(key, running.values);
    const std::string after = DigestOf(key, wanted.values);
    if (before == after) continue;
    const auto shown = [](const std::string& digest) {
      return digest.empty() ? std::string("not given") : digest.substr(0, 15);
    };
    plan.changes.push_back(
        {key.names[0], key.names[0], key.reload, shown(before), shown(after), {}});
  }
  return plan;
}

Plan Compare(const Options& running, const Options& wanted) {
  return Compare(Describe(running), wanted);
}

}  // namespace martlet::config
