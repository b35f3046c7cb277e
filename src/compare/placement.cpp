#include "compare/placement.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sched.h>

#include "base/cpus.h"

namespace martlet::compare {
namespace {

/// The first of the CPUs that share `cpu`'s core; itself where that is not known.
int FirstSibling(int cpu) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                     "/topology/thread_siblings_list");
  int first = cpu;
  if (!(file >> first)) return cpu;
  return first;
}

bool SetAffinity(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<unsigned>(cpu), &set);
  return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

/// CPUs by core, cores in the order of their first CPU.
std::vector<std::vector<int>> ByCore(const CpuSet& set) {
  std::vector<std::vector<int>> cores;
  std::map<int, size_t> index;
  for (size_t i = 0; i < set.cpus.size(); ++i) {
    const auto [at, added] = index.try_emplace(set.core_of[i], cores.size());
    if (added) cores.emplace_back();
    cores[at->second].push_back(set.cpus[i]);
  }
  return cores;
}

Placement Unpinned(std::string why) {
  Placement placement;
  placement.warnings.push_back(std::move(why));
  return placement;
}

/// All CPUs are hyper-threads of one core: better than nothing, but each slows the other.
Placement OneCore(const CpuSet& set) {
  Placement placement;
  placement.server_cpus = {set.cpus.back()};
  placement.load_cpus.assign(set.cpus.begin(), set.cpus.end() - 1);
  placement.warnings.emplace_back(
      "server and load share a physical core: figures are lower than on two, ratios less certain");
  return placement;
}

}  // namespace

CpuSet ReadCpus() {
  CpuSet set;
  set.cpus = base::AllowedCpus();
  for (const int cpu : set.cpus) set.core_of.push_back(FirstSibling(cpu));
  return set;
}

Placement Place(const CpuSet& cpus, unsigned server_cores) {
  if (cpus.cpus.size() < 2) return Unpinned("one CPU for server and load: nothing is pinned");
  const std::vector<std::vector<int>> cores = ByCore(cpus);
  const size_t wanted = std::max(1U, server_cores);
  if (cores.size() == 1 && wanted == 1) return OneCore(cpus);
  if (cores.size() <= wanted) {
    return Unpinned("too few cores to give the server " + std::to_string(wanted) +
                    " of its own: nothing is pinned");
  }
  Placement placement;
  const size_t first_of_server = cores.size() - wanted;
  for (size_t i = 0; i < cores.size(); ++i) {
    if (i < first_of_server) {
      placement.load_cpus.insert(placement.load_cpus.end(), cores[i].begin(), cores[i].end());
    } else {
      placement.server_cpus.push_back(cores[i].front());
    }
  }
  std::sort(placement.load_cpus.begin(), placement.load_cpus.end());
  std::sort(placement.server_cpus.begin(), placement.server_cpus.end());
  return placement;
}

ScopedAffinity::ScopedAffinity(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  std::vector<int> before = base::AllowedCpus();
  if (SetAffinity(cpus)) before_ = std::move(before);
}

ScopedAffinity::~ScopedAffinity() {
  if (!before_.empty()) SetAffinity(before_);
}

}  // namespace martlet::compare
