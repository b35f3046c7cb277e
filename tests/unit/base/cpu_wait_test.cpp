#include "base/cpu_wait.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/cpus.h"

namespace martlet::base {
namespace {

void Work(uint64_t ms) {
  const uint64_t until_ns = MonotonicNanoseconds() + ms * 1'000'000;
  while (MonotonicNanoseconds() < until_ns) {
  }
}

TEST(CpuWait, TwoThatShareACpuWaitForEachOther) {
  const int cpu = AllowedCpus().front();
  uint64_t waited_ns = 0;
  bool tells = false;
  const auto share = [&](bool measure) {
    PinThisThread(cpu);
    const CpuWait wait;
    const auto before = wait.Nanoseconds();
    Work(200);
    const auto after = wait.Nanoseconds();
    if (!measure || !before || !after) return;
    tells = true;
    waited_ns = *after - *before;
  };
  std::thread one([&] { share(true); });
  std::thread other([&] { share(false); });
  one.join();
  other.join();
  if (!tells) GTEST_SKIP() << "this kernel does not tell (CONFIG_SCHED_INFO)";
  EXPECT_GT(waited_ns, 10'000'000u);
}

}  // namespace
}  // namespace martlet::base
