#include "base/timer_wheel.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

// A timer that remembers when it fired, by the wheel's own time.
struct Alarm {
  explicit Alarm(TimerWheel& w) : wheel(w) {}

  void OnTimer() {
    fired_at.push_back(wheel.now());
    if (then) then();
  }

  TimerWheel& wheel;
  std::vector<uint64_t> fired_at;
  std::function<void()> then;
  Timer timer = Timer::Bind<&Alarm::OnTimer>(this);
};

using Times = std::vector<uint64_t>;

TEST(TimerWheel, FiresAtItsTickAndNotBefore) {
  for (const uint64_t origin : {uint64_t{0}, uint64_t{63}, uint64_t{4095}, uint64_t{123456789}}) {
    for (const uint64_t delay : {1, 2, 62, 63, 64, 65, 127, 4095, 4096, 4097, 262144, 300000}) {
      TimerWheel wheel(origin);
      Alarm alarm(wheel);
      wheel.Arm(alarm.timer, delay);
      EXPECT_EQ(alarm.timer.expires(), origin + delay);
      wheel.Advance(origin + delay - 1);
      EXPECT_TRUE(alarm.fired_at.empty()) << origin << " " << delay;
      EXPECT_TRUE(alarm.timer.armed());
      wheel.Advance(origin + delay);
      EXPECT_EQ(alarm.fired_at, Times{origin + delay});
      EXPECT_FALSE(alarm.timer.armed());
    }
  }
}

TEST(TimerWheel, DelayIsAtLeastOneTick) {
  TimerWheel wheel(10);
  Alarm alarm(wheel);
  wheel.Arm(alarm.timer, 0);
  wheel.Advance(10);
  EXPECT_TRUE(alarm.fired_at.empty());
  wheel.Advance(11);
  EXPECT_EQ(alarm.fired_at, Times{11});
}

TEST(TimerWheel, LargeStepFiresEveryTimerAtItsOwnTick) {
  TimerWheel wheel(0);
  Alarm first(wheel), second(wheel), third(wheel);
  wheel.Arm(second.timer, 5000);
  wheel.Arm(third.timer, 5001);
  wheel.Arm(first.timer, 3);
  wheel.Advance(1'000'000);
  EXPECT_EQ(first.fired_at, Times{3});
  EXPECT_EQ(second.fired_at, Times{5000});
  EXPECT_EQ(third.fired_at, Times{5001});
  EXPECT_EQ(wheel.now(), 1'000'000u);
}

TEST(TimerWheel, ArmingAgainReplaces) {
  TimerWheel wheel(0);
  Alarm alarm(wheel);
  wheel.Arm(alarm.timer, 10);
  wheel.Arm(alarm.timer, 20);
  wheel.Advance(15);
  EXPECT_TRUE(alarm.fired_at.empty());
  wheel.Arm(alarm.timer, 2);
  wheel.Advance(100);
  EXPECT_EQ(alarm.fired_at, Times{17});
}

TEST(TimerWheel, DisarmedOrDeadTimerDoesNotFire) {
  TimerWheel wheel(0);
  Alarm alarm(wheel);
  auto dead = std::make_unique<Alarm>(wheel);
  wheel.Arm(alarm.timer, 10);
  wheel.Arm(dead->timer, 10);
  alarm.timer.Disarm();
  alarm.timer.Disarm();
  dead.reset();
  wheel.Advance(100);
  EXPECT_TRUE(alarm.fired_at.empty());
}

TEST(TimerWheel, HandlersMayArmAndDisarmAnyTimer) {
  TimerWheel wheel(0);
  Alarm ticking(wheel), victim(wheel), killer(wheel);
  ticking.then = [&] {
    if (ticking.fired_at.size() < 5) wheel.Arm(ticking.timer, 64);
  };
  wheel.Arm(ticking.timer, 64);
  // Two of one tick, each disarms the other: one fires.
  victim.then = [&] { killer.timer.Disarm(); };
  killer.then = [&] { victim.timer.Disarm(); };
  wheel.Arm(victim.timer, 100);
  wheel.Arm(killer.timer, 100);
  wheel.Advance(10'000);
  EXPECT_EQ(ticking.fired_at, (Times{64, 128, 192, 256, 320}));
  EXPECT_EQ(victim.fired_at.size() + killer.fired_at.size(), 1u);
}

TEST(TimerWheel, NothingArmedMeansNoNextTick) {
  TimerWheel wheel(5);
  EXPECT_EQ(wheel.NextTick(), UINT64_MAX);
  Alarm alarm(wheel);
  wheel.Arm(alarm.timer, 7);
  EXPECT_LE(wheel.NextTick(), 12u);
  EXPECT_GT(wheel.NextTick(), 5u);
  wheel.Advance(12);
  EXPECT_EQ(wheel.NextTick(), UINT64_MAX);
}

TEST(TimerWheel, FarTimersFire) {
  TimerWheel wheel(1000);
  Alarm alarm(wheel);
  const uint64_t delay = uint64_t{3} << 42;  // past the last level's span
  wheel.Arm(alarm.timer, delay);
  while (alarm.fired_at.empty()) {
    ASSERT_NE(wheel.NextTick(), UINT64_MAX);
    wheel.Advance(wheel.NextTick());
  }
  EXPECT_EQ(alarm.fired_at, Times{1000 + delay});
}

TEST(TimerWheel, MayDieBeforeItsTimers) {
  auto wheel = std::make_unique<TimerWheel>(0);
  Alarm alarm(*wheel);
  wheel->Arm(alarm.timer, 10);
  wheel.reset();
  EXPECT_FALSE(alarm.timer.armed());
}

// Against a sorted list: fires the same timers at the same ticks, in whatever steps time goes.
TEST(TimerWheel, AgreesWithASortedList) {
  constexpr uint64_t kSeed = 11;
  std::mt19937_64 random(kSeed);
  const auto below = [&](uint64_t bound) { return random() % bound; };
  const uint64_t spans[] = {3, 70, 5000, 300'000, 20'000'000};
  for (int round = 0; round < 20; ++round) {
    TimerWheel wheel(below(1 << 20));
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 50; ++i) alarms.push_back(std::make_unique<Alarm>(wheel));
    std::map<Alarm*, uint64_t> expected;  // armed, and when it is due
    std::map<Alarm*, uint64_t> rearm;     // does so when it fires, with this delay
    for (auto& alarm : alarms) {
      Alarm* self = alarm.get();
      self->then = [&, self] {
        ASSERT_TRUE(expected.contains(self));
        ASSERT_EQ(expected[self], wheel.now());
        expected.erase(self);
        if (const auto again = rearm.find(self); again != rearm.end()) {
          wheel.Arm(self->timer, again->second);
          expected[self] = wheel.now() + again->second;
          rearm.erase(again);
        }
      };
    }
    for (int i = 0; i < 5000; ++i) {
      Alarm* alarm = alarms[below(alarms.size())].get();
      switch (below(5)) {
        case 0:
        case 1: {
          const uint64_t delay = 1 + below(spans[below(5)]);
          wheel.Arm(alarm->timer, delay);
          expected[alarm] = wheel.now() + delay;
          break;
        }
        case 2:
          alarm->timer.Disarm();
          expected.erase(alarm);
          break;
        case 3:
          if (alarm->timer.armed()) rearm[alarm] = 1 + below(5000);
          break;
        default: {
          // Never past the next due tick without noticing: NextTick may be early, not late.
          uint64_t due = UINT64_MAX;
          for (const auto& [a, at] : expected) due = std::min(due, at);
          ASSERT_LE(wheel.NextTick(), due);
          const uint64_t now = wheel.now() + below(spans[below(5)]);
          wheel.Advance(now);
          ASSERT_EQ(wheel.now(), now);
          for (const auto& [a, at] : expected) ASSERT_GT(at, now) << "late, round " << round;
          break;
        }
      }
      ASSERT_EQ(alarm->timer.armed(), expected.contains(alarm));
    }
  }
}

// Driven by NextTick alone, as a shard does, nothing is late.
TEST(TimerWheel, NextTickIsEnoughToBeInTime) {
  std::mt19937_64 random(3);
  TimerWheel wheel(777);
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 300; ++i) {
    alarms.push_back(std::make_unique<Alarm>(wheel));
    wheel.Arm(alarms.back()->timer, 1 + random() % (uint64_t{1} << (random() % 34)));
  }
  while (wheel.NextTick() != UINT64_MAX) {
    ASSERT_GT(wheel.NextTick(), wheel.now());
    wheel.Advance(wheel.NextTick());
  }
  for (const auto& alarm : alarms) EXPECT_EQ(alarm->fired_at, Times{alarm->timer.expires()});
}

}  // namespace
}  // namespace martlet::base
