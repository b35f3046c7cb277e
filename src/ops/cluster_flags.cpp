#include "ops/cluster_flags.h"

#include <algorithm>
#include <optional>

#include "base/go_parse.h"
#include "base/go_text.h"
#include "base/url.h"

namespace martlet::ops {

std::string ApplyClusterUrl(const std::string& text, ClusterOptions& cluster) {
  const std::optional<base::Url> url = base::ParseUrl(text);
  const std::string about = "parse " + base::GoQuote(text) + ": ";
  if (!url) {
    // Go takes no negative port, and here -1 is one that means something.
    const size_t random = text.rfind(":-1");
    if (random == text.npos || random + 3 != text.size()) return about + "invalid URL";
    std::string wrong = ApplyClusterUrl(text.substr(0, random) + ":0", cluster);
    if (wrong.empty()) cluster.port = -1;
    return wrong;
  }
  const std::optional<base::HostPort> parts = base::SplitHostPort(url->host);
  if (!parts) return "address " + url->host + ": missing port in address";
  const std::optional<int64_t> port = base::ParseGoInt(parts->port);
  if (!port || *port > 65535) {
    return "strconv.Atoi: parsing " + base::GoQuote(parts->port) + ": invalid syntax";
  }
  if (url->has_user && !url->has_password) return "expected cluster password to be set";
  cluster.host = parts->host;
  cluster.port = static_cast<int>(*port);
  cluster.user = url->user;
  cluster.password = url->password;
  return {};
}

std::string ApplyRoutes(std::string_view text, ClusterOptions& cluster) {
  cluster.routes.clear();
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    std::string_view route = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (route.starts_with(' ')) route.remove_prefix(1);
    while (route.ends_with(' ')) route.remove_suffix(1);
    const std::optional<base::Url> url = base::ParseUrl(route);
    if (!url || url->host.empty()) return "error parsing route url " + base::GoQuote(route);
    cluster.routes.push_back(url->String());
  }
  return {};
}

}  // namespace martlet::ops
