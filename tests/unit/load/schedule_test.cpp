#include "load/schedule.h"

#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace martlet::load {
namespace {

TEST(Streams, SubjectsAndFilters) {
  Plan plan;
  EXPECT_EQ(Streams(plan).SubjectOf(0), "bench");
  EXPECT_EQ(Streams(plan).FiltersFor(0), (std::vector<std::string>{"bench"}));
  plan.wildcard = true;
  EXPECT_EQ(Streams(plan).SubjectOf(0), "bench.0");
  EXPECT_EQ(Streams(plan).FiltersFor(0), (std::vector<std::string>{"bench.*"}));
  plan.subjects = 3;
  plan.publishers = 2;
  EXPECT_EQ(Streams(plan).count(), 6u);
  EXPECT_EQ(Streams(plan).SubjectOf(5), "bench.2");  // shared by both publishers
  plan.topology = Topology::kPairs;
  EXPECT_EQ(Streams(plan).SubjectOf(5), "bench.1.2");
  EXPECT_EQ(Streams(plan).FiltersFor(1), (std::vector<std::string>{"bench.1.*"}));
  plan.wildcard = false;
  EXPECT_EQ(Streams(plan).FiltersFor(1),
            (std::vector<std::string>{"bench.1.0", "bench.1.1", "bench.1.2"}));
}

TEST(Arrivals, FixedIsEvenOverAllPublishers) {
  Plan plan;
  plan.publishers = 4;
  plan.rate = 1000;
  std::set<int64_t> due;
  for (uint32_t p = 0; p < 4; ++p) {
    Arrivals arrivals(plan, p);
    for (int i = 0; i < 10; ++i) due.insert(arrivals.Next());
  }
  ASSERT_EQ(due.size(), 40u);
  int64_t expected = 0;
  for (const int64_t time : due) {
    EXPECT_EQ(time, expected);
    expected += 1'000'000;
  }
}

TEST(Arrivals, PoissonHasTheMeanAndSpreadOfOne) {
  Plan plan;
  plan.rate = 1000;
  plan.arrival = Arrival::kPoisson;
  Arrivals arrivals(plan, 0);
  constexpr int kCount = 100'000;
  double sum = 0;
  double squares = 0;
  int64_t before = 0;
  for (int i = 0; i < kCount; ++i) {
    const int64_t due = arrivals.Next();
    const auto gap = static_cast<double>(due - before);
    before = due;
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / kCount;
  const double deviation = std::sqrt(squares / kCount - mean * mean);
  EXPECT_NEAR(mean, 1e6, 1e4);
  EXPECT_NEAR(deviation, 1e6, 2e4);  // an exponential's deviation is its mean
}

TEST(SubjectPicker, RotatesFromTheFirst) {
  Plan plan;
  plan.subjects = 3;
  SubjectPicker picker(plan, 0, nullptr);
  for (const uint32_t expected : {0U, 1U, 2U, 0U, 1U}) EXPECT_EQ(picker.Next(), expected);
}

TEST(SubjectPicker, ZipfFollowsItsLaw) {
  Plan plan;
  plan.subjects = 100;
  plan.subject_order = SubjectOrder::kZipf;
  SubjectPicker picker(plan, 0, MakeZipf(plan));
  std::map<uint32_t, double> counts;
  constexpr int kCount = 1'000'000;
  for (int i = 0; i < kCount; ++i) ++counts[picker.Next()];
  double harmonic = 0;
  for (int i = 1; i <= 100; ++i) harmonic += 1.0 / i;
  for (const uint32_t subject : {0U, 1U, 9U, 99U}) {
    const double expected = kCount / (subject + 1.0) / harmonic;
    EXPECT_NEAR(counts[subject], expected, 5 * std::sqrt(expected)) << subject;
  }
}

TEST(DescribeSchedule, TheSeedDecidesEverything) {
  Plan plan;
  plan.publishers = 3;
  plan.subjects = 50;
  plan.subject_order = SubjectOrder::kUniform;
  plan.rate = 5000;
  plan.arrival = Arrival::kPoisson;
  const std::string first = DescribeSchedule(plan, 1000);
  EXPECT_EQ(first, DescribeSchedule(plan, 1000));
  plan.seed = 2;
  EXPECT_NE(first, DescribeSchedule(plan, 1000));
}

// Anybody's run with these parameters sends just this, on every machine.
TEST(DescribeSchedule, IsTheSameEverywhere) {
  Plan plan;
  plan.rate = 1000;
  plan.size_bytes = 32;
  EXPECT_EQ(DescribeSchedule(plan, 3),
            "0 0 bench 0 32 2cc121d252faaa74\n"
            "1000000 0 bench 1 32 480c1db019532b29\n"
            "2000000 0 bench 2 32 da15ac3c0e9218d2\n");
}

}  // namespace
}  // namespace martlet::load
