#include "ops/lame_duck.h"

#include <algorithm>

namespace martlet::ops {

LameDuckPace PaceOfLameDuck(std::chrono::nanoseconds duration, std::chrono::nanoseconds grace,
                            int64_t clients) {
  using std::chrono::nanoseconds;
  constexpr nanoseconds kLongest = std::chrono::seconds(1);
  // Timers count milliseconds: what would be closer together goes in batches.
  constexpr nanoseconds kShortest = std::chrono::milliseconds(1);

  const nanoseconds left = duration > grace ? duration - grace : kLongest;
  const nanoseconds pause = left / std::max<int64_t>(clients, 1);
  if (pause >= kShortest) return {std::min(pause, kLongest), 1};
  return {kShortest, std::max<int64_t>(1, clients * kShortest.count() / left.count())};
}

}  // namespace martlet::ops
