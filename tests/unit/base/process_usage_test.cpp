#include "base/process_usage.h"

#include <cstring>
#include <sys/mman.h>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace martlet::base {
namespace {

TEST(ProcessUsage, MemoryThatIsTouchedIsResident) {
  constexpr size_t kBytes = size_t{64} << 20;
  // Pages of its own: the heap may have some left from before.
  void* const memory =
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const uint64_t before = ResidentBytes();
  ASSERT_GT(before, 0u);
  std::memset(memory, 1, kBytes);
  EXPECT_GE(ResidentBytes(), before + kBytes * 9 / 10);
  ::munmap(memory, kBytes);
}

TEST(ProcessUsage, TheCpuIsMeasuredOnceASecondAtMost) {
  CpuShare share;
  const uint64_t begin = MonotonicNanoseconds();
  const uint64_t cpu = ProcessCpuNanoseconds();
  while (ProcessCpuNanoseconds() - cpu < 20'000'000) {
  }
  const double first = share.Percent();
  EXPECT_GT(first, 0.0);
  const double wall_ms = static_cast<double>(MonotonicNanoseconds() - begin) / 1e6;
  EXPECT_GE(first * 1.1, 100 * 20 / (wall_ms + 1));
  EXPECT_EQ(share.Percent(), first);
}

}  // namespace
}  // namespace martlet::base
