// What a process has used so far, from /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace martlet::measure {

/// Totals of one process since its start, over all its threads.
struct ProcessUse {
  /// The sum is exact to microseconds while no thread ends and the kernel keeps schedstat, else to
  /// a clock tick (10 ms); the split is the kernel's and good to a clock tick.
  double user_seconds = 0;
  double system_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t peak_resident_bytes = 0;  // since the process began
  uint64_t voluntary_switches = 0;   // context switches, sums over the threads alive now
  uint64_t involuntary_switches = 0;
  unsigned threads = 0;
  unsigned kernel_workers = 0;  // of those: io_uring's, which the kernel makes (iou-wrk-PID)

  double cpu_seconds() const { return user_seconds + system_seconds; }
};

/// Nothing when there is no such process (any more, a zombie is none), or it may not be looked at.
/// `proc` is where /proc is mounted; here and below another folder in tests.
std::optional<ProcessUse> ReadProcess(int pid, const std::string& proc = "/proc");

/// The process that listens on TCP `port` of this machine, as far as /proc shows it to us: the
/// lowest process id of those that hold the socket. Nothing when nobody does or it is not ours to
/// see. In containers: only processes of the own pid and network namespace are found.
std::optional<int> FindListener(uint16_t port, const std::string& proc = "/proc");

/// CPU seconds of the whole machine that were not idle, over all CPUs, from /proc/stat. What a
/// hypervisor took away counts as busy, waiting for disks as idle. 0 when it cannot be read.
double MachineBusySeconds(const std::string& proc = "/proc");

}  // namespace martlet::measure
