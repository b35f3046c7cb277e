#include "shard/tuning.h"

#include <gtest/gtest.h>

namespace martlet::shard {
namespace {

TEST(Tuning, BalancedSpinsWhereEachShardHasACpu) {
  const Tuning tuning = TuningOf(Profile::kBalanced, 4, {.cpus = 4});
  EXPECT_EQ(tuning.spin, SpinMode::kAdaptive);
  EXPECT_EQ(tuning.batching.usec, 0u);
  EXPECT_EQ(tuning.Describe(Profile::kBalanced),
            "balanced, spins before sleep where that costs no CPU (a CPU for each shard)");
}

TEST(Tuning, NobodySpinsOnSharedCpus) {
  for (const Profile profile : {Profile::kBalanced, Profile::kLatency}) {
    EXPECT_EQ(TuningOf(profile, 3, {.cpus = 2}).spin, SpinMode::kNever);
    EXPECT_EQ(TuningOf(profile, 2, {.cpus = 8, .quota = 1.5}).spin, SpinMode::kNever);
    EXPECT_NE(TuningOf(profile, 2, {.cpus = 8, .quota = 2}).spin, SpinMode::kNever);
  }
  EXPECT_EQ(TuningOf(Profile::kLatency, 2, {.cpus = 1}).Describe(Profile::kLatency),
            "latency, does not spin (2 shards share 1 CPU)");
  EXPECT_EQ(TuningOf(Profile::kBalanced, 2, {.cpus = 8, .quota = 1.5}).why,
            "the control group grants 2 shards the time of 1.5 CPUs");
}

TEST(Tuning, LatencyAlwaysSpins) {
  EXPECT_EQ(TuningOf(Profile::kLatency, 2, {.cpus = 2}).spin, SpinMode::kAlways);
}

TEST(Tuning, ThroughputGathersAndTakesMoreAtOnce) {
  const Tuning usual = TuningOf(Profile::kBalanced, 1, {});
  const Tuning tuning = TuningOf(Profile::kThroughput, 1, {});
  EXPECT_EQ(tuning.spin, SpinMode::kNever);
  EXPECT_GT(tuning.batching.usec, 0u);
  EXPECT_GT(tuning.batching.completions, 1u);
  EXPECT_GT(tuning.budget.received_bytes, usual.budget.received_bytes);
  EXPECT_GT(tuning.send_bytes_max, usual.send_bytes_max);
}

TEST(Tuning, SmallOutputToManyIsWorthMoreInput) {
  const Tuning tuning = TuningOf(Profile::kBalanced, 1, {});
  EXPECT_GT(tuning.spread_cap_bytes, tuning.receive_cap_bytes);
  EXPECT_EQ(tuning.ReceiveCap(100, 300'000), tuning.spread_cap_bytes);
  EXPECT_EQ(tuning.ReceiveCap(100, 3'000'000), tuning.receive_cap_bytes);
  EXPECT_EQ(tuning.ReceiveCap(2, 300), tuning.receive_cap_bytes);
  EXPECT_EQ(TuningOf(Profile::kThroughput, 1, {}).ReceiveCap(100, 300'000), 0u);
}

}  // namespace
}  // namespace martlet::shard
