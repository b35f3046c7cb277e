#include "cluster/client_urls.h"

namespace martlet::cluster {

bool ClientUrls::Add(const std::vector<std::string>& urls) {
  bool changed = false;
  for (const std::string& url : urls) changed |= ++counts_[url] == 1;
  return changed;
}

bool ClientUrls::Remove(const std::vector<std::string>& urls) {
  bool changed = false;
  for (const std::string& url : urls) {
    const auto found = counts_.find(url);
    if (found == counts_.end() || --found->second > 0) continue;
    counts_.erase(found);
    changed = true;
  }
  return changed;
}

std::vector<std::string> ClientUrls::With(std::vector<std::string> own) const {
  for (const auto& [url, count] : counts_) own.push_back(url);
  return own;
}

}  // namespace martlet::cluster
