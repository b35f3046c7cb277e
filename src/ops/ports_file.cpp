#include "ops/ports_file.h"

#include <cerrno>
#include <unistd.h>

#include "base/go_text.h"
#include "base/net_address.h"
#include "json/writer.h"
#include "ops/whole_file.h"

namespace martlet::ops {
namespace {

void WriteUrls(std::string_view name, const std::vector<std::string>& urls, json::Writer& json) {
  if (urls.empty()) return;
  json.Key(name);
  json.BeginArray();
  for (const std::string& url : urls) json.Value(url);
  json.EndArray();
}

}  // namespace

std::vector<std::string> ListenerUrls(std::string_view scheme, std::string_view host, int port,
                                      const std::vector<std::string>& interface_addresses) {
  const auto url = [&](std::string_view address) {
    return std::string(scheme) + "://" + base::JoinHostPort(address, port);
  };
  if (!base::IsWildcardHost(host)) return {url(host)};
  std::vector<std::string> urls;
  urls.reserve(interface_addresses.size());
  for (const std::string& address : interface_addresses) urls.push_back(url(address));
  return urls;
}

std::string PortsFilePath(std::string_view directory, std::string_view argv0, pid_t pid) {
  std::string path(directory);
  if (!path.ends_with('/')) path += '/';
  path += argv0.substr(argv0.rfind('/') + 1);  // npos + 1 is 0: all of it
  return path + "_" + std::to_string(pid) + ".ports";
}

std::string PortsText(const Ports& ports) {
  std::string out;
  json::Writer json(out);
  json.BeginObject();
  WriteUrls("nats", ports.nats, json);
  WriteUrls("monitoring", ports.monitoring, json);
  WriteUrls("cluster", ports.cluster, json);
  WriteUrls("profile", ports.profile, json);
  WriteUrls("websocket", ports.websocket, json);
  json.EndObject();
  return out;
}

absl::Status WritePortsFile(const std::string& path, const Ports& ports) {
  return WriteWholeFile(path, PortsText(ports), 0666);
}

absl::Status RemovePortsFile(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::UnavailableError("remove " + path + ": " + base::GoErrno(errno));
}

}  // namespace martlet::ops
