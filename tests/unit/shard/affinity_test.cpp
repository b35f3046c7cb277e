#include "shard/affinity.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace martlet::shard {
namespace {

using Change = Affinity::Change;

class AffinityTest : public testing::Test {
 protected:
  AffinityTest() { EXPECT_EQ(Play(99), Change::kNone); }  // only says where the totals begin

  /// A window of which the shard waits so many percent.
  Change Play(uint64_t percent) {
    now_ns_ += Affinity::kWindowNs;
    waited_ns_ += Affinity::kWindowNs * percent / 100;
    EXPECT_TRUE(affinity_.WindowEnds(now_ns_));
    const Change change = affinity_.Judge(now_ns_, waited_ns_);
    EXPECT_FALSE(affinity_.WindowEnds(now_ns_ + Affinity::kWindowNs - 1));
    return change;
  }
  /// The first change that windows like this bring, and after how many; 0: none in an hour.
  int Until(Change change, uint64_t percent) {
    for (int windows = 1; windows <= 180'000; ++windows) {
      const Change seen = Play(percent);
      if (seen == Change::kNone) continue;
      EXPECT_EQ(seen, change);
      return windows;
    }
    return 0;
  }
  static constexpr int kTenSeconds = 500;  // windows

  Affinity affinity_;
  uint64_t now_ns_ = 1'000'000'000'000;
  uint64_t waited_ns_ = 77;
};

TEST_F(AffinityTest, AShardWithAQuietCpuKeepsIt) {
  EXPECT_EQ(Until(Change::kLetGo, 0), 0);
  EXPECT_EQ(Until(Change::kLetGo, 9), 0);
}

TEST_F(AffinityTest, APassingThingDoesNotCount) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(Play(i % 2 == 0 ? 50 : 0), Change::kNone);
}

TEST_F(AffinityTest, ACrowdedOneIsLetGoAndComesBackWhenTheOthersHaveGone) {
  EXPECT_EQ(Until(Change::kLetGo, 10), 2);
  EXPECT_EQ(Until(Change::kPin, 3), 0);  // they have not
  EXPECT_EQ(Until(Change::kPin, 0), 1);
}

TEST_F(AffinityTest, NotBeforeTenSecondsAndLaterEachTimeItIsInVain) {
  int away = kTenSeconds;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Until(Change::kLetGo, 50), 2);
    EXPECT_EQ(Until(Change::kPin, 0), away);
    away = std::min(away * 2, kTenSeconds * 64);
  }
}

TEST_F(AffinityTest, TroubleAfterALongPeaceBeginsAnew) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Until(Change::kLetGo, 50), 2);
    EXPECT_GT(Until(Change::kPin, 0), 0);
  }
  for (int i = 0; i < 4 * kTenSeconds; ++i) EXPECT_EQ(Play(0), Change::kNone);
  EXPECT_EQ(Until(Change::kLetGo, 50), 2);
  EXPECT_EQ(Until(Change::kPin, 0), kTenSeconds);
}

// A shard without work sleeps, and looks seldom.
TEST_F(AffinityTest, ALongSleepIsOneCalmWindow) {
  EXPECT_EQ(Until(Change::kLetGo, 50), 2);
  now_ns_ += 3'600'000'000'000;
  EXPECT_EQ(Play(0), Change::kPin);
}

}  // namespace
}  // namespace martlet::shard
