#include "measure/statistics.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace martlet::measure {
namespace {

using Values = std::vector<double>;

/// Figures of one server: log-normal noise of relative deviation `noise` around `level`.
class NoisyServer {
 public:
  NoisyServer(double level, double noise, uint64_t seed)
      : level_(level), noise_(noise), random_(seed) {}

  Values Rounds(size_t count) {
    Values values;
    for (size_t i = 0; i < count; ++i) values.push_back(level_ * std::exp(noise_ * Gaussian()));
    return values;
  }

 private:
  double Uniform() { return (static_cast<double>(random_.Next() >> 11) + 0.5) * 0x1p-53; }
  double Gaussian() {  // Box and Muller
    const double radius = std::sqrt(-2 * std::log(Uniform()));
    return radius * std::cos(2 * std::numbers::pi * Uniform());
  }

  double level_;
  double noise_;
  base::Random random_;
};

constexpr int kTries = 4000;

/// The share of tries in which two servers, `b` being `factor` times `a`, are told apart rightly.
double ShareOfVerdict(Verdict wanted, double factor, double noise, size_t rounds,
                      double confidence = kRatioConfidence) {
  NoisyServer a(1000, noise, 7);
  NoisyServer b(1000 * factor, noise, 8);
  int found = 0;
  for (int i = 0; i < kTries; ++i) {
    const Ratio ratio = PairedRatio(a.Rounds(rounds), b.Rounds(rounds), kRatioFloor, confidence);
    if (Judge(ratio, true) == wanted) ++found;
  }
  return static_cast<double>(found) / kTries;
}

TEST(PairedRatio, SeesNoDifferenceWhereThereIsNone) {
  for (const double noise : {0.02, 0.03, 0.05}) {
    for (const size_t rounds : {size_t{5}, size_t{7}, size_t{9}}) {
      EXPECT_GE(ShareOfVerdict(Verdict::kNoDifference, 1, noise, rounds), 0.97)
          << noise << " " << rounds;
    }
  }
}

TEST(PairedRatio, FindsTrueDifferences) {
  EXPECT_GE(ShareOfVerdict(Verdict::kBBetter, 1.3, 0.05, 7), 0.95);
  EXPECT_GE(ShareOfVerdict(Verdict::kBWorse, 1 / 1.3, 0.05, 7), 0.95);
  EXPECT_GE(ShareOfVerdict(Verdict::kBBetter, 3, 0.05, 5), 0.99);
}

TEST(PairedRatio, AFamilyOfVerdictsIsAsSureAsItsBound) {
  // Twelve figures at 1 - 0.02 / 12 each: one try in fifty may be wrong somewhere.
  const double each = ShareOfVerdict(Verdict::kNoDifference, 1, 0.05, 7, 1 - 0.02 / 12);
  EXPECT_GE(std::pow(each, 12), 0.95);
}

TEST(PairedRatio, HoldsTheTrueRatioAsOftenAsItSays) {
  NoisyServer a(1000, 0.05, 1);
  NoisyServer b(2500, 0.05, 2);
  for (const double confidence : {0.9, 0.95, 0.99}) {
    int held = 0;
    for (int i = 0; i < kTries; ++i) {
      const Ratio ratio = PairedRatio(a.Rounds(7), b.Rounds(7), 0, confidence);
      if (ratio.low <= 2.5 && 2.5 <= ratio.high) ++held;
    }
    const double share = static_cast<double>(held) / kTries;
    EXPECT_GE(share, confidence - 0.012) << confidence;
    EXPECT_LE(share, confidence + 0.035) << confidence;
  }
}

TEST(PairedRatio, IntervalIsStudentsForFewRounds) {
  // Log ratios -d, 0, d: mean 0, deviation d, t(99 %, 2 degrees) = 9.92484.
  const double d = 0.01;
  const Ratio ratio = PairedRatio({1, 1, 1}, {std::exp(-d), 1, std::exp(d)}, 0);
  EXPECT_NEAR(ratio.estimate, 1, 1e-12);
  EXPECT_NEAR(std::log(ratio.high), 9.92484 * d / std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(std::log(ratio.low), -9.92484 * d / std::sqrt(3.0), 1e-6);
  EXPECT_EQ(ratio.rounds, 3u);
}

TEST(PairedRatio, IntervalIsStudentsForOddDegreesOfFreedom) {
  // t(95 %, 3) = 3.18245, of log ratios -d, -d, d, d: deviation d * sqrt(4/3).
  const double d = 0.01;
  const double e = std::exp(d);
  const Ratio ratio = PairedRatio({e, e, 1, 1}, {1, 1, e, e}, 0, 0.95);
  EXPECT_NEAR(std::log(ratio.high), 3.18245 * d * std::sqrt(4.0 / 3) / 2, 1e-6);
}

TEST(PairedRatio, IsNeverNarrowerThanItsFloor) {
  const Ratio ratio = PairedRatio({100, 100, 100, 100, 100}, {200, 200, 200, 200, 200}, 0.02);
  EXPECT_NEAR(ratio.estimate, 2, 1e-12);
  EXPECT_NEAR(ratio.low, 2 / 1.02, 1e-12);
  EXPECT_NEAR(ratio.high, 2 * 1.02, 1e-12);
}

TEST(PairedRatio, ExchangedServersGiveTheInverse) {
  const Values a = {10, 11, 12, 10.5, 9, 13, 10, 11};
  const Values b = {20, 19, 25, 21, 22, 20, 18, 40};
  const Ratio forward = PairedRatio(a, b);
  const Ratio backward = PairedRatio(b, a);
  EXPECT_NEAR(forward.estimate * backward.estimate, 1, 1e-12);
  EXPECT_NEAR(forward.low * backward.high, 1, 1e-12);
  EXPECT_NEAR(forward.high * backward.low, 1, 1e-12);
}

TEST(PairedRatio, OneRoundSaysNothingOfNoise) {
  const Ratio ratio = PairedRatio({1}, {3});
  EXPECT_NEAR(ratio.estimate, 3, 1e-12);
  EXPECT_EQ(ratio.low, 0);
  EXPECT_EQ(ratio.high, std::numeric_limits<double>::infinity());
  EXPECT_EQ(Judge(ratio, true), Verdict::kNoDifference);
  EXPECT_EQ(VerdictText(ratio, true), "no difference seen (one round)");
}

TEST(PairedRatio, MakesNothingOfWhatHasNoRatio) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Ratio& ratio : {PairedRatio({}, {}), PairedRatio({1, 2}, {1}), PairedRatio({1}, {0}),
                             PairedRatio({-1}, {1}), PairedRatio({nan}, {1})}) {
    EXPECT_EQ(ratio.rounds, 0u);
    EXPECT_EQ(Judge(ratio, true), Verdict::kNoDifference);
    EXPECT_EQ(VerdictText(ratio, false), "not comparable");
  }
}

TEST(Verdict, KnowsWhichDirectionIsGood) {
  const Ratio higher = {1.5, 1.4, 1.6, 7};
  const Ratio lower = {0.5, 0.45, 0.55, 7};
  EXPECT_EQ(Judge(higher, true), Verdict::kBBetter);
  EXPECT_EQ(Judge(higher, false), Verdict::kBWorse);
  EXPECT_EQ(Judge(lower, true), Verdict::kBWorse);
  EXPECT_EQ(Judge(lower, false), Verdict::kBBetter);
}

TEST(Verdict, ReadsAsASentence) {
  EXPECT_EQ(VerdictText({3.1, 2.9, 3.3, 7}, true), "faster by 3.1x (2.9-3.3)");
  EXPECT_EQ(VerdictText({1 / 1.2, 1 / 1.3, 1 / 1.1, 7}, true), "slower by 1.20x (1.10-1.30)");
  EXPECT_EQ(VerdictText({1.01, 0.98, 1.03, 7}, true), "no difference seen (0.98-1.03)");
  EXPECT_EQ(VerdictText({0.25, 0.2, 0.4, 7}, false), "less by 4.0x (2.5-5.0)");
  EXPECT_EQ(VerdictText({250, 200, 400, 7}, false), "more by 250x (200-400)");
  EXPECT_EQ(VerdictText({1.03, 1.002, 1.06, 7}, true), "faster by 1.030x (1.002-1.060)");
}

TEST(Median, IsTheMiddle) {
  EXPECT_EQ(Median({}), 0);
  EXPECT_EQ(Median({5}), 5);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({4, 1, 3, 2}), 2.5);
}

TEST(SpreadOf, IgnoresOneOutlier) {
  const Spread spread = SpreadOf({100, 102, 98, 101, 1000});
  EXPECT_EQ(spread.median, 101);
  EXPECT_EQ(spread.min, 98);
  EXPECT_EQ(spread.max, 1000);
  EXPECT_DOUBLE_EQ(spread.relative_deviation, 1.0 / 101);
  EXPECT_EQ(SpreadOf({}).median, 0);
  EXPECT_EQ(SpreadOf({0, 0}).relative_deviation, 0);
}

}  // namespace
}  // namespace martlet::measure
