// The addresses of other servers that clients are told.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace martlet::cluster {

/// Each address goes when the last server that announced it goes.
/// Source: spec cluster-behaviour.md section 8; reference refCountedUrlSet.
class ClientUrls {
 public:
  /// Both say whether the set is another one now.
  bool Add(const std::vector<std::string>& urls);
  bool Remove(const std::vector<std::string>& urls);
  /// `own` first.
  std::vector<std::string> With(std::vector<std::string> own) const;

 private:
  std::map<std::string, int> counts_;
};

}  // namespace martlet::cluster
