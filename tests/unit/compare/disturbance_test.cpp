#include "compare/disturbance.h"

#include <gtest/gtest.h>

namespace martlet::compare {
namespace {

TEST(DisturbedAbove, GrowsWithTheMachineUpToHalfACore) {
  EXPECT_DOUBLE_EQ(DisturbedAbove(2), 0.08);
  EXPECT_DOUBLE_EQ(DisturbedAbove(0), 0.04);
  EXPECT_DOUBLE_EQ(DisturbedAbove(8), 0.32);
  EXPECT_DOUBLE_EQ(DisturbedAbove(64), 0.5);
}

TEST(Disturbance, RepeatsUntilQuietOrOutOfTries) {
  Disturbance disturbance(0.08, 3);
  EXPECT_FALSE(disturbance.Repeat(0, 0, 1, 0.05, 0.05));
  EXPECT_TRUE(disturbance.Repeat(0, 0, 1, 0.30, 0.30));
  EXPECT_FALSE(disturbance.Repeat(0, 0, 2, 0.02, 0.02));
  EXPECT_TRUE(disturbance.Repeat(0, 1, 1, 0.30, 0.30));
  EXPECT_TRUE(disturbance.Repeat(0, 1, 2, 0.20, 0.20));
  EXPECT_FALSE(disturbance.Repeat(0, 1, 3, 0.40, 0.20));
}

TEST(Disturbance, LosesPatienceWithABusyMachineUntilItIsQuiet) {
  Disturbance disturbance(0.08, 4);
  const auto tries = [&disturbance](size_t scenario) {
    int count = 1;
    while (disturbance.Repeat(scenario, 0, count, 1.0, 1.0)) ++count;
    return count;
  };
  EXPECT_EQ(tries(0), 4);
  EXPECT_EQ(tries(1), 2);
  EXPECT_EQ(tries(2), 1);
  EXPECT_EQ(tries(3), 1);
  EXPECT_FALSE(disturbance.Repeat(4, 0, 1, 0.01, 0.01));
  EXPECT_EQ(tries(5), 4);
}

TEST(Disturbance, DoesNotTryAgainWhatIsAlwaysThere) {
  Disturbance disturbance(0.08, 2);
  EXPECT_TRUE(disturbance.Repeat(4, 1, 1, 0.50, 0.50));
  EXPECT_FALSE(disturbance.Repeat(4, 1, 2, 0.52, 0.50));
  EXPECT_FALSE(disturbance.Repeat(4, 1, 1, 0.55, 0.55)) << "no more than the usual";
  EXPECT_TRUE(disturbance.Disturbed(0.55)) << "and still flagged";
  EXPECT_FALSE(disturbance.Repeat(0, 0, 1, 0.01, 0.01));
  EXPECT_TRUE(disturbance.Repeat(4, 1, 1, 0.60, 0.60)) << "more than the usual";
  EXPECT_TRUE(disturbance.Repeat(4, 0, 1, 0.55, 0.55)) << "the other server has its own usual";
}

}  // namespace
}  // namespace martlet::compare
