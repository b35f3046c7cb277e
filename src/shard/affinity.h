// Whether a shard keeps to its CPU.
#pragma once

#include <cstdint>
#include <vector>

namespace martlet::shard {

/// The CPU that is a shard's own, and all that it may use.
struct Seat {
  int cpu = 0;
  std::vector<int> allowed;
};

/// Decides from how long the shard was ready to run and did not. Pure: it reads no clock.
///
/// A shard that stays on one CPU finds its caches warm and its neighbours where they were. But it
/// waits there for whatever else runs on that CPU, another server or what loads it, also while the
/// next CPU is idle: milliseconds, where the scheduler would have found it another one in
/// microseconds. So it is let go while others crowd it, and comes back when they have gone; after
/// coming back in vain it stays away for longer.
///
/// Thread: its shard's.
class Affinity {
 public:
  enum class Change : uint8_t { kNone, kLetGo, kPin };

  /// Windows are at least so long.
  static constexpr uint64_t kWindowNs = 20'000'000;

  bool WindowEnds(uint64_t now_ns) const { return now_ns - begin_ns_ >= kWindowNs; }
  /// Ends the window. `waited_ns`: for the CPU, in all, from any origin.
  Change Judge(uint64_t now_ns, uint64_t waited_ns);

 private:
  static constexpr uint64_t kCrowdedPercent = 10;  // of a window
  static constexpr uint64_t kCalmPercent = 1;
  static constexpr int kCrowdedWindows = 2;  // in a row: one may be a passing thing
  static constexpr uint64_t kAwayMinNs = 10'000'000'000;
  static constexpr uint64_t kAwayMaxNs = 64 * kAwayMinNs;

  Change LetGo(uint64_t now_ns);

  bool pinned_ = true;
  int crowded_windows_ = 0;
  uint64_t begin_ns_ = 0;  // of the window; 0: there was none
  uint64_t begin_waited_ns_ = 0;
  uint64_t pinned_since_ns_ = 0;
  uint64_t back_ns_ = 0;  // not before
  uint64_t away_ns_ = kAwayMinNs;
};

}  // namespace martlet::shard
