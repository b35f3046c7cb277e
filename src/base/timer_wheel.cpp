#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace martlet::base {

void Timer::Disarm() {
  if (previous_ == nullptr) return;
  *previous_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  next_ = nullptr;
  previous_ = nullptr;
}

TimerWheel::~TimerWheel() {
  for (auto& level : slots_) {
    for (Timer*& head : level) {
      while (head != nullptr) head->Disarm();
    }
  }
}

void TimerWheel::Arm(Timer& timer, uint64_t delay) {
  timer.Disarm();
  timer.expires_ = now_ + std::max<uint64_t>(delay, 1);
  Place(timer);
}

// Level n holds what expires within 64^(n+1) ticks, in the slot of the n-th digit of its expiry.
void TimerWheel::Place(Timer& timer) {
  const uint64_t distance = timer.expires_ ^ now_;
  const unsigned highest = distance == 0 ? 0 : static_cast<unsigned>(std::bit_width(distance)) - 1;
  const unsigned level = std::min(highest / kBits, kLevels - 1);
  const unsigned slot = (timer.expires_ >> (level * kBits)) % kSlots;
  Timer*& head = slots_[level][slot];
  timer.next_ = head;
  if (head != nullptr) head->previous_ = &timer.next_;
  timer.previous_ = &head;
  head = &timer;
  // A timer above level 0 needs attention when its slot's span begins.
  earliest_ = std::min(earliest_, timer.expires_ >> (level * kBits) << (level * kBits));
}

void TimerWheel::Fire(unsigned slot) {
  while (Timer* timer = slots_[0][slot]) {
    timer->Disarm();
    timer->handler_(timer->owner_);
  }
}

// The digit of this level has moved on: spread the timers of its new slot over the levels below.
void TimerWheel::Cascade(unsigned level) {
  const unsigned slot = (now_ >> (level * kBits)) % kSlots;
  if (slot == 0 && level + 1 < kLevels) Cascade(level + 1);
  Timer* timer = std::exchange(slots_[level][slot], nullptr);
  while (timer != nullptr) {
    Timer* next = std::exchange(timer->next_, nullptr);
    Place(*timer);
    timer = next;
  }
}

void TimerWheel::Advance(uint64_t now) {
  while (now_ < now) {
    if (earliest_ > now) {
      // Nothing happens until then, and no digit of a waiting timer is passed.
      now_ = now;
      return;
    }
    now_ = std::max(earliest_, now_ + 1);
    if (now_ % kSlots == 0) Cascade(1);
    Fire(now_ % kSlots);
    earliest_ = FindEarliest();
  }
}

uint64_t TimerWheel::FindEarliest() const {
  uint64_t earliest = UINT64_MAX;
  for (unsigned level = 0; level < kLevels; ++level) {
    const unsigned shift = level * kBits;
    const uint64_t digit = now_ >> shift;
    for (unsigned step = 1; step <= kSlots; ++step) {
      if (slots_[level][(digit + step) % kSlots] == nullptr) continue;
      earliest = std::min(earliest, (digit + step) << shift);
      break;
    }
  }
  return earliest;
}

}  // namespace martlet::base
