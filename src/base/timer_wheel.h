// Timers of one shard: a hierarchical wheel, without a clock of its own.
#pragma once

#include <array>
#include <cstdint>

namespace martlet::base {

/// One timer; lives inside the object that waits.
///
/// Ownership:  embedded in its owner; leaves its wheel when it dies.
/// Thread:     its wheel's.
class Timer {
 public:
  /// A timer that calls `owner->*Method()`. It is not armed then and may be armed again from there.
  template <auto Method, class Owner>
  static Timer Bind(Owner* owner) {
    return Timer(owner, [](void* self) { (static_cast<Owner*>(self)->*Method)(); });
  }
  ~Timer() { Disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const { return previous_ != nullptr; }
  /// The tick at which it fires; meaningless when not armed.
  uint64_t expires() const { return expires_; }
  void Disarm();

 private:
  friend class TimerWheel;
  using Handler = void (*)(void* owner);
  Timer(void* owner, Handler handler) : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
  uint64_t expires_ = 0;
  Timer* next_ = nullptr;
  Timer** previous_ = nullptr;  // what points here; null: not armed
};

/// Fires timers when the caller says how late it is. Arming and disarming cost the same however
/// many there are.
///
/// Ticks are milliseconds here, from any origin. A timer fires at its tick or later, never before.
class TimerWheel {
 public:
  explicit TimerWheel(uint64_t now) : now_(now) {}
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Arms, or arms anew, for `delay` ticks from the wheel's present; at least one tick.
  void Arm(Timer& timer, uint64_t delay);

  /// Fires everything due at or before `now`. Handlers may arm and disarm any timer.
  void Advance(uint64_t now);

  /// A tick at which Advance may have something to do, UINT64_MAX when nothing is armed. It may be
  /// early, never late.
  uint64_t NextTick() const { return earliest_; }

  uint64_t now() const { return now_; }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1U << kBits;
  static constexpr unsigned kLevels = 7;

  void Place(Timer& timer);
  void Fire(unsigned slot);
  void Cascade(unsigned level);
  uint64_t FindEarliest() const;

  uint64_t now_;
  uint64_t earliest_ = UINT64_MAX;  // no timer needs attention before this tick
  std::array<std::array<Timer*, kSlots>, kLevels> slots_{};
};

}  // namespace martlet::base
