#include "load/recorder.h"

#include <algorithm>

namespace martlet::load {

void Recorder::Begin(const RunTimes& times) {
  times_ = times;
  // Bounded: a run by count has no end of its own.
  constexpr uint64_t kIntervalsMax = 3600;
  const uint64_t count =
      std::min((times.end - times.begin + times.interval - 1) / times.interval, kIntervalsMax);
  intervals_.assign(count, measure::Histogram(kIntervalDigits));
}

}  // namespace martlet::load
