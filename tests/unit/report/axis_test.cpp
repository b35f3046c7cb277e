#include "report/axis.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::report {
namespace {

std::vector<std::string> Labels(const Axis& axis) {
  std::vector<std::string> labels;
  for (const Tick& tick : axis.ticks) labels.push_back(tick.label);
  return labels;
}

using Texts = std::vector<std::string>;

TEST(LinearAxis, EndsAtARoundNumber) {
  const Axis axis = LinearAxis(0, 101'000, "", CountLabel);
  EXPECT_EQ(axis.high, 120'000);
  EXPECT_EQ(Labels(axis), (Texts{"0", "20 k", "40 k", "60 k", "80 k", "100 k", "120 k"}));
  EXPECT_DOUBLE_EQ(axis.At(60'000), 0.5);
  EXPECT_EQ(axis.At(-5), 0);
  EXPECT_EQ(axis.At(1e9), 1);
}

TEST(LogAxis, LabelsOneTwoFive) {
  const Axis axis = LogAxis(21'000, 457'000, "", DurationLabel);
  EXPECT_EQ(Labels(axis), (Texts{"20 µs", "50 µs", "100 µs", "200 µs", "500 µs"}));
  EXPECT_NEAR(axis.At(100'000), 0.5, 1e-9);
}

TEST(LogAxis, LabelsPowersAloneWhenLong) {
  const Axis axis = LogAxis(1'000, 1e9, "", DurationLabel);
  Texts labels;
  for (const std::string& label : Labels(axis)) {
    if (!label.empty()) labels.push_back(label);
  }
  EXPECT_EQ(labels, (Texts{"1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"}));
}

TEST(PercentileAxis, CountsNines) {
  const Axis axis = PercentileAxis(5);
  EXPECT_EQ(Labels(axis), (Texts{"p0", "p50", "p90", "p99", "p99.9", "p99.99", "p99.999"}));
  EXPECT_NEAR(axis.At(1000), 0.6, 1e-9);
}

TEST(Axis, ComesOutOfWhateverGoesIn) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const double low : {0.0, -1.0, 5.0, 1e-9, 1e18, nan, inf}) {
    for (const double high : {0.0, -1.0, 5.0, 1e-9, 1e18, nan, inf}) {
      for (const Axis& axis :
           {LinearAxis(low, high, "", CountLabel), LogAxis(low, high, "", DurationLabel)}) {
        EXPECT_LT(axis.low, axis.high) << low << " " << high;
        EXPECT_GE(axis.ticks.size(), 1u) << low << " " << high;
        EXPECT_LE(axis.ticks.size(), 100u) << low << " " << high;
        EXPECT_TRUE(std::isfinite(axis.At(low))) << low << " " << high;
        EXPECT_TRUE(std::isfinite(axis.At(nan)));
      }
    }
  }
}

TEST(Labels, AreShort) {
  EXPECT_EQ(CountLabel(0), "0");
  EXPECT_EQ(CountLabel(1'500'000), "1.5 M");
  EXPECT_EQ(CountLabel(2e9), "2 G");
  EXPECT_EQ(DurationLabel(500), "500 ns");
  EXPECT_EQ(DurationLabel(1.5e6), "1.5 ms");
  EXPECT_EQ(DurationLabel(3.6e12), "3600 s");
  EXPECT_EQ(SecondsLabel(2.5), "2.5 s");
}

}  // namespace
}  // namespace martlet::report
