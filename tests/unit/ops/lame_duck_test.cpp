#include "ops/lame_duck.h"

#include <gtest/gtest.h>

namespace martlet::ops {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(LameDuckPace, SpreadsTheClientsOverWhatIsLeftAfterGrace) {
  const LameDuckPace pace = PaceOfLameDuck(seconds(120), seconds(20), 1000);
  EXPECT_EQ(pace.pause, milliseconds(100));
  EXPECT_EQ(pace.batch, 1);
}

TEST(LameDuckPace, FewClientsAreAtMostASecondApart) {
  for (const int64_t clients : {0, 1, 2, 110}) {
    const LameDuckPace pace = PaceOfLameDuck(minutes(2), seconds(10), clients);
    EXPECT_EQ(pace.pause, seconds(1)) << clients;
    EXPECT_EQ(pace.batch, 1);
  }
}

TEST(LameDuckPace, ManyClientsGoInBatchesOfAMillisecond) {
  const LameDuckPace pace = PaceOfLameDuck(seconds(2), seconds(1), 65'536);
  EXPECT_EQ(pace.pause, milliseconds(1));
  EXPECT_EQ(pace.batch, 65);
}

TEST(LameDuckPace, DurationNotLongerThanGraceStillEnds) {
  for (const seconds duration : {seconds(0), seconds(5), seconds(10)}) {
    const LameDuckPace pace = PaceOfLameDuck(duration, seconds(10), 100);
    EXPECT_EQ(pace.pause, milliseconds(10));
    EXPECT_EQ(pace.batch, 1);
  }
}

TEST(LameDuckPace, NeverTakesMuchLongerThanItMay) {
  for (const seconds left : {seconds(1), seconds(30), seconds(110)}) {
    for (int64_t clients = 1; clients < 1'000'000; clients = clients * 3 + 1) {
      const LameDuckPace pace = PaceOfLameDuck(left + seconds(10), seconds(10), clients);
      ASSERT_GE(pace.batch, 1);
      ASSERT_GE(pace.pause, milliseconds(1));
      // Pauses are drawn between a half and the whole: three quarters on average.
      const nanoseconds mean = pace.pause * 3 / 4 * ((clients + pace.batch - 1) / pace.batch);
      EXPECT_LE(mean, left * 3 / 2) << clients;
    }
  }
}

}  // namespace
}  // namespace martlet::ops
