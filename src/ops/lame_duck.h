// How fast clients are sent away in lame duck mode. Pure.
#pragma once

#include <chrono>
#include <cstdint>

namespace martlet::ops {

/// The pace of closing: after each `batch` clients a random pause between half of `pause` and all
/// of it.
struct LameDuckPace {
  std::chrono::nanoseconds pause;
  int64_t batch = 1;
};

/// Spreads `clients` over what is left of the duration after the grace period, at most one second
/// apart. Source: spec client-protocol.md section 10; reference lameDuckMode.
LameDuckPace PaceOfLameDuck(std::chrono::nanoseconds duration, std::chrono::nanoseconds grace,
                            int64_t clients);

}  // namespace martlet::ops
