// The keys of the top level.
#include <algorithm>
#include <limits>

#include "base/go_text.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/reading.h"

namespace martlet::config {
namespace {

using base::GoQuote;
using std::chrono::nanoseconds;

/// For members of Options: zero in the file means the default.
template <auto kMember>
void Option(const Entry& entry, Config& config) {
  auto value = config.options.*kMember;
  ReadInto(entry, value);
  static const Options defaults;
  config.options.*kMember = value == decltype(value){} ? defaults.*kMember : value;
}
template <bool Options::*kMember>
void Switch(const Entry& entry, Config& config) {
  ReadInto(entry, config.options.*kMember);
}
template <bool Options::*kMember>
void InvertedSwitch(const Entry& entry, Config& config) {
  if (const bool* off = entry.Bool()) config.options.*kMember = !*off;
}
template <nanoseconds Options::*kMember>
void DurationOption(const Entry& entry, Config& config) {
  static const Options defaults;
  const std::optional<nanoseconds> duration = entry.Duration(LowerCase(entry.key));
  if (duration) config.options.*kMember = duration->count() == 0 ? defaults.*kMember : *duration;
}

// The reference keeps these in 32 bits.
std::optional<int64_t> Integer32(const Entry& entry) {
  const int64_t* number = entry.Integer();
  if (number == nullptr) return std::nullopt;
  if (*number > std::numeric_limits<int32_t>::max()) {
    entry.Error(std::string(entry.key) + " value is too big");
    return std::nullopt;
  }
  return *number;
}

void ReadMaxControlLine(const Entry& entry, Config& config) {
  const std::optional<int64_t> bytes = Integer32(entry);
  if (bytes && *bytes != 0) config.options.max_control_line_bytes = static_cast<int32_t>(*bytes);
}

void ReadMaxPayload(const Entry& entry, Config& config) {
  const std::optional<int64_t> bytes = Integer32(entry);
  if (bytes && *bytes != 0) config.options.max_payload_bytes = *bytes;
}

void ReadMaxConnections(const Entry& entry, Config& config) {
  const int64_t* count = entry.Integer();
  if (count != nullptr) config.options.max_connections = *count == 0 ? -1 : *count;
}

void ReadMaxClosedClients(const Entry& entry, Config& config) {
  const int64_t* count = entry.Integer();
  if (count == nullptr || *count == 0) return;
  constexpr int64_t kMax = std::numeric_limits<uint32_t>::max();
  config.options.max_closed_clients = static_cast<uint32_t>(std::clamp<int64_t>(*count, 0, kMax));
}

void ReadMaxSubTokens(const Entry& entry, Config& config) {
  const int64_t* tokens = entry.Integer();
  if (tokens == nullptr) return;
  if (*tokens > std::numeric_limits<uint8_t>::max()) {
    return entry.Error(std::string(entry.key) + " value is too big");
  }
  if (*tokens <= 0) return entry.Error(std::string(entry.key) + " value can not be negative");
  config.options.max_subscription_tokens = static_cast<uint32_t>(*tokens);
}

void ReadServerName(const Entry& entry, Config& config) {
  const std::string* name = entry.String();
  if (name == nullptr) return;
  if (name->find(' ') != name->npos) return entry.Error("server name cannot contain spaces");
  config.options.server_name = *name;
}

void ReadListenOption(const Entry& entry, Config& config) {
  const std::optional<Listen> listen = entry.HostAndPort();
  if (!listen) return;
  const Options defaults;
  config.options.host = listen->host.empty() ? defaults.host : listen->host;
  config.options.port = listen->port == 0 ? defaults.port : static_cast<int>(listen->port);
}

void ReadHttp(const Entry& entry, Config& config) {
  const std::optional<Listen> listen = entry.HostAndPort();
  if (!listen) return;
  config.options.http_host = listen->host;
  config.options.http_port = static_cast<int>(listen->port);
}

void ReadHttpPort(const Entry& entry, Config& config) { ReadInto(entry, config.options.http_port); }

void ReadHttps(const Entry& entry, Config&) {
  const std::optional<Listen> listen = entry.HostAndPort();
  if (listen && listen->port != 0) entry.Needs("monitoring over TLS");
}

void ReadHttpsPort(const Entry& entry, Config&) {
  const int64_t* port = entry.Integer();
  if (port != nullptr && *port != 0) entry.Needs("monitoring over TLS");
}

void ReadProfPort(const Entry& entry, Config&) {
  const int64_t* port = entry.Integer();
  if (port != nullptr && *port != 0) entry.Needs("a profiling port");
}

void ReadProxyProtocol(const Entry& entry, Config&) {
  const bool* on = entry.Bool();
  if (on != nullptr && *on) entry.Needs("the PROXY protocol");
}

// Both turn tracing on; off they turn it off, as in the reference.
template <bool Options::*kMember>
void ReadTraceKind(const Entry& entry, Config& config) {
  const bool* on = entry.Bool();
  if (on == nullptr) return;
  config.options.*kMember = *on;
  config.options.trace = *on;
}

void ReadLameDuckDuration(const Entry& entry, Config& config) {
  const std::optional<nanoseconds> duration =
      entry.DurationText("error parsing lame_duck_duration");
  if (!duration) return;
  if (*duration < std::chrono::seconds(30)) {
    return entry.Error("invalid lame_duck_duration of " + base::GoDuration(*duration) +
                       ", minimum is 30 seconds");
  }
  config.options.lame_duck_duration = *duration;
}

void ReadLameDuckGracePeriod(const Entry& entry, Config& config) {
  const std::optional<nanoseconds> duration =
      entry.DurationText("error parsing lame_duck_grace_period");
  if (!duration) return;
  if (duration->count() < 0) {
    return entry.Error("invalid lame_duck_grace_period, needs to be positive");
  }
  if (duration->count() != 0) config.options.lame_duck_grace_period = *duration;
}

void ReadWriteTimeoutOption(const Entry& entry, Config& config) {
  std::string policy;
  ReadWriteTimeout(entry, policy);
  config.options.retry_writes = policy == "retry";
}

void ReadTags(const Entry& entry, Config& config) {
  std::vector<std::string> tags;
  if (const std::string* tag = entry.value.As<std::string>()) {
    tags.push_back(*tag);
  } else if (const Array* list = entry.value.array()) {
    for (const Value& element : *list) {
      const std::string* text = element.As<std::string>();
      if (text == nullptr) {
        return entry.Error(
            "error parsing tags: unsupported type *conf.token where string is expected");
      }
      tags.push_back(*text);
    }
  } else {
    return entry.Error("error parsing tags: unsupported type " +
                       std::string(entry.value.type_name()));
  }
  // A set, in small letters.
  std::vector<std::string>& out = config.options.server_tags;
  for (const std::string& tag : tags) {
    const size_t first = tag.find_first_not_of(" \t\n\r");
    if (first == tag.npos) continue;
    const size_t last = tag.find_last_not_of(" \t\n\r");
    const std::string lower = LowerCase(tag.substr(first, last - first + 1));
    if (std::find(out.begin(), out.end(), lower) == out.end()) out.push_back(lower);
  }
}

void ReadMetadata(const Entry& entry, Config& config) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("error parsing metadata: unsupported type " +
                       std::string(entry.value.type_name()));
  }
  for (const Map::Entry& pair : map->entries()) {
    const Entry one{pair.key, pair.value, entry.reading};
    if (const std::string* text = one.String()) config.options.server_metadata[pair.key] = *text;
  }
}

// All flags of the reference are about JetStream.
void ReadFeatureFlags(const Entry& entry, Config&) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("error parsing feature flags: unsupported type " +
                       std::string(entry.value.type_name()));
  }
  for (const Map::Entry& pair : map->entries()) {
    if (pair.value.As<bool>() != nullptr) continue;
    entry.reading.problems.Error(pair.value.where, "error parsing feature flag " +
                                                       GoQuote(pair.key) + ": expected bool, got " +
                                                       std::string(pair.value.type_name()));
  }
}

void ReadDefaultJsDomain(const Entry& entry, Config& config) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("error default_js_domain config: unsupported type " +
                       std::string(entry.value.type_name()));
  }
  for (const Map::Entry& pair : map->entries()) {
    const Entry one{pair.key, pair.value, entry.reading};
    if (const std::string* text = one.String()) config.default_js_domains[pair.key] = *text;
  }
}

void ReadTopTls(const Entry& entry, Config& config) {
  Tls tls;
  entry.Needs("TLS");
  if (ReadTls(entry, true, tls)) config.tls = std::move(tls);
}

void ReadTopMappings(const Entry& entry, Config& config) {
  entry.Needs("subject mapping");
  ReadMappings(entry, config.mappings);
}

void ReadNoAuthUser(const Entry& entry, Config& config) {
  entry.Needs("authentication");
  ReadInto(entry, config.no_auth_user);
}

void ReadDefaultSentinel(const Entry& entry, Config&) {
  entry.Needs("operator mode");
  (void)entry.String();
}

// Read before all others.
void ReadSystemAccount(const Entry&, Config&) {}

void ReadStoreDir(const Entry& entry, Config& config) {
  if (!config.store_dir.empty()) return entry.Error("Duplicate 'store_dir' configuration");
  ReadInto(entry, config.store_dir);
}

// Ours.

void ReadShards(const Entry& entry, Config& config) {
  const int64_t* count = entry.Integer();
  if (count == nullptr) return;
  if (*count < 0 || *count > 1024) return entry.Error("shards must be 0 to 1024");
  config.options.shards = static_cast<int>(*count);
}

void ReadLogFormat(const Entry& entry, Config& config) {
  const std::string* name = entry.String();
  if (name == nullptr) return;
  if (*name == "text") {
    config.options.log_format = LogFormat::kText;
  } else if (*name == "json") {
    config.options.log_format = LogFormat::kJson;
  } else {
    entry.Error("log_format must be text or json");
  }
}

void ReadIoBackend(const Entry& entry, Config& config) {
  const std::string* name = entry.String();
  if (name == nullptr) return;
  if (*name == "auto") {
    config.options.io_backend = IoBackend::kAuto;
  } else if (*name == "io_uring") {
    config.options.io_backend = IoBackend::kUring;
  } else if (*name == "epoll") {
    config.options.io_backend = IoBackend::kEpoll;
  } else {
    entry.Error("io_backend must be auto, io_uring or epoll");
  }
}

void ReadProfile(const Entry& entry, Config& config) {
  const std::string* name = entry.String();
  if (name == nullptr) return;
  if (*name == "balanced") {
    config.options.profile = Profile::kBalanced;
  } else if (*name == "latency") {
    config.options.profile = Profile::kLatency;
  } else if (*name == "throughput") {
    config.options.profile = Profile::kThroughput;
  } else {
    entry.Error("profile must be balanced, latency or throughput");
  }
}

// In the order of the reference's documents.
// clang-format off
constexpr Key<Config> kServerKeys[] = {
    {{"listen"}, "host:port or port", "0.0.0.0:4222", kRestart, &ReadListenOption,
     "Address for clients; sets host and port"},
    {{"host", "net"}, "string", "0.0.0.0", kRestart, &Option<&Options::host>,
     "Address for clients"},
    {{"port"}, "integer", "4222", kRestart, &Option<&Options::port>,
     "Port for clients; -1: any free one"},
    {{"client_advertise"}, "host:port", "", kHot, &Option<&Options::client_advertise>,
     "Address that clients and other servers are told"},
    {{"server_name"}, "string", "the server's id", kRestart, &ReadServerName,
     "Name of the server, without spaces"},
    {{"server_tags"}, "string or array", "", kHot, &ReadTags,
     "Tags, shown by the monitor in small letters"},
    {{"server_metadata"}, "map of strings", "", kHot, &ReadMetadata,
     "Names and values, shown by the monitor"},
    {{"feature_flags"}, "map of booleans", "", kRestart, &ReadFeatureFlags,
     "Flags of JetStream; checked, and without effect here"},

    {{"max_connections", "max_conn"}, "integer", "65536", kHot, &ReadMaxConnections,
     "Clients at a time; 0 or less: none is let in"},
    {{"max_subscriptions", "max_subs"}, "integer", "0", kRestart,
     &Option<&Options::max_subscriptions>, "Subscriptions of a connection; 0: any number"},
    {{"max_sub_tokens", "max_subscription_tokens"}, "integer, 1 to 255", "none", kRestart,
     &ReadMaxSubTokens, "Tokens of a subscription's subject"},
    {{"max_control_line"}, "size", "4KB", kHot, &ReadMaxControlLine,
     "Length of a protocol line"},
    {{"max_payload"}, "size", "1MB", kHot, &ReadMaxPayload,
     "Payload of a message, headers included; -1: any"},
    {{"max_pending"}, "size", "64MB", kRestart, &Option<&Options::max_pending_bytes>,
     "Unsent bytes at which a client is closed as a slow consumer"},
    {{"max_closed_clients"}, "integer", "10000", kRestart, &ReadMaxClosedClients,
     "Closed connections that /connz remembers"},
    {{"max_traced_msg_len"}, "integer", "0", kHot, &Option<&Options::max_traced_msg_len>,
     "Bytes of a payload in a trace line; 0: all"},
    {{"ping_interval"}, "duration", "2m", kHot, &DurationOption<&Options::ping_interval>,
     "Time between PINGs to a quiet client"},
    {{"ping_max"}, "integer", "2", kHot, &Option<&Options::ping_max>,
     "PINGs without an answer before the client is closed as stale"},
    {{"write_deadline"}, "duration", "10s", kHot, &DurationOption<&Options::write_deadline>,
     "Time a send may take before the client is closed as a slow consumer"},
    {{"write_timeout"}, "default, close or retry", "close", kRestart, &ReadWriteTimeoutOption,
     "What happens at the write deadline"},
    {{"no_fast_producer_stall"}, "boolean", "false", kHot,
     &InvertedSwitch<&Options::stall_fast_producers>,
     "Do not slow down publishers whose subscribers are slow"},
    {{"lame_duck_duration"}, "duration, 30s or more", "2m", kRestart, &ReadLameDuckDuration,
     "Time over which lame duck mode closes the clients"},
    {{"lame_duck_grace_period"}, "duration", "10s", kRestart, &ReadLameDuckGracePeriod,
     "Time before it closes the first"},
    {{"no_header_support"}, "boolean", "false", kRestart, &InvertedSwitch<&Options::headers>,
     "Refuse messages with headers"},
    {{"disable_sublist_cache", "no_sublist_cache"}, "boolean", "false", kRestart, &ReadOnly<bool>,
     "Checked, and without effect here"},
    {{"proxy_protocol"}, "boolean", "false", kRestart, &ReadProxyProtocol,
     "Expect the PROXY protocol of every client"},
    {{"proxies"}, "map", "", kHot, &ReadProxies, "Keys of trusted proxies"},

    {{"authorization"}, "map", "", kHot, &ReadTopAuthorization, "Who may connect"},
    {{"accounts"}, "map or array", "", kHot, &ReadAccounts, "Accounts with their users"},
    {{"no_auth_user"}, "string", "", kRestart, &ReadNoAuthUser,
     "User that clients without credentials are"},
    {{"system_account", "system"}, "string", "$SYS", kRestart, &ReadSystemAccount,
     "Account of the server's own events"},
    {{"no_system_account", "no_system", "no_sys_acc"}, "boolean", "false", kRestart,
     [](const Entry& entry, Config& config) {
       Read<&Config::no_system_account>(entry, config);
       config.options.system_account = !config.no_system_account;
     },
     "Do without it"},
    {{"mappings", "maps"}, "map", "", kHot, &ReadTopMappings,
     "Mappings of subjects in the global account"},
    {{"operator", "operators", "root", "roots", "root_operator", "root_operators"},
     "string or array", "", kRestart, &ReadOperators, "JWTs of operators, or files with them"},
    {{"trusted", "trusted_keys"}, "string or array", "", kRestart, &ReadTrustedKeys,
     "Public keys of operators"},
    {{"resolver", "account_resolver", "accounts_resolver"}, "string or map", "", kHot,
     &ReadResolver, "Where accounts are looked up in operator mode"},
    {{"resolver_tls"}, "map", "", kHot, &ReadResolverTls, "TLS towards the resolver"},
    {{"resolver_preload"}, "map of strings", "", kHot, &ReadResolverPreload,
     "Account JWTs by their public keys"},
    {{"resolver_pinned_accounts"}, "string or array", "", kHot, &ReadPinnedAccounts,
     "Accounts that stay as they are"},
    {{"default_sentinel"}, "string", "", kHot, &ReadDefaultSentinel,
     "JWT of clients that bring none"},

    {{"tls"}, "map", "", kHot, &ReadTopTls, "TLS of clients"},
    {{"allow_non_tls"}, "boolean", "false", kRestart, &Read<&Config::allow_non_tls>,
     "Let clients in without TLS, too"},
    {{"ocsp"}, "boolean or map", "", kHot, &ReadOcsp, "OCSP stapling"},
    {{"ocsp_cache"}, "boolean or map", "", kHot, &ReadOcspCache, "Cache of OCSP answers"},

    {{"http"}, "host:port or port", "off", kRestart, &ReadHttp,
     "Address of the monitoring port"},
    {{"http_port", "monitor_port"}, "integer", "0", kRestart, &ReadHttpPort,
     "Monitoring port; -1: any free one"},
    {{"https"}, "host:port or port", "off", kRestart, &ReadHttps,
     "Address of the monitoring port with TLS"},
    {{"https_port"}, "integer", "0", kRestart, &ReadHttpsPort, "Monitoring port with TLS"},
    {{"http_base_path"}, "string", "/", kRestart, &Option<&Options::http_base_path>,
     "What all paths of the monitor begin with"},

    {{"debug"}, "boolean", "false", kHot, &Switch<&Options::debug>, "Log debug lines"},
    {{"trace"}, "boolean", "false", kHot, &Switch<&Options::trace>, "Log every operation"},
    {{"trace_verbose"}, "boolean", "false", kHot, &ReadTraceKind<&Options::trace_verbose>,
     "Log every operation, those of the system account too"},
    {{"trace_headers"}, "boolean", "false", kHot, &ReadTraceKind<&Options::trace_headers>,
     "Log every operation, of messages only the headers"},
    {{"logtime"}, "boolean", "true", kHot, &Switch<&Options::log_timestamps>,
     "Begin log lines with the time"},
    {{"logtime_utc"}, "boolean", "false", kHot, &Switch<&Options::log_utc>, "... in UTC"},
    {{"log_file", "logfile"}, "string", "", kHot, &Option<&Options::log_file>,
     "File that the log goes to; without it: standard error"},
    {{"log_size_limit", "logfile_size_limit"}, "size", "0", kRestart,
     &Option<&Options::log_size_limit_bytes>, "Size at which the log file is renamed and begun anew"},
    {{"log_max_num", "logfile_max_num"}, "integer", "0", kRestart,
     &Option<&Options::log_files_max>, "Log files kept, the present one included; 0: all"},
    {{"syslog"}, "boolean", "false", kHot, &Switch<&Options::syslog>, "Log to syslog"},
    {{"remote_syslog"}, "string", "", kHot, &Option<&Options::remote_syslog>,
     "Log to a syslog elsewhere: udp://localhost:514"},
    {{"pid_file", "pidfile"}, "string", "", kHot, &Option<&Options::pid_file>,
     "File that gets the process id"},
    {{"ports_file_dir"}, "string", "", kRestart, &Option<&Options::ports_file_dir>,
     "Directory that gets a file with the ports"},
    {{"prof_port"}, "integer", "0", kRestart, &ReadProfPort, "Profiling port"},
    {{"prof_block_rate"}, "integer", "0", kHot, &ReadOnly<int64_t>,
     "Checked, and without effect here"},
    {{"connect_error_reports"}, "integer", "3600", kHot,
     &Option<&Options::connect_error_reports>,
     "Every how many failed attempts to connect to a route one is logged"},
    {{"reconnect_error_reports"}, "integer", "1", kHot,
     &Option<&Options::reconnect_error_reports>, "... to reconnect"},

    {{"cluster"}, "map", "", kHot, &ReadCluster, "Routes to other servers"},
    {{"leafnodes", "leaf"}, "map", "", kRestart, &ReadLeafNodes, "Leaf nodes"},
    {{"gateway"}, "map", "", kRestart, &ReadGateway, "Gateways to other clusters"},
    {{"websocket", "ws"}, "map", "", kRestart, &ReadWebsocket, "Clients over WebSocket"},
    {{"mqtt"}, "map", "", kRestart, &ReadMqtt, "Clients that speak MQTT"},
    {{"jetstream"}, "boolean, string or map", "off", kRestart, &ReadJetStream, "JetStream"},
    {{"store_dir", "storedir"}, "string", "", kRestart, &ReadStoreDir, "Directory of JetStream"},
    {{"default_js_domain"}, "map of strings", "", kRestart, &ReadDefaultJsDomain,
     "JetStream domains of accounts"},

    {{"log_format"}, "text or json", "text", kHot, &ReadLogFormat,
     "Form of the log's lines (Martlet only)"},
    {{"shards"}, "integer, 0 to 1024", "0", kRestart, &ReadShards,
     "Threads that serve clients; 0: one for each CPU (Martlet only)"},
    {{"io_backend"}, "auto, io_uring or epoll", "auto", kRestart, &ReadIoBackend,
     "Kernel interface (Martlet only)"},
    {{"profile"}, "balanced, latency or throughput", "balanced", kRestart, &ReadProfile,
     "What to tune for (Martlet only)"},
};
// clang-format on

// A condition for other keys, so it comes first.
void FindSystemAccount(const Map& values, Reading& reading) {
  for (const std::string_view name : {"system_account", "system"}) {
    const Value* value = values.Find(name);
    if (value == nullptr) continue;
    const Entry entry{name, *value, reading};
    if (const std::string* account = value->As<std::string>()) {
      reading.config.system_account = *account;
      entry.Needs("a system account");
    } else {
      entry.Error("system account name must be a string");
    }
    return;
  }
}

void CheckCallout(Reading& reading) {
  const std::optional<AuthCallout>& callout = reading.config.authorization.callout;
  if (!callout) return;
  for (const std::string& name : callout->allowed_accounts) {
    const auto& accounts = reading.config.accounts;
    const bool known = std::any_of(accounts.begin(), accounts.end(),
                                   [&](const Account& account) { return account.name == name; });
    if (known) continue;
    reading.problems.Error("auth_callout allowed account " + GoQuote(name) +
                           " not found in configured accounts");
  }
}

}  // namespace

std::span<const Key<Config>> ServerKeys() { return kServerKeys; }

absl::StatusOr<ReadResult> ReadConfig(const std::string& path, Environment& environment,
                                      const ParseLimits& limits) {
  absl::StatusOr<Map> values = ParseFile(path, environment, limits);
  if (!values.ok()) return values.status();
  ReadResult result;
  result.values = *std::move(values);
  result.config.digest = Digest(result.values);
  Reading reading{result.problems, environment, result.config};
  if (result.values.empty()) {
    result.problems.Warn(path + ": config has no values or is empty");
  }
  FindSystemAccount(result.values, reading);
  ReadBlock<Config>(kServerKeys, result.values, result.config, reading);
  CheckCallout(reading);
  FinishAccounts(reading);
  return result;
}

}  // namespace martlet::config
