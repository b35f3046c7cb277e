#include "session/server_facts.h"

#include <algorithm>
#include <cstdlib>

#include "base/net_address.h"

namespace martlet::session {
namespace {

proto::ServerInfo WithAccount(proto::ServerInfo info) {
  info.connect_info = true;
  info.remote_account = "$G";
  return info;
}

proto::ServerInfo WithLameDuck(proto::ServerInfo info, const std::vector<std::string>& own_urls) {
  info.ldm = true;
  std::erase_if(info.connect_urls, [&](const std::string& url) {
    return std::find(own_urls.begin(), own_urls.end(), url) != own_urls.end();
  });
  return info;
}

}  // namespace

ServerFacts::ServerFacts(const Options& options_in, const proto::ServerInfo& info_in,
                         int bound_port_in, const std::vector<std::string>& own_urls)
    : options(options_in),
      bound_port(bound_port_in),
      info(info_in),
      first_info(info_in),
      connect_info(WithAccount(info_in)),
      lame_duck_info(WithLameDuck(info_in, own_urls)) {}

std::vector<std::string> ClientUrls(const Options& options, int bound_port) {
  proto::ServerInfo info;
  SetAddress(options, bound_port, info);
  std::vector<std::string> urls;
  if (base::IsWildcardHost(info.host)) {
    for (const std::string& ip : base::GlobalUnicastAddresses()) {
      urls.push_back(base::JoinHostPort(ip, info.port));
    }
  }
  if (urls.empty()) urls.push_back(base::JoinHostPort(info.host, info.port));
  return urls;
}

void SetAddress(const Options& options, int bound_port, proto::ServerInfo& info) {
  info.host = options.host;
  info.port = bound_port;
  const std::string& advertise = options.client_advertise;
  if (advertise.empty()) return;
  const size_t colon = advertise.rfind(':');
  const bool has_port = colon != advertise.npos && advertise.find(']', colon) == advertise.npos;
  std::string host = advertise.substr(0, has_port ? colon : advertise.npos);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  info.host = host;
  if (has_port) info.port = std::atoi(advertise.c_str() + colon + 1);
}

}  // namespace martlet::session
