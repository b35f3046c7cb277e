#include "measure/histogram.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::measure {
namespace {

/// Cubes with one straggler; the expected figures and texts below are what HdrHistogram 2.1.11
/// (Java) says of the same values.
Histogram Cubes() {
  Histogram histogram;
  for (int64_t i = 1; i <= 200; ++i) histogram.Record(i * i * i * 7 + 1000);
  histogram.Record(250'000'000);
  return histogram;
}

TEST(Histogram, AnswersAsHdrHistogram) {
  const Histogram histogram = Cubes();
  EXPECT_EQ(histogram.ValueAt(0), 1007);
  EXPECT_EQ(histogram.ValueAt(1), 1189);
  EXPECT_EQ(histogram.ValueAt(25), 929791);
  EXPECT_EQ(histogram.ValueAt(50), 7217151);
  EXPECT_EQ(histogram.ValueAt(75), 24117247);
  EXPECT_EQ(histogram.ValueAt(90), 41517055);
  EXPECT_EQ(histogram.ValueAt(99), 55181311);
  EXPECT_EQ(histogram.ValueAt(99.9), 250085375);
  EXPECT_EQ(histogram.ValueAt(99.99), 250085375);
  EXPECT_EQ(histogram.ValueAt(99.999), 250085375);
  EXPECT_EQ(histogram.ValueAt(100), 250085375);
  EXPECT_EQ(histogram.Min(), 1007);
  EXPECT_EQ(histogram.Max(), 250085375);
  EXPECT_DOUBLE_EQ(histogram.Mean(), 1.5315283855721394E7);
  EXPECT_DOUBLE_EQ(histogram.StandardDeviation(), 2.3023986578286674E7);
}

TEST(Histogram, PrintsHdrHistogramsDistribution) {
  EXPECT_EQ(Cubes().PercentileText(1000.0, 1),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.007 0.000000000000          1           1.00\n"
            "    7217.151 0.500000000000        101           2.00\n"
            "   24117.247 0.750000000000        151           4.00\n"
            "   38174.719 0.875000000000        176           8.00\n"
            "   47284.223 0.937500000000        189          16.00\n"
            "   51937.279 0.968750000000        195          32.00\n"
            "   54362.111 0.984375000000        198          64.00\n"
            "   56033.279 0.992187500000        200         128.00\n"
            "  250085.375 0.996093750000        201         256.00\n"
            "  250085.375 1.000000000000        201\n"
            "#[Mean    =    15315.284, StdDeviation   =    23023.987]\n"
            "#[Max     =   250085.375, Total count    =          201]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
}

TEST(Histogram, PrintsAnEmptyDistribution) {
  EXPECT_EQ(Histogram().PercentileText(),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "#[Mean    =        0.000, StdDeviation   =        0.000]\n"
            "#[Max     =        0.000, Total count    =            0]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
}

TEST(Histogram, SaysNothingOfNothing) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Min(), 0);
  EXPECT_EQ(histogram.Max(), 0);
  EXPECT_EQ(histogram.Mean(), 0);
  EXPECT_EQ(histogram.StandardDeviation(), 0);
  EXPECT_EQ(histogram.ValueAt(50), 0);
  histogram.ForEach([](int64_t, uint64_t) { ADD_FAILURE(); });
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (int64_t value = 0; value < 2048; ++value) {
    histogram.Clear();
    histogram.Record(value);
    EXPECT_EQ(histogram.Min(), value);
    EXPECT_EQ(histogram.Max(), value);
  }
}

TEST(Histogram, LargeValuesKeepTheirDigits) {
  for (int digits = 1; digits <= 5; ++digits) {
    const double precision = 1 / std::pow(10.0, digits);
    Histogram histogram(digits);
    for (int64_t value = 1; value < Histogram::kHourNs; value = value * 5 / 3 + 1) {
      histogram.Clear();
      histogram.Record(value);
      EXPECT_LE(histogram.Min(), value);
      EXPECT_GE(histogram.Max(), value);
      EXPECT_LE(static_cast<double>(histogram.Max() - histogram.Min()),
                precision * static_cast<double>(value));
      EXPECT_EQ(histogram.ValueAt(0), histogram.Min());
      EXPECT_EQ(histogram.ValueAt(100), histogram.Max());
    }
  }
}

TEST(Histogram, ClampsWhatIsOutOfRange) {
  Histogram histogram(3, 1'000'000);
  histogram.Record(-5);
  EXPECT_EQ(histogram.Max(), 0);
  EXPECT_EQ(histogram.clamped(), 0u);
  histogram.Record(INT64_MAX, 3);
  EXPECT_EQ(histogram.clamped(), 3u);
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_LE(histogram.Min(), 0);
  EXPECT_GE(histogram.Max(), 1'000'000);
  EXPECT_LT(histogram.Max(), 1'001'000);
}

TEST(Histogram, MergedCountsAreThoseOfOne) {
  Histogram evens;
  Histogram odds;
  Histogram all;
  for (int64_t i = 0; i < 10'000; ++i) {
    (i % 2 == 0 ? evens : odds).Record(i * 1000);
    all.Record(i * 1000);
  }
  odds.Record(INT64_MAX);
  all.Record(INT64_MAX);
  evens.Merge(odds);
  EXPECT_EQ(evens.PercentileText(), all.PercentileText());
  EXPECT_EQ(evens.clamped(), 1u);
  evens.Clear();
  EXPECT_EQ(evens.count(), 0u);
  EXPECT_EQ(evens.clamped(), 0u);
  EXPECT_EQ(evens.PercentileText(), Histogram().PercentileText());
}

TEST(Histogram, VisitsBucketsInRisingOrder) {
  Histogram histogram;
  histogram.Record(3'000'000, 4);
  histogram.Record(7);
  histogram.Record(3'000'001);
  std::vector<std::pair<int64_t, uint64_t>> seen;
  histogram.ForEach([&seen](int64_t value, uint64_t count) { seen.emplace_back(value, count); });
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], (std::pair<int64_t, uint64_t>(7, 1)));
  EXPECT_EQ(seen[1], (std::pair<int64_t, uint64_t>(3'000'319, 5)));
}

}  // namespace
}  // namespace martlet::measure
