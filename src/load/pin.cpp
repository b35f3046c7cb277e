#include "load/pin.h"

#include <ctime>
#include <thread>

#include "base/cpus.h"

namespace martlet::load {

double ThreadCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void OnThread(const Plan& plan, const std::function<void()>& work) {
  std::thread thread([&] {
    if (!plan.cpus.empty()) base::PinThisThread(plan.cpus.front());
    work();
  });
  thread.join();
}

}  // namespace martlet::load
