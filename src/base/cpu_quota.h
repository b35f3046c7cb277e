// How much CPU time the control group of this process grants.
#pragma once

#include <string>

namespace martlet::base {

/// CPUs' worth of time, as containers limit it; 0: no limit, or none that can be read.
///
/// The smallest one on the way from the process's group to the root. In a container the path in
/// /proc may be the host's, so the root of the mount is asked in any case.
/// Source: cgroups(7); cpu.max of version 2, cpu.cfs_quota_us and cpu.cfs_period_us of version 1.
double CpuQuota(const std::string& membership_file = "/proc/self/cgroup",
                const std::string& mount = "/sys/fs/cgroup");

}  // namespace martlet::base
