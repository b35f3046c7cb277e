#include "shard/placement.h"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::shard {
namespace {

constexpr int64_t kNoLimit = 1'000'000;

unsigned Admit(Placement& placement) {
  bool over_limit = true;
  const unsigned shard = placement.Admit(kNoLimit, &over_limit);
  EXPECT_FALSE(over_limit);
  return shard;
}

std::vector<int> AdmitMany(Placement& placement, unsigned shards, int connections) {
  std::vector<int> counts(shards);
  for (int i = 0; i < connections; ++i) ++counts[Admit(placement)];
  return counts;
}

TEST(Placement, IdleConnectionsSpreadEvenly) {
  Placement placement(4);
  for (const int count : AdmitMany(placement, 4, 400)) EXPECT_EQ(count, 100);
  EXPECT_EQ(placement.connections(), 400);
}

TEST(Placement, OneShardTakesAll) {
  Placement placement(1);
  placement.SetBusy(0, 1000);
  EXPECT_EQ(AdmitMany(placement, 1, 10)[0], 10);
}

TEST(Placement, LeavingMakesRoomOnTheSameShard) {
  Placement placement(3);
  AdmitMany(placement, 3, 30);
  placement.Leave(2);
  placement.Leave(2);
  EXPECT_EQ(placement.connections(), 28);
  EXPECT_EQ(Admit(placement), 2u);
  EXPECT_EQ(Admit(placement), 2u);
}

// Each pair keeps its shards busy as soon as it is there; the next one must go elsewhere.
TEST(Placement, HeavyPairsDoNotShareAShardWhileAnotherIdles) {
  for (const unsigned shards : {4U, 8U, 16U}) {
    Placement placement(shards);
    std::set<unsigned> taken;
    for (unsigned pair = 0; pair < shards / 2; ++pair) {
      const unsigned publisher = Admit(placement);
      const unsigned subscriber = Admit(placement);
      for (const unsigned shard : {publisher, subscriber}) {
        EXPECT_TRUE(taken.insert(shard).second) << "pair " << pair << " on shard " << shard;
        placement.SetBusy(shard, 1000);
      }
    }
  }
}

TEST(Placement, BusyShardIsLeftAloneForAWhileButNotForEver) {
  Placement placement(2);
  placement.SetBusy(0, 1000);
  const std::vector<int> few = AdmitMany(placement, 2, 16);
  EXPECT_EQ(few[0], 0);
  const std::vector<int> many = AdmitMany(placement, 2, 10'000);
  EXPECT_GT(many[0], 1000);  // idle connections by the thousand are a load as well
  EXPECT_GT(many[1], many[0]);
}

TEST(Placement, ShardThatCalmsDownIsChosenAgain) {
  Placement placement(2);
  placement.SetBusy(0, 1000);
  AdmitMany(placement, 2, 10);
  placement.SetBusy(0, 0);
  EXPECT_EQ(Admit(placement), 0u);
}

TEST(Placement, ConnectionsOverTheLimitAreToldAndCounted) {
  Placement placement(2);
  bool over_limit = true;
  placement.Admit(2, &over_limit);
  EXPECT_FALSE(over_limit);
  placement.Admit(2, &over_limit);
  EXPECT_FALSE(over_limit);
  const unsigned surplus = placement.Admit(2, &over_limit);
  EXPECT_TRUE(over_limit);
  EXPECT_EQ(placement.connections(), 3);
  placement.Leave(surplus);
  placement.Admit(2, &over_limit);
  EXPECT_TRUE(over_limit);
}

TEST(Placement, LimitOfZeroOrLessRefusesAll) {
  for (const int64_t limit : {0, -1}) {
    Placement placement(2);
    bool over_limit = false;
    placement.Admit(limit, &over_limit);
    EXPECT_TRUE(over_limit);
  }
}

TEST(Placement, ClientIdsStartSmallAndNeverRepeat) {
  Placement placement(2);
  EXPECT_EQ(placement.NextClientId(), 5u);
  EXPECT_EQ(placement.NextClientId(), 6u);
}

TEST(Placement, CountsStayRightUnderSeveralThreads) {
  Placement placement(4);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&placement, i] {
      for (int n = 0; n < 5000; ++n) {
        bool over_limit = false;
        const unsigned shard = placement.Admit(kNoLimit, &over_limit);
        placement.SetBusy(i, static_cast<uint32_t>(n % 1000));
        if (n % 5 != 0) placement.Leave(shard);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(placement.connections(), 4 * 1000);
}

}  // namespace
}  // namespace martlet::shard
