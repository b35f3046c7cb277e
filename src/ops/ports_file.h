// The file that tells test suites and scripts on which ports the server listens.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include <absl/status/status.h>

namespace martlet::ops {

/// The URLs of each listener; one without URLs is left out of the file.
struct Ports {
  std::vector<std::string> nats;
  std::vector<std::string> monitoring;
  std::vector<std::string> cluster;
  std::vector<std::string> profile;
  std::vector<std::string> websocket;
};

/// The URLs under which a listener bound to `host` and `port` can be reached: one, or for a
/// wildcard host one for each of `interface_addresses` (base::InterfaceAddresses()).
std::vector<std::string> ListenerUrls(std::string_view scheme, std::string_view host, int port,
                                      const std::vector<std::string>& interface_addresses);

/// `<directory>/<base name of argv0>_<pid>.ports`.
std::string PortsFilePath(std::string_view directory, std::string_view argv0, pid_t pid);

/// The content: one line of JSON without newline.
std::string PortsText(const Ports& ports);

/// Writes the file (mode 0666 less the umask), for when all listeners are up. Error texts as in
/// pid_file.h, to be put behind `Error writing ports file (<path>): `.
absl::Status WritePortsFile(const std::string& path, const Ports& ports);

/// For a clean exit. A file that is not there is no error; any other refusal is.
absl::Status RemovePortsFile(const std::string& path);

}  // namespace martlet::ops
