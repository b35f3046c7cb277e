#include "base/random.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/counter.h"

namespace martlet::base {
namespace {

TEST(Random, SameSeedSameNumbers) {
  Random a(1), b(1), c(2);
  for (int i = 0; i < 10; ++i) {
    const uint64_t number = a.Next();
    EXPECT_EQ(number, b.Next());
    EXPECT_NE(number, c.Next());
  }
}

// The generator's published first outputs for seed 1234567.
TEST(Random, IsSplitmix64) {
  Random random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317u);
  EXPECT_EQ(random.Next(), 3203168211198807973u);
  EXPECT_EQ(random.Next(), 9817491932198370423u);
}

TEST(Random, BelowIsUniform) {
  constexpr uint32_t kBound = 7;
  constexpr int kDraws = 70'000;
  Random random(3);
  std::vector<int> counts(kBound);
  for (int i = 0; i < kDraws; ++i) ++counts.at(random.Below(kBound));
  double chi_squared = 0;
  for (const int count : counts) {
    const double off = count - 10'000.0;
    chi_squared += off * off / 10'000.0;
  }
  EXPECT_LT(chi_squared, 22.5);  // six degrees of freedom, one in a thousand
  EXPECT_EQ(random.Below(1), 0u);
}

TEST(Counter, GoesUpAndDownAndIsReadFromElsewhere) {
  Counter counter;
  std::thread owner([&] {
    for (int i = 0; i < 10'000; ++i) counter.Add();
    counter.Add(5);
    counter.Subtract();
    counter.Subtract(4);
  });
  uint64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t now = counter.Get();
    EXPECT_LE(now, 10'005u);
    last = now;
  }
  owner.join();
  EXPECT_LE(last, 10'005u);
  EXPECT_EQ(counter.Get(), 10'000u);
}

}  // namespace
}  // namespace martlet::base
