// A cluster in a box: what must hold for every seed, and that what is known to be wrong is found.
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "sim/join.h"
#include "sim/options.h"

namespace martlet::sim {
namespace {

// The sanitizers make it fifty times slower, and find what they can in a few.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSeeds = 60;
#else
constexpr uint64_t kSeeds = 1000;
#endif

/// A seed that fails belongs here by itself, too, once it is mended.
void ExpectWell(const Options& options) {
  const Result result = Run(options);
  EXPECT_EQ(result.failure, "") << "seed " << options.seed << ", " << result.servers
                                << " servers; look with simulation_run --trace --seed "
                                << options.seed;
}

TEST(Simulation, EveryClusterBecomesWhole) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) ExpectWell({.seed = seed, .trace = {}});
}

TEST(Simulation, SoDoLargeOnes) {
  ExpectWell({.seed = 1, .servers = 16, .trace = {}});
  ExpectWell({.seed = 2, .servers = 30, .trace = {}});
}

TEST(Simulation, SoDidThoseThatOnceDidNot) {
  for (const uint64_t seed :
       {1454,   1369,   2455,   2946,   6822,   13702,  2574,   62415,  63330,  87433,
        98695,  116098, 162160, 179369, 224326, 229818, 235849, 241867, 270879, 287005,
        288606, 318563, 338914, 354236, 406952, 472698, 475189, 487520, 510145, 520982,
        538598, 555680, 579909, 588232, 590660, 594309, 645140, 662981, 663976, 673599,
        700558, 703995, 712619, 712949, 728546, 739697, 95665,  136536, 1545125})
    ExpectWell({.seed = seed, .trace = {}});
}

TEST(Simulation, ASeedAlwaysGivesTheSame) {
  const Result one = sim::Run({.seed = 7, .trace = {}});
  const Result two = sim::Run({.seed = 7, .trace = {}});
  EXPECT_EQ(one.events, two.events);
  EXPECT_EQ(one.dials, two.dials);
  EXPECT_EQ(one.gossip, two.gossip);
  EXPECT_EQ(one.settled_ms, two.settled_ms);
}

/// Seeds until one fails, with the words of the failure; empty: none did.
std::string FirstFailure(Mutant mutant, uint64_t seeds) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const Result result = sim::Run({.seed = seed, .mutant = mutant, .trace = {}});
    if (!result.failure.empty()) return result.failure;
  }
  return {};
}

TEST(Mutants, ALockedOutServerIsFound) { EXPECT_NE(FirstFailure(Mutant::kLockOut, 200), ""); }

TEST(Mutants, ATightRedialLoopIsFound) {
  EXPECT_NE(FirstFailure(Mutant::kTightRedial, 200).find("within ten seconds"), std::string::npos);
}

TEST(Mutants, AMissingMemberOfAPoolIsFound) {
  EXPECT_NE(FirstFailure(Mutant::kMissingMember, 500).find("instead of"), std::string::npos);
}

TEST(Mutants, AForgottenServerIsFound) {
  EXPECT_NE(FirstFailure(Mutant::kForgottenPeer, 500).find("instead of"), std::string::npos);
}

TEST(Mutants, ReorderedInterestIsFound) {
  EXPECT_NE(FirstFailure(Mutant::kReorderedInterest, 200).find("interest"), std::string::npos);
}

TEST(Mutants, ASubscriptionThatIsTakenBackTooEarlyIsFound) {
  EXPECT_NE(FirstFailure(Mutant::kEarlyUnsubscribe, 10).find("that were wanted"),
            std::string::npos);
}

TEST(Join, CostsWhatItMust) {
  const JoinCost cost = MeasureJoin(10, 5);
  EXPECT_EQ(cost.failure, "");
  EXPECT_EQ(cost.connections, 10u * 4);
  EXPECT_EQ(cost.interest, 2u * 10 * 5) << "each tells the newcomer, and it tells each";
  EXPECT_LE(cost.gossip, 3u * 10);
  EXPECT_LE(cost.dials, 3u * 10 * 4);
}

}  // namespace
}  // namespace martlet::sim
