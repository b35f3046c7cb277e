// The control shard's part in the cluster.
#include <algorithm>
#include <utility>

#include "auth/bcrypt.h"
#include "base/go_text.h"
#include "base/net_address.h"
#include "base/url.h"
#include "control/control_shard.h"
#include "session/accounts.h"

namespace martlet::control {
namespace {

proto::SubjectLists ListsOf(const SubjectRules& rules) {
  return {.given = rules.given, .allow = rules.allow, .deny = rules.deny};
}

// Host and port of "host", "host:port" or "[host]:port"; the port is `port` where none is given.
void SplitAdvertised(const std::string& text, uint16_t port, cluster::Settings& settings) {
  if (text.empty()) return;
  const std::optional<base::Url> url = base::ParseUrl("nats-route://" + text);
  if (!url) return;
  settings.advertise_host = url->hostname();
  settings.advertise_port = port;
  const int given = std::atoi(url->port().c_str());
  if (given > 0 && given <= UINT16_MAX) settings.advertise_port = static_cast<uint16_t>(given);
}

}  // namespace

cluster::Settings SettingsOf(const session::ServerFacts& facts, const std::string& name,
                             bool dynamic, uint16_t port) {
  const Options& options = facts.options;
  const ClusterOptions& from = options.cluster;
  cluster::Settings settings;
  settings.server_id = facts.info.server_id;
  settings.server_name = facts.info.server_name;
  settings.version = facts.info.version;
  settings.go = facts.info.go;
  settings.max_payload = options.max_payload_bytes;
  settings.headers = options.headers;
  settings.name = name;
  settings.name_dynamic = dynamic;
  settings.host = from.host;
  settings.port = port;
  SplitAdvertised(from.advertise, port, settings);
  settings.own_ips = base::InterfaceAddresses();
  for (const std::string& route : from.routes) {
    if (std::optional<base::Url> url = base::ParseUrl(route)) {
      settings.routes.push_back(*std::move(url));
    }
  }
  settings.client_urls = session::ClientUrls(options, facts.bound_port);
  settings.no_advertise = from.no_advertise;
  settings.connect_retries = from.connect_retries;
  settings.connect_backoff = from.connect_backoff;
  settings.connect_error_reports = options.connect_error_reports;
  settings.reconnect_error_reports = options.reconnect_error_reports;
  settings.user = from.user;
  settings.password = from.password;
  settings.password_is_hashed = auth::IsBcrypt(from.password);
  settings.auth_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(from.auth_timeout);
  settings.import = ListsOf(from.import);
  settings.exports = ListsOf(from.exports);
  settings.pool_size = from.pool_size;
  if (from.pool_size >= 1) settings.pinned_accounts = from.pinned_accounts;
  settings.compression.mode =
      cluster::ParseCompression(from.compression).value_or(cluster::CompressionMode::kAccept);
  settings.compression.rtt_thresholds = from.rtt_thresholds;
  settings.accounts.assign(std::begin(session::kAccountNames), std::end(session::kAccountNames));
  settings.awaits_mesh = AwaitsMesh(options);
  return settings;
}

bool AwaitsMesh(const Options& options) {
  const ClusterOptions& cluster = options.cluster;
  return cluster.port != 0 && !cluster.routes.empty() && cluster.accept_after_mesh.count() > 0;
}

void ControlShard::AwaitMesh() {
  const auto patience = options().cluster.accept_after_mesh;
  LOG_INFO(shared_.log, "Waiting for the configured routes before clients are let in, at most %s",
           base::GoDuration(patience).c_str());
  notifier_.Send("STATUS=Waiting for the cluster");
  if (monitor_ != nullptr) monitor_->SetAccepting(false);
  timers_.Arm(mesh_timer_,
              static_cast<uint64_t>(std::max<int64_t>(1, patience / std::chrono::milliseconds(1))));
}

void ControlShard::OnMeshTimer() {
  LOG_WARN(shared_.log,
           "Not all configured routes are up after %s, clients are let in all the same",
           base::GoDuration(options().cluster.accept_after_mesh).c_str());
  LetClientsIn();
}

void ControlShard::OpenCluster() {
  LOG_INFO(shared_.log, "Cluster name is %s", cluster_name_.c_str());
  if (cluster_start_.dynamic) {
    LOG_WARN(shared_.log, "Cluster name was dynamically generated, consider setting one");
  }
  LOG_INFO(shared_.log, "Listening for route connections on %s",
           base::JoinHostPort(options().cluster.host, cluster_start_.port).c_str());
  cluster_ = std::make_unique<ClusterPort>(
      shared_, *loop_, timers_, mailroom_, std::move(cluster_start_.fd),
      SettingsOf(*facts_, cluster_name_, cluster_start_.dynamic, cluster_start_.port),
      [this](const std::vector<std::string>& urls) { OnClientUrls(urls); },
      [this](const std::string& name) { OnRename(name); }, [this] { LetClientsIn(); });
  if (monitor_ != nullptr) monitor_->ShowCluster(*cluster_);
  cluster_->Open();
}

void ControlShard::OnClientUrls(const std::vector<std::string>& urls) {
  client_urls_ = urls;
  client_urls_new_ = facts_stale_ = true;
  UpdateFacts();
}

void ControlShard::OnRename(const std::string& name) {
  cluster_name_ = name;
  facts_stale_ = true;
  UpdateFacts();
}

// What the mesh has to do with it; the shards have the new settings already.
void ControlShard::ReloadCluster(const Reloader::Next& next) {
  const auto concerns_cluster = [](const config::Change& change) {
    return change.key.starts_with("cluster") || change.key == "client_advertise";
  };
  if (std::none_of(next.plan.changes.begin(), next.plan.changes.end(), concerns_cluster)) return;
  const std::string& configured = next.options.cluster.name;
  const bool keeps = configured.empty();
  cluster_->Reload(SettingsOf(*facts_, keeps ? cluster_->mesh().cluster_name() : configured,
                              keeps && cluster_->settings().name_dynamic, cluster_start_.port));
}

}  // namespace martlet::control
