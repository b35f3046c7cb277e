// Whether a shard has become quiet, and has memory that it could give back.
#pragma once

#include <cstdint>

namespace martlet::shard {

/// Decides when a shard that was busy gives memory back. Pure: it reads no clock.
///
/// What buffers, caches and the allocator keep grows with work, so work is what is counted, in
/// bytes moved and of connections and subscriptions made:
///
///             much work                       little work since the last look, twice
///   resting ────────────> watching: a look from time to time ───────────────────────> trim
///      ^                                                                               │
///      └───────────────────────────────────────────────────────────────────────────────┘
///
/// A shard that rests has no timer: PINGs of idle clients are work, too, but need weeks for as much
/// as a trim takes.
///
/// Thread: its shard's.
class Quiet {
 public:
  static constexpr uint64_t kLookMs = 2500;
  /// Less than this between two looks: a quiet time.
  static constexpr uint64_t kTrickle = uint64_t{8} << 10;
  /// Less than this since the last trim: there is nothing to be had.
  static constexpr uint64_t kWorthIt = uint64_t{256} << 10;
  static constexpr unsigned kQuietLooks = 2;

  /// Totals of the shard, from any origin.
  struct Totals {
    uint64_t bytes = 0;          // received from clients, and sent in messages
    uint64_t connects = 0;       // connections that came
    uint64_t connections = 0;    // open
    uint64_t subscriptions = 0;  // there
  };

  /// Whether looks are worth their timer.
  bool WantsLooks(const Totals& now) const { return WorkSince(trimmed_, now) >= kWorthIt; }
  /// A look: kLookMs after WantsLooks() said yes for the first time, and after each other one.
  /// True: now is the time to trim, and looks end.
  bool Look(const Totals& now);

 private:
  static uint64_t WorkSince(const Totals& before, const Totals& now);

  Totals trimmed_;  // at the last trim
  Totals looked_;   // at the last look
  unsigned quiet_looks_ = 0;
};

}  // namespace martlet::shard
