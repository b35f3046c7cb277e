#include "compare/schedule.h"

#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace martlet::compare {
namespace {

TEST(Schedule, RunsEverythingOnceARound) {
  std::set<std::tuple<size_t, size_t, size_t>> seen;
  const std::vector<Slot> slots = Schedule(5, 3, 2, 7);
  for (size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(slots[i].round, i / 6) << "rounds come one after the other";
    seen.emplace(slots[i].round, slots[i].scenario, slots[i].server);
  }
  EXPECT_EQ(slots.size(), 30u);
  EXPECT_EQ(seen.size(), 30u);
}

TEST(Schedule, KeepsTheServersOfAScenarioTogether) {
  const std::vector<Slot> slots = Schedule(4, 5, 3, 1);
  for (size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(slots[i].scenario, slots[i - i % 3].scenario);
  }
}

TEST(Schedule, ReversesTheServersInEveryOddRound) {
  const std::vector<Slot> slots = Schedule(6, 1, 3, 99);
  for (size_t round = 0; round < 6; round += 2) {
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(slots[round * 3 + i].server, slots[round * 3 + 5 - i].server);
    }
  }
}

TEST(Schedule, FollowsFromTheSeed) {
  const auto text = [](uint64_t seed) {
    std::string out;
    for (const Slot& slot : Schedule(8, 6, 2, seed)) {
      out += std::to_string(slot.scenario) + ":" + std::to_string(slot.server) + " ";
    }
    return out;
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST(Schedule, EitherServerComesFirstAboutAsOften) {
  size_t first = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) first += Schedule(1, 1, 2, seed)[0].server;
  EXPECT_GT(first, 400u);
  EXPECT_LT(first, 600u);
}

TEST(RunSeed, IsAnotherForEachRoundAndScenario) {
  std::set<uint64_t> seen;
  for (const uint64_t seed : {0U, 1U, 2U}) {
    for (size_t round = 0; round < 20; ++round) {
      for (size_t scenario = 0; scenario < 50; ++scenario) {
        seen.insert(RunSeed(seed, round, scenario));
      }
    }
  }
  EXPECT_EQ(seen.size(), 3000u);
  EXPECT_EQ(RunSeed(5, 1, 2), RunSeed(5, 1, 2));
}

}  // namespace
}  // namespace martlet::compare
