// What this process takes of the machine, as a monitor shows it.
#pragma once

#include <cstdint>

namespace martlet::base {

/// Memory of this process that is in RAM, in bytes; 0 where /proc does not tell.
uint64_t ResidentBytes();

/// How much CPU the process has used of late, in percent of one CPU.
///
/// Thread: any one at a time. Source: the reference server's ProcUsage, which measures each second;
/// here it is measured when somebody asks, so that nobody is woken for it.
class CpuShare {
 public:
  CpuShare();

  /// Since the last time it was measured, which is at least a second ago; what was measured then
  /// where it is less. With one digit behind the point.
  double Percent();

 private:
  void Measure(uint64_t now_ns, uint64_t cpu_ns);

  uint64_t measured_ns_;
  uint64_t measured_cpu_ns_;
  double percent_ = 0;
  bool measured_ = false;
};

}  // namespace martlet::base
