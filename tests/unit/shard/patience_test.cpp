#include "shard/patience.h"

#include <gtest/gtest.h>

namespace martlet::shard {
namespace {

/// Traffic, and what it costs with and without spinning, played window by window.
struct Traffic {
  uint64_t gap_ns;        // between idle and work, when it is looked for
  uint64_t wake_ns;       // longer than that when it was slept
  uint64_t messages;      // in a window
  uint64_t rest_cost_ns;  // CPU of a message
  uint64_t spinning_cost_ns;
  uint64_t switches = 0;  // involuntary, in a window of spinning
};

// The prototypes' machine: spinning is free where one waits for the other, dear at a steady rate.
constexpr Traffic kRequests = {.gap_ns = 4'000,
                               .wake_ns = 15'000,
                               .messages = 500,
                               .rest_cost_ns = 8'700,
                               .spinning_cost_ns = 8'300};
constexpr Traffic kSteady = {.gap_ns = 6'000,
                             .wake_ns = 5'000,
                             .messages = 1000,
                             .rest_cost_ns = 5'500,
                             .spinning_cost_ns = 9'800};
constexpr Traffic kSparse = {.gap_ns = 1'000'000,
                             .wake_ns = 15'000,
                             .messages = 10,
                             .rest_cost_ns = 16'000,
                             .spinning_cost_ns = 36'000};

class PatienceTest : public testing::Test {
 protected:
  PatienceTest() { patience_.Judge(totals_); }  // only says where the totals begin

  /// Plays a window; whether it was one of spinning. `told`: a line for the log was due.
  bool Play(const Traffic& traffic, bool* told = nullptr) {
    const bool spins = patience_.Budget() > 0;
    for (uint64_t i = 0; i < traffic.messages; ++i) {
      patience_.OnWork(spins ? traffic.gap_ns : traffic.gap_ns + traffic.wake_ns);
    }
    totals_.now_ns += Patience::kWindowNs;
    totals_.messages += traffic.messages;
    totals_.cpu_ns += traffic.messages * (spins ? traffic.spinning_cost_ns : traffic.rest_cost_ns);
    if (spins) totals_.involuntary_switches += traffic.switches;
    EXPECT_TRUE(patience_.WindowEnds(totals_.now_ns));
    const bool say = patience_.Judge(totals_);
    if (told != nullptr) *told = say;
    return spins;
  }
  /// The share of windows that spun, in percent.
  int Share(const Traffic& traffic, int windows = 1000) {
    int spun = 0;
    for (int i = 0; i < windows; ++i) spun += Play(traffic) ? 1 : 0;
    return spun * 100 / windows;
  }

  Patience patience_{SpinMode::kAdaptive};
  Patience::Totals totals_ = {.now_ns = 1'000'000'000};
};

TEST_F(PatienceTest, BeginsWithoutSpinning) { EXPECT_EQ(patience_.Budget(), 0); }

TEST_F(PatienceTest, SpinsWhereThatIsFree) {
  Play(kRequests);
  Play(kRequests);  // the trial
  EXPECT_EQ(patience_.Budget(), Patience::kSpinNs);
  EXPECT_GE(Share(kRequests), 98);
}

TEST_F(PatienceTest, LeavesItWhereSleepIsCheaper) { EXPECT_LE(Share(kSteady), 2); }

TEST_F(PatienceTest, TriesAgainNowAndThen) {
  Share(kSteady, 5000);
  // The traffic changes for the better; it is found out within seconds.
  Share(kRequests, 600);
  EXPECT_GE(Share(kRequests), 98);
}

TEST_F(PatienceTest, StopsWhenTheTrafficChanges) {
  Share(kRequests, 50);
  EXPECT_GT(patience_.Budget(), 0);
  Play(kSparse);
  EXPECT_EQ(patience_.Budget(), 0);
  EXPECT_EQ(Share(kSparse), 0);
  // Dearer than sleep by now: found out when the cost at rest is looked at anew.
  Share(kRequests, 50);
  Share(kSteady, 300);
  EXPECT_LE(Share(kSteady), 2);
}

TEST_F(PatienceTest, StopsWhenSpinningIsInVain) {
  Share(kRequests, 50);
  Traffic slow = kRequests;
  slow.gap_ns = 60'000;
  Play(slow);
  EXPECT_EQ(patience_.Budget(), 0);
}

TEST_F(PatienceTest, MakesRoomForOthersOnItsCpu) {
  Traffic shared = kRequests;
  shared.switches = 5;  // in 10 ms
  bool told = false;
  Play(shared);
  EXPECT_TRUE(Play(shared, &told));
  EXPECT_TRUE(told);
  // A second of rest, then longer and longer, and not a word more.
  int spun = 0;
  for (int i = 0; i < 6000; ++i) {
    spun += Play(shared, &told) ? 1 : 0;
    EXPECT_FALSE(told);
  }
  EXPECT_GT(spun, 2);
  EXPECT_LT(spun, 10);
  // Alone again.
  EXPECT_GT(Share(kRequests, 10000), 30);
}

TEST_F(PatienceTest, AFewSwitchesAreNobody) {
  Traffic quiet = kRequests;
  quiet.switches = 1;
  EXPECT_GE(Share(quiet), 98);
}

TEST(Patience, TheOtherModesDoNotChange) {
  Patience never(SpinMode::kNever);
  Patience always(SpinMode::kAlways);
  EXPECT_EQ(never.Budget(), 0);
  EXPECT_EQ(always.Budget(), Patience::kForever);
  EXPECT_FALSE(never.WindowEnds(1 << 30));
  EXPECT_FALSE(always.WindowEnds(1 << 30));
}

}  // namespace
}  // namespace martlet::shard
