#include "base/cpu_quota.h"

#include <algorithm>
#include <fstream>

namespace martlet::base {
namespace {

// Quota and period in microseconds; "max" and -1 say that there is no limit.
double Ratio(const std::string& quota, double period) {
  const double usec = std::atof(quota.c_str());
  return usec > 0 && period > 0 ? usec / period : 0;
}

double QuotaOfGroup(const std::string& folder, bool version_2) {
  std::string quota;
  double period = 0;
  if (version_2) {
    std::ifstream(folder + "/cpu.max") >> quota >> period;
  } else {
    std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  }
  return Ratio(quota, period);
}

bool Lists(const std::string& controllers, const std::string& name) {
  return ("," + controllers + ",").find("," + name + ",") != std::string::npos;
}

}  // namespace

double CpuQuota(const std::string& membership_file, const std::string& mount) {
  double smallest = 0;
  std::ifstream memberships(membership_file);
  std::string line;
  while (std::getline(memberships, line)) {  // number:controllers:path
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version_2 = controllers.empty();
    if (!version_2 && !Lists(controllers, "cpu")) continue;
    std::string root = mount;
    if (!version_2) root.append("/").append(controllers);
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      if (path == "/") path.clear();
      const double quota = QuotaOfGroup(root + path, version_2);
      if (quota > 0) smallest = smallest > 0 ? std::min(smallest, quota) : quota;
      if (path.rfind('/') == path.npos) break;
    }
  }
  return smallest;
}

}  // namespace martlet::base
