#include "cluster/own_info.h"

#include <tuple>

namespace martlet::cluster {

std::string JoinHostPort(std::string_view host, int64_t port) {
  const bool ipv6 = host.find(':') != host.npos;
  std::string text;
  if (ipv6) text += '[';
  text += host;
  if (ipv6) text += ']';
  return text + ":" + std::to_string(port);
}

bool SameUrl(const base::Url& a, const base::Url& b) {
  const auto parts = [](const base::Url& url) {
    return std::tie(url.scheme, url.has_user, url.has_password, url.user, url.password, url.host,
                    url.path, url.opaque, url.query, url.fragment);
  };
  return parts(a) == parts(b);
}

bool WantsCompression(const Settings& settings) {
  return settings.compression.mode != CompressionMode::kOff &&
         settings.compression.mode != CompressionMode::kNotSupported;
}

std::string OwnInfo(const Settings& settings, const InfoExtras& extras) {
  proto::RouteInfo info;
  info.server_id = settings.server_id;
  info.server_name = settings.server_name;
  info.version = settings.version;
  info.proto = 2;  // no message tracing, which 3 would mean
  info.go = settings.go;
  info.headers = settings.headers;
  info.auth_required = !settings.user.empty();
  info.max_payload = settings.max_payload;
  info.cluster = settings.name;
  info.cluster_dynamic = settings.name_dynamic;
  if (settings.advertise_host.empty()) {
    info.host = settings.host;
    info.port = settings.port;
  } else {
    info.host = settings.advertise_host;
    info.port = settings.advertise_port != 0 ? settings.advertise_port : settings.port;
    info.ip = "nats-route://" + JoinHostPort(info.host, info.port) + "/";
  }
  if (!settings.no_advertise) info.connect_urls = settings.client_urls;
  info.import = settings.import;
  info.exports = settings.exports;
  if (settings.pool_size >= 1) info.route_pool_size = settings.pool_size;
  info.route_account = extras.account;
  info.route_pool_idx = extras.slot;
  info.compression = extras.compression;
  info.gossip_mode = extras.gossip_mode;
  info.ldm = extras.lame_duck;
  info.martlet_checks = proto::kMartletChecks;
  std::string line;
  proto::WriteRouteInfo(info, line);
  return line;
}

std::string OwnConnect(const Settings& settings, const base::Url& url) {
  proto::RouteConnect connect;
  connect.user = url.user;
  connect.pass = url.password;
  connect.headers = settings.headers;
  connect.name = settings.server_id;
  connect.cluster = settings.name;
  connect.cluster_dynamic = settings.name_dynamic;
  std::string line;
  proto::WriteRouteConnect(connect, line);
  return line;
}

}  // namespace martlet::cluster
