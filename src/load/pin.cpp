#include "load/pin.h"

#include <ctime>
#include <sched.h>
#include <thread>

namespace martlet::load {

void PinThread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

double ThreadCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void OnThread(const Plan& plan, const std::function<void()>& work) {
  std::thread thread([&] {
    if (!plan.cpus.empty()) PinThread(plan.cpus.front());
    work();
  });
  thread.join();
}

}  // namespace martlet::load
