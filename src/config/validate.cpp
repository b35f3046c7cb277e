#include "config/validate.h"

#include <algorithm>

#include "base/go_text.h"

namespace martlet::config {
namespace {

using base::GoQuote;

std::string CheckNoAuthUser(const Config& config) {
  const std::string& user = config.no_auth_user;
  if (user.empty()) return {};
  const std::string about = "no_auth_user: " + GoQuote(user);
  if (config.users.empty()) return about + " present, but users/nkeys are not defined";
  const bool known = std::any_of(config.users.begin(), config.users.end(), [&](const User& other) {
    return other.name == user || other.nkey == user;
  });
  if (known) return {};
  return about + " not present as user or nkey in authorization block or account configuration";
}

std::string CheckWebsocket(const Config& config) {
  const Websocket& websocket = config.websocket;
  if (websocket.listen.port == 0) return {};
  if (!websocket.tls && !websocket.no_tls) return "websocket requires TLS configuration";
  return {};
}

// Source: reference validateCluster.
std::string CheckCluster(const ClusterOptions& cluster) {
  if (cluster.name.find(' ') != std::string::npos) return "cluster name cannot contain spaces";
  if (cluster.pool_size < 0 && !cluster.pinned_accounts.empty()) {
    return "pool_size cannot be negative if pinned accounts are specified";
  }
  std::vector<std::string> seen;
  for (const std::string& account : cluster.pinned_accounts) {
    if (std::find(seen.begin(), seen.end(), account) != seen.end()) {
      return "found duplicate account name " + GoQuote(account) + " in pinned accounts list";
    }
    seen.push_back(account);
  }
  return {};
}

}  // namespace

std::string Validate(const Config& config) {
  const Options& options = config.options;
  if (options.lame_duck_grace_period >= options.lame_duck_duration) {
    return "lame duck grace period (" + base::GoDuration(options.lame_duck_grace_period) +
           ") should be strictly lower than lame duck duration (" +
           base::GoDuration(options.lame_duck_duration) + ")";
  }
  if (options.max_payload_bytes > options.max_pending_bytes) {
    return "max_payload (" + std::to_string(options.max_payload_bytes) +
           ") cannot be higher than max_pending (" + std::to_string(options.max_pending_bytes) +
           ")";
  }
  if (options.server_name.find(' ') != std::string::npos) {
    return "server name cannot contain spaces";
  }
  if (std::string wrong = CheckCluster(options.cluster); !wrong.empty()) return wrong;
  if (std::string wrong = CheckNoAuthUser(config); !wrong.empty()) return wrong;
  return CheckWebsocket(config);
}

}  // namespace martlet::config
