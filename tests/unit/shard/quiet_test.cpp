#include "shard/quiet.h"

#include <gtest/gtest.h>

namespace martlet::shard {
namespace {

class QuietTest : public testing::Test {
 protected:
  /// Looks until it is time to trim; how many looks that took, `max` when it never was.
  int LooksUntilTrim(int max = 10) {
    for (int looks = 1; looks < max; ++looks) {
      if (quiet_.Look(totals_)) return looks;
    }
    return max;
  }
  // Of 10,000 clients every two minutes, between two looks.
  static constexpr uint64_t kPings = 1200;
  void Work() { totals_.bytes += 10 << 20; }

  Quiet quiet_;
  Quiet::Totals totals_;
};

TEST_F(QuietTest, NothingHappenedNothingToLookFor) { EXPECT_FALSE(quiet_.WantsLooks(totals_)); }

TEST_F(QuietTest, TrimsOnceAfterWork) {
  Work();
  EXPECT_TRUE(quiet_.WantsLooks(totals_));
  EXPECT_EQ(LooksUntilTrim(), 3);  // the first still sees the work
  EXPECT_FALSE(quiet_.WantsLooks(totals_));
}

TEST_F(QuietTest, WaitsWhileThereIsWork) {
  for (int look = 0; look < 100; ++look) {
    Work();
    EXPECT_FALSE(quiet_.Look(totals_));
  }
  EXPECT_EQ(LooksUntilTrim(), 2);
}

TEST_F(QuietTest, APauseIsNotQuiet) {
  for (int look = 0; look < 100; ++look) {
    if (look % 2 == 0) Work();
    EXPECT_FALSE(quiet_.Look(totals_)) << look;
  }
}

TEST_F(QuietTest, PingsOfIdleClientsAreQuiet) {
  Work();
  int looks = 1;
  for (;; ++looks) {
    totals_.bytes += kPings;
    if (quiet_.Look(totals_)) break;
  }
  EXPECT_EQ(looks, 3);
  // ... and it takes minutes of them until it is worth to look again.
  for (int i = 0; i < 200; ++i) {
    totals_.bytes += kPings;
    EXPECT_FALSE(quiet_.WantsLooks(totals_));
  }
}

TEST_F(QuietTest, ClientsThatComeAndGoAreWork) {
  totals_.connects = 1000;  // and none is open any more
  EXPECT_TRUE(quiet_.WantsLooks(totals_));
  EXPECT_EQ(LooksUntilTrim(), 3);
  totals_.connects += 1;
  EXPECT_FALSE(quiet_.WantsLooks(totals_));
}

TEST_F(QuietTest, ClientsThatOnlyGoAreWork) {
  totals_ = {.connects = 1000, .connections = 1000};
  EXPECT_EQ(LooksUntilTrim(), 3);
  EXPECT_FALSE(quiet_.WantsLooks(totals_));
  totals_.connections = 0;
  EXPECT_TRUE(quiet_.WantsLooks(totals_));
}

TEST_F(QuietTest, SubscriptionsThatGoAreWork) {
  totals_.subscriptions = 1'000'000;
  EXPECT_EQ(LooksUntilTrim(), 3);
  totals_.subscriptions = 0;
  EXPECT_TRUE(quiet_.WantsLooks(totals_));
  EXPECT_EQ(LooksUntilTrim(), 3);
  EXPECT_FALSE(quiet_.WantsLooks(totals_));
}

}  // namespace
}  // namespace martlet::shard
