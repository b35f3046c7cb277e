// Which CPUs the server and the load get, so that they do not take each other's time.
#pragma once

#include <string>
#include <vector>

namespace martlet::compare {

/// CPUs that this process may use; `core_of` says, for each, which physical core it belongs to.
struct CpuSet {
  std::vector<int> cpus;     // rising
  std::vector<int> core_of;  // same length; equal numbers share a core (hyper-threads)
};

/// What base::AllowedCpus() of this process are, with their cores from /sys; every CPU is its own
/// core where /sys does not say. Never empty.
CpuSet ReadCpus();

/// Where things run. Both lists empty: nothing is pinned.
struct Placement {
  std::vector<int> server_cpus;
  std::vector<int> load_cpus;
  std::vector<std::string> warnings;  // "server and load share a physical core"

  bool pinned() const { return !server_cpus.empty(); }
};

/// The server on the last `server_cores` cores, the load on the others. The last, because
/// interrupts and other programs prefer the first. Hyper-threads of the server's cores stay empty
/// where the load has other CPUs, and one CPU per core serves the server. With a single CPU, or
/// fewer cores than asked for and one, nothing is pinned and a warning says so.
Placement Place(const CpuSet& cpus, unsigned server_cores = 1);

/// Restricts the calling thread, and threads that it starts meanwhile, to some CPUs, until it dies.
///
/// Thread: made and destroyed on the same. Empty list, or the kernel refuses: does nothing.
class ScopedAffinity {
 public:
  explicit ScopedAffinity(const std::vector<int>& cpus);
  ~ScopedAffinity();
  ScopedAffinity(const ScopedAffinity&) = delete;
  ScopedAffinity& operator=(const ScopedAffinity&) = delete;

 private:
  std::vector<int> before_;  // empty: nothing to put back
};

}  // namespace martlet::compare
