// The keys of the blocks cluster and gateway.
#include "config/config.h"
#include "config/keys.h"
#include "config/reading.h"

namespace martlet::config {
namespace {

constexpr nanoseconds kRoutePingIntervalMax = std::chrono::seconds(30);
constexpr std::string_view kReservedName = "_";  // what a leaf node without a cluster sends

void ReadNameOf(const Entry& entry, std::string_view kind, std::string& out) {
  const std::string* name = entry.String();
  if (name == nullptr) return;
  if (name->find(' ') != name->npos) {
    entry.Error(std::string(kind) + " name cannot contain spaces");
  } else if (*name == kReservedName) {
    entry.Error("cluster name is reserved");
  } else {
    out = *name;
  }
}

// Only a single user: what is said of others depends on the block.
bool ReadSingleUser(const Entry& entry, const std::string& block, Authorization& auth) {
  if (!ReadAuthorization(entry, auth)) return false;
  // Users with nkeys count, too, where there is a list at all.
  if (auth.users) {
    entry.Error(block + " authorization does not allow multiple users");
  } else if (!auth.token.empty()) {
    entry.Error(block + " authorization does not support tokens");
  } else if (auth.callout) {
    entry.Error(block + " authorization does not support callouts");
  } else {
    return true;
  }
  return false;
}

void ReadClusterAuthorization(const Entry& entry, Cluster& cluster) {
  Authorization auth;
  if (!ReadSingleUser(entry, "Cluster", auth)) return;
  cluster.user = auth.user;
  cluster.password = auth.password;
  cluster.auth_timeout_seconds = auth.timeout_seconds;
  if (!auth.default_permissions) return;
  if (const std::string wrong = CheckClusterPermissions(*auth.default_permissions);
      !wrong.empty()) {
    return entry.Error(wrong);
  }
  entry.WarnOfUse("setting \"permissions\" within cluster authorization block is deprecated");
  if (!cluster.permissions) cluster.permissions = auth.default_permissions;
}

void ReadClusterPermissions(const Entry& entry, Cluster& cluster) {
  Permissions permissions;
  if (!ReadPermissions(entry, permissions)) return;
  if (permissions.response) {
    return entry.Error("Cluster permissions do not support dynamic responses");
  }
  if (const std::string wrong = CheckClusterPermissions(permissions); !wrong.empty()) {
    return entry.Error(wrong);
  }
  cluster.permissions = std::move(permissions);
}

void ReadClusterTls(const Entry& entry, Cluster& cluster) {
  Tls tls;
  if (ReadTls(entry, false, tls)) cluster.tls = std::move(tls);
}

void ReadRoutePingInterval(const Entry& entry, Cluster& cluster) {
  const std::optional<nanoseconds> interval = entry.Duration("ping_interval");
  if (!interval) return;
  cluster.ping_interval = *interval;
  if (*interval > kRoutePingIntervalMax) {
    entry.reading.problems.Warn(entry.value.where,
                                "Cluster 'ping_interval' will reset to 30s which is the max for "
                                "routes");
  }
}

// clang-format off
constexpr Key<Cluster> kClusterKeys[] = {
    {{"name"}, "string", "random", kHot,
     [](const Entry& entry, Cluster& cluster) { ReadNameOf(entry, "cluster", cluster.name); },
     "Name of the cluster, without spaces"},
    {{"listen"}, "host:port or port", "", kRestart, &ReadListen<&Cluster::listen>,
     "Address for routes; sets host and port"},
    {{"host", "net"}, "string", "0.0.0.0", kRestart, &ReadHost<&Cluster::listen>,
     "Address for routes"},
    {{"port"}, "integer", "0", kRestart, &ReadPort<&Cluster::listen>,
     "Port for routes; -1: any free one"},
    {{"authorization"}, "map", "", kHot, &ReadClusterAuthorization,
     "user, password and timeout of routes"},
    {{"permissions"}, "map", "", kHot, &ReadClusterPermissions,
     "import and export: subjects that may pass the routes"},
    {{"routes"}, "array of URLs", "", kHot,
     [](const Entry& entry, Cluster& cluster) {
       if (auto routes = ReadUrls(entry, "route")) cluster.routes = *std::move(routes);
     },
     "Servers to connect to"},
    {{"tls"}, "map", "", kHot, &ReadClusterTls, "TLS of routes"},
    {{"advertise", "cluster_advertise"}, "host:port", "", kHot, &Read<&Cluster::advertise>,
     "Address that other servers are told"},
    {{"no_advertise"}, "boolean", "false", kHot, &Read<&Cluster::no_advertise>,
     "Do not tell clients about other servers"},
    {{"connect_retries"}, "integer", "0", kHot, &Read<&Cluster::connect_retries>,
     "Attempts to connect to a server that was only heard of"},
    {{"connect_backoff"}, "boolean", "false", kHot, &Read<&Cluster::connect_backoff>,
     "Wait longer after each attempt"},
    {{"pool_size"}, "integer", "3", kHot, &Read<&Cluster::pool_size>,
     "Connections to each server; -1: one"},
    {{"accounts"}, "string or array", "", kHot,
     [](const Entry& entry, Cluster& cluster) {
       cluster.pinned_accounts = entry.Strings("accounts");
     },
     "Accounts with a connection of their own"},
    {{"compression"}, "boolean, string or map", "accept", kHot,
     [](const Entry& entry, Cluster& cluster) {
       ReadCompression(entry, "s2_fast", cluster.compression);
     },
     "Compression of routes"},
    {{"ping_interval"}, "duration, at most 30s", "2m", kHot, &ReadRoutePingInterval,
     "Time between PINGs to a quiet route"},
    {{"ping_max"}, "integer", "2", kHot, &Read<&Cluster::ping_max>, "PINGs without an answer"},
    {{"write_deadline"}, "duration", "10s", kHot, &ReadDuration<&Cluster::write_deadline>,
     "Time a send may take"},
    {{"write_timeout"}, "default, close or retry", "retry", kHot,
     &ReadWriteTimeoutOf<&Cluster::write_timeout>, "What happens then"},
    {{"accept_after_mesh"}, "duration", "", kRestart, &ReadDuration<&Cluster::accept_after_mesh>,
     "Lets clients in when all configured routes are up, or after so long (of Martlet only)"},
};
// clang-format on

SubjectRules RulesOf(const std::optional<SubjectPermission>& permission) {
  SubjectRules rules;
  if (!permission) return rules;
  rules.given = true;
  rules.allow = permission->allow.value_or(std::vector<std::string>());
  rules.deny = permission->deny.value_or(std::vector<std::string>());
  return rules;
}

// What the server is started with: defaults in the place of what the file does not say.
ClusterOptions OptionsOf(const Cluster& cluster) {
  ClusterOptions options;
  options.name = cluster.name;
  if (!cluster.listen.host.empty()) options.host = cluster.listen.host;
  options.port = static_cast<int>(cluster.listen.port);
  for (const base::Url& route : cluster.routes) options.routes.push_back(route.String());
  options.advertise = cluster.advertise;
  options.no_advertise = cluster.no_advertise;
  options.connect_retries = cluster.connect_retries;
  options.connect_backoff = cluster.connect_backoff;
  options.user = cluster.user;
  options.password = cluster.password;
  if (cluster.auth_timeout_seconds > 0) {
    options.auth_timeout = std::chrono::duration_cast<nanoseconds>(
        std::chrono::duration<double>(cluster.auth_timeout_seconds));
  }
  if (cluster.permissions) {
    options.import = RulesOf(cluster.permissions->publish);
    options.exports = RulesOf(cluster.permissions->subscribe);
  }
  if (cluster.pool_size != 0) options.pool_size = cluster.pool_size;
  options.pinned_accounts = cluster.pinned_accounts;
  if (!cluster.compression.mode.empty()) options.compression = cluster.compression.mode;
  options.rtt_thresholds = cluster.compression.rtt_thresholds;
  options.ping_interval = cluster.ping_interval;
  options.ping_max = static_cast<int>(cluster.ping_max);
  options.write_deadline = cluster.write_deadline;
  options.close_at_write_deadline = cluster.write_timeout == "close";
  options.accept_after_mesh = cluster.accept_after_mesh;
  return options;
}

struct Gateway {
  std::string name;
  Listen listen;
  std::string text;
  bool truth = false;
  int64_t number = 0;
  nanoseconds duration{0};
};

void CheckRemoteGateway(const Value& value, Reading& reading) {
  const Map* map = value.map();
  if (map == nullptr) {
    return reading.problems.Error(value.where,
                                  "Expected gateway entry to be a map/struct, got " + value.text());
  }
  static constexpr Key<Gateway> kKeys[] = {
      {{"name"}, "string", "", kHot, &Read<&Gateway::name>, "Name of the other cluster"},
      {{"tls"},
       "map",
       "",
       kHot,
       [](const Entry& entry, Gateway&) {
         Tls tls;
         ReadTls(entry, false, tls);
       },
       "TLS towards it"},
      {{"url"},
       "URL",
       "",
       kHot,
       [](const Entry& entry, Gateway&) {
         if (const std::string* text = entry.String()) (void)ReadUrl(entry, *text, "gateway");
       },
       "A server of it"},
      {{"urls"},
       "array of URLs",
       "",
       kHot,
       [](const Entry& entry, Gateway&) { (void)ReadUrls(entry, "gateway"); },
       "Servers of it"},
  };
  Gateway unused;
  ReadBlock<Gateway>(kKeys, *map, unused, reading);
}

void CheckGateways(const Entry& entry, Gateway&) {
  const Array* list = entry.value.array();
  if (list == nullptr) {
    return entry.Error("Expected gateways field to be an array, got " +
                       std::string(entry.value.type_name()));
  }
  for (const Value& element : *list) CheckRemoteGateway(element, entry.reading);
}

constexpr Key<Gateway> kGatewayKeys[] = {
    {{"name"},
     "string",
     "",
     kRestart,
     [](const Entry& entry, Gateway& gateway) { ReadNameOf(entry, "gateway", gateway.name); },
     "Name of this cluster"},
    {{"listen"}, "host:port or port", "", kRestart, &ReadListen<&Gateway::listen>, "Address"},
    {{"host", "net"}, "string", "", kRestart, &ReadHost<&Gateway::listen>, "Address"},
    {{"port"}, "integer", "", kRestart, &ReadPort<&Gateway::listen>, "Port"},
    {{"authorization"},
     "map",
     "",
     kRestart,
     [](const Entry& entry, Gateway&) {
       Authorization auth;
       ReadSingleUser(entry, "Gateway", auth);
     },
     "user, password and timeout"},
    {{"tls"},
     "map",
     "",
     kRestart,
     [](const Entry& entry, Gateway&) {
       Tls tls;
       ReadTls(entry, false, tls);
     },
     "TLS"},
    {{"advertise"}, "host:port", "", kRestart, &Read<&Gateway::text>, "Address told to others"},
    {{"connect_retries"}, "integer", "0", kRestart, &Read<&Gateway::number>, "Attempts"},
    {{"connect_backoff"},
     "boolean",
     "false",
     kRestart,
     &Read<&Gateway::truth>,
     "Wait longer after each attempt"},
    {{"gateways"}, "array of maps", "", kRestart, &CheckGateways, "Other clusters"},
    {{"reject_unknown_cluster", "reject_unknown"},
     "boolean",
     "false",
     kRestart,
     &Read<&Gateway::truth>,
     "Only those named"},
    {{"write_deadline"},
     "duration",
     "10s",
     kRestart,
     &ReadDuration<&Gateway::duration>,
     "Time a send may take"},
    {{"write_timeout"},
     "default, close or retry",
     "retry",
     kRestart,
     &ReadWriteTimeoutOf<&Gateway::text>,
     "What happens then"},
};

}  // namespace

std::span<const Key<Cluster>> ClusterKeys() { return kClusterKeys; }

void ReadCluster(const Entry& entry, Config& config) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected map to define cluster, got " +
                       std::string(entry.value.type_name()));
  }
  config.cluster.given = true;
  ReadBlock<Cluster>(kClusterKeys, *map, config.cluster, entry.reading);
  if (config.cluster.tls) entry.Needs("TLS between servers");
  config.options.cluster = OptionsOf(config.cluster);
}

void ReadGateway(const Entry& entry, Config&) {
  entry.Needs("gateways");
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected gateway to be a map, got " + std::string(entry.value.type_name()));
  }
  Gateway gateway;
  ReadBlock<Gateway>(kGatewayKeys, *map, gateway, entry.reading);
}

}  // namespace martlet::config
