// How long a thread has waited for a CPU.
#pragma once

#include <cstdint>
#include <optional>

#include "base/unique_fd.h"

namespace martlet::base {

/// Time that a thread was ready to run while others ran. Of the thread that makes it.
///
/// Source: /proc/thread-self/schedstat, which a kernel without CONFIG_SCHED_INFO has not.
class CpuWait {
 public:
  CpuWait();

  /// In all, in nanoseconds; nothing where the kernel does not tell. A system call.
  std::optional<uint64_t> Nanoseconds() const;

 private:
  UniqueFd fd_;
};

}  // namespace martlet::base
