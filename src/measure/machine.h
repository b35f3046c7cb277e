// The machine that a figure was measured on.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace martlet::measure {

/// What has to be known of a machine to judge a figure. Texts are empty where it does not say.
struct Machine {
  std::string kernel;  // "Linux 6.1.0-18-amd64"
  std::string cpu;     // "AMD EPYC 7B13"
  unsigned cpus = 0;   // that this process may use
  unsigned cpus_online = 0;
  std::string governor;        // of CPU 0
  std::string virtualization;  // "kvm", "docker", ... or empty on bare metal as far as one can see
  uint64_t memory_bytes = 0;
  std::vector<std::string>
      mitigations;           // "spectre_v2: Mitigation: Retpolines", only those in force
  std::string distribution;  // PRETTY_NAME of os-release

  /// Name and value of each of these that is known, for a table.
  std::vector<std::pair<std::string, std::string>> Rows() const;
};

/// Reads files below `root`, the system's own or, in tests, a folder; kernel and CPU counts come
/// from system calls.
Machine ReadMachine(const std::string& root = "");

}  // namespace martlet::measure
