// How long a shard that has nothing to do looks for work before it sleeps.
#pragma once

#include <cstdint>

namespace martlet::shard {

/// Whether a shard spins: it costs the CPU, and spares the time that waking up takes.
enum class SpinMode : uint8_t {
  kNever,
  kAdaptive,  // where messages cost no more CPU than with sleep
  kAlways,    // until there is work
};

/// Decides from what has been measured. Pure: it reads no clock.
///
/// Spinning costs the time until work comes, sleeping costs the way into sleep and out of it. Which
/// is more depends on machine, kernel and traffic, and no gap between messages tells: sleep also
/// lets messages gather. So it tries. Time is cut into windows, and each is spent in one way:
///
///            work comes fast                       no dearer than at rest
///   resting ────────────────> trial (one window) ────────────────────────> spinning
///      ^                        │ dearer: the next trial comes later          │ from time to time,
///      └────────────────────────┴─────────────────────────────────────────────┘ and when in vain
///
/// Where somebody else wants the CPU, spinning takes it from him. The kernel's count of involuntary
/// switches tells; then there is no spinning for a while, longer each time.
///
/// Thread: its shard's.
class Patience {
 public:
  /// A single spin ends after so long; the means of more gain little (prototypes: 20 us of 100).
  static constexpr int64_t kSpinNs = 20'000;
  static constexpr int64_t kForever = INT64_MAX;
  /// Windows are at least so long.
  static constexpr uint64_t kWindowNs = 10'000'000;
  /// More involuntary switches than this in a second: the CPU is shared.
  static constexpr uint64_t kSwitchesPerSecondMax = 200;

  /// Totals of the shard's thread, from any origin.
  struct Totals {
    uint64_t now_ns = 0;
    uint64_t cpu_ns = 0;
    uint64_t messages = 0;
    uint64_t involuntary_switches = 0;
  };

  explicit Patience(SpinMode mode) : mode_(mode) {}

  /// The shard is idle: look for work for so many nanoseconds (0: not at all), then sleep.
  int64_t Budget() const {
    if (mode_ == SpinMode::kAlways) return kForever;
    return phase_ == Phase::kResting ? 0 : kSpinNs;
  }
  /// Work came `gap_ns` after the shard fell idle.
  void OnWork(uint64_t gap_ns) {
    ++idle_moments_;
    gaps_ns_ += gap_ns;
    if (gap_ns <= kSpinNs) ++short_gaps_;
  }

  /// Whether Judge() is due.
  bool WindowEnds(uint64_t now_ns) const {
    return mode_ == SpinMode::kAdaptive && now_ns - begin_.now_ns >= kWindowNs;
  }
  /// Ends the window and decides how to spend the next one. True when the CPU was found to be
  /// shared for the first time, which deserves a line in the log.
  bool Judge(const Totals& totals);

 private:
  enum class Phase : uint8_t { kResting, kTrial, kSpinning };

  static constexpr uint64_t kMessagesMin = 64;         // of a window that says something
  static constexpr uint64_t kGapForTrialNs = 100'000;  // mean, of a window at rest
  static constexpr uint64_t kSlackPercent = 105;       // of the cost at rest: as good as equal
  static constexpr uint32_t kTrialPauseMin = 4;        // windows
  static constexpr uint32_t kTrialPauseMax = 512;
  static constexpr uint32_t kSpinningWindowsMax = 256;  // then the cost at rest is looked at anew
  static constexpr uint64_t kTruceMinNs = 1'000'000'000;
  static constexpr uint64_t kTruceMaxNs = 64 * kTruceMinNs;

  struct Window {
    uint64_t elapsed_ns, cpu_ns, messages, switches;
  };

  void JudgeRest(const Window& window);
  void JudgeTrial(const Window& window);
  void JudgeSpinning();
  bool CallTruce(uint64_t now_ns, const Window& window);
  bool in_vain() const { return short_gaps_ * 2 < idle_moments_; }

  const SpinMode mode_;
  Phase phase_ = Phase::kResting;
  Totals begin_;  // of the window
  uint64_t idle_moments_ = 0;
  uint64_t short_gaps_ = 0;
  uint64_t gaps_ns_ = 0;

  uint64_t rest_cost_ns_ = 0;  // CPU for a message
  uint32_t trial_pause_ = kTrialPauseMin;
  uint32_t until_trial_ = 1;  // windows at rest
  uint32_t until_check_ = 0;  // windows of spinning

  uint64_t truce_ends_ns_ = 0;
  uint64_t truce_ns_ = kTruceMinNs;
  bool told_ = false;
};

}  // namespace martlet::shard
