#include "base/process_usage.h"

#include <cmath>
#include <cstdio>
#include <unistd.h>

#include "base/clock.h"

namespace martlet::base {

uint64_t ResidentBytes() {
  FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long total = 0;
  unsigned long long resident = 0;
  const int fields = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

CpuShare::CpuShare()
    : measured_ns_(MonotonicNanoseconds()), measured_cpu_ns_(ProcessCpuNanoseconds()) {}

double CpuShare::Percent() {
  constexpr uint64_t kSecond = 1'000'000'000;
  const uint64_t now_ns = MonotonicNanoseconds();
  // The first who asks gets an answer, too, were it of a shorter time.
  if (!measured_ || now_ns - measured_ns_ >= kSecond) Measure(now_ns, ProcessCpuNanoseconds());
  return percent_;
}

void CpuShare::Measure(uint64_t now_ns, uint64_t cpu_ns) {
  const uint64_t elapsed_ns = now_ns - measured_ns_;
  if (elapsed_ns == 0) return;
  const double share =
      static_cast<double>(cpu_ns - measured_cpu_ns_) / static_cast<double>(elapsed_ns);
  percent_ = std::round(share * 1000) / 10;
  measured_ns_ = now_ns;
  measured_cpu_ns_ = cpu_ns;
  measured_ = true;
}

}  // namespace martlet::base
