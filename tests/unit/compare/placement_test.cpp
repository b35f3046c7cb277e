#include "compare/placement.h"

#include <sched.h>

#include <gtest/gtest.h>

namespace martlet::compare {
namespace {

using Cpus = std::vector<int>;

TEST(Place, GivesTheServerTheLastCoreAndTheLoadTheOthers) {
  const Placement two = Place({.cpus = {0, 1}, .core_of = {0, 1}});
  EXPECT_EQ(two.server_cpus, Cpus({1}));
  EXPECT_EQ(two.load_cpus, Cpus({0}));
  EXPECT_TRUE(two.pinned());
  EXPECT_TRUE(two.warnings.empty());

  const Placement some = Place({.cpus = {2, 5, 6, 9}, .core_of = {2, 5, 6, 9}});
  EXPECT_EQ(some.server_cpus, Cpus({9}));
  EXPECT_EQ(some.load_cpus, Cpus({2, 5, 6}));
}

TEST(Place, GivesTheServerSeveralCores) {
  const Placement placement = Place({.cpus = {0, 1, 2, 3}, .core_of = {0, 1, 2, 3}}, 2);
  EXPECT_EQ(placement.server_cpus, Cpus({2, 3}));
  EXPECT_EQ(placement.load_cpus, Cpus({0, 1}));
}

TEST(Place, LeavesTheHyperThreadOfTheServersCoreAlone) {
  const Placement placement = Place({.cpus = {0, 1, 2, 3}, .core_of = {0, 1, 0, 1}});
  EXPECT_EQ(placement.server_cpus, Cpus({1}));
  EXPECT_EQ(placement.load_cpus, Cpus({0, 2}));
}

TEST(Place, WarnsWhenThereIsOneCoreForBoth) {
  const Placement placement = Place({.cpus = {0, 1}, .core_of = {0, 0}});
  EXPECT_EQ(placement.server_cpus, Cpus({1}));
  EXPECT_EQ(placement.load_cpus, Cpus({0}));
  ASSERT_EQ(placement.warnings.size(), 1u);
  EXPECT_NE(placement.warnings[0].find("share a physical core"), std::string::npos);
}

TEST(Place, PinsNothingWhereThereAreTooFew) {
  const Placement one = Place({.cpus = {3}, .core_of = {3}});
  EXPECT_FALSE(one.pinned());
  EXPECT_TRUE(one.load_cpus.empty());
  EXPECT_EQ(one.warnings.size(), 1u);
  const Placement few = Place({.cpus = {0, 1}, .core_of = {0, 1}}, 2);
  EXPECT_FALSE(few.pinned());
  EXPECT_EQ(few.warnings.size(), 1u);
}

TEST(ReadCpus, KnowsACoreForEachCpu) {
  const CpuSet set = ReadCpus();
  EXPECT_FALSE(set.cpus.empty());
  EXPECT_EQ(set.cpus.size(), set.core_of.size());
}

TEST(ScopedAffinity, RestrictsAndPutsBack) {
  const Cpus before = ReadCpus().cpus;
  {
    const ScopedAffinity affinity({before.front()});
    EXPECT_EQ(ReadCpus().cpus, Cpus({before.front()}));
  }
  EXPECT_EQ(ReadCpus().cpus, before);
  {
    const ScopedAffinity nothing({});
    EXPECT_EQ(ReadCpus().cpus, before);
  }
}

}  // namespace
}  // namespace martlet::compare
