// The only place that asks the system what time it is.
#pragma once

#include <cstdint>
#include <ctime>

namespace martlet::base {

/// Nanoseconds of the monotonic clock.
inline uint64_t MonotonicNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// Nanoseconds since 1970 by the clock on the wall, which may jump.
inline int64_t UnixNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Nanoseconds of CPU that all threads of the process have used. A system call.
inline uint64_t ProcessCpuNanoseconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(used.tv_nsec);
}

/// The time of day, for log lines.
inline timespec WallTime() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

/// Nanoseconds of CPU that the calling thread has used. A system call, unlike the others.
inline uint64_t ThreadCpuNanoseconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(used.tv_nsec);
}

/// Milliseconds of the monotonic clock: the ticks of the timer wheels.
inline uint64_t MonotonicMilliseconds() { return MonotonicNanoseconds() / 1'000'000; }

}  // namespace martlet::base
