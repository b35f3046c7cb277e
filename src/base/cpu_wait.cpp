#include "base/cpu_wait.h"

#include <charconv>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace martlet::base {

CpuWait::CpuWait() : fd_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}

std::optional<uint64_t> CpuWait::Nanoseconds() const {
  char line[96];
  const ssize_t bytes = fd_ ? ::pread(fd_.get(), line, sizeof line, 0) : -1;
  if (bytes <= 0) return std::nullopt;
  // Time on a CPU, time waiting for one, time slices.
  const std::string_view text(line, static_cast<size_t>(bytes));
  const size_t at = text.find(' ');
  uint64_t waited_ns = 0;
  if (at == text.npos ||
      std::from_chars(line + at + 1, line + bytes, waited_ns).ec != std::errc()) {
    return std::nullopt;
  }
  return waited_ns;
}

}  // namespace martlet::base
