// Latencies counted so that the tail keeps its precision: HdrHistogram's layout and arithmetic.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>

namespace martlet::measure {

/// Counts of values between 0 and `highest`, each kept to `digits` significant decimal digits.
///
/// Layout, bucket bounds and percentile arithmetic are those of HdrHistogram (unit magnitude 0), so
/// that the same values give the same answers there. Values are nanoseconds by convention here.
///
/// A value above `highest` is counted as `highest` and in clamped(); a negative one as 0.
/// Memory: 8 bytes times 2^ceil(log2(2 * 10^digits)) / 2 times (octaves above it + 1); 3 digits up
/// to an hour: 264 KiB.
/// Thread:     one writer at a time; read when it has stopped.
/// Source:     HdrHistogram's AbstractHistogram.java.
class Histogram {
 public:
  static constexpr int64_t kHourNs = 3'600'000'000'000;

  Histogram() : Histogram(3) {}
  /// `digits` is 1 to 5; `highest` at least 2.
  explicit Histogram(int digits, int64_t highest = kHourNs);

  void Record(int64_t value, uint64_t times = 1) {
    if (value > highest_) {
      clamped_ += times;
      value = highest_;
    }
    counts_[IndexOf(std::max<int64_t>(value, 0))] += times;
    count_ += times;
  }
  /// Adds the counts of `other`, which has the same digits and highest value.
  void Merge(const Histogram& other);
  void Clear();

  uint64_t count() const { return count_; }
  uint64_t clamped() const { return clamped_; }
  int digits() const { return digits_; }
  /// Bounds of the buckets of the least and the greatest value: at most the least one recorded, at
  /// least the greatest. 0 when empty, as the next three.
  int64_t Min() const;
  int64_t Max() const;
  double Mean() const;
  double StandardDeviation() const;
  /// The highest value equivalent to the one that `percentile` (0 to 100) of all do not exceed;
  /// for percentile 0 the lowest one.
  int64_t ValueAt(double percentile) const;

  /// Calls `visit(highest value of the bucket, its count)` for each bucket that is not empty, in
  /// rising order.
  void ForEach(absl::FunctionRef<void(int64_t value, uint64_t count)> visit) const;

  /// The text that HdrHistogram's outputPercentileDistribution prints (.hgrm), values divided by
  /// `unit` (1000: microseconds), `ticks` lines per halving of the distance to 100 %. Byte for byte
  /// the C library's; Java rounds the twelfth decimal of a percentile up where C rounds to even.
  std::string PercentileText(double unit = 1000.0, int ticks = 5) const;

 private:
  /// The octave of a value says which half of the sub-buckets, counted in one run, holds it; its
  /// leading bits say which of them. Octave 0 has both halves.
  size_t IndexOf(int64_t value) const {
    const auto bits = static_cast<uint64_t>(value);
    const uint64_t mask = (uint64_t{2} << sub_bucket_half_bits_) - 1;
    const int octave = 63 - sub_bucket_half_bits_ - std::countl_zero(bits | mask);
    return (static_cast<size_t>(octave) << sub_bucket_half_bits_) + (bits >> octave);
  }
  int OctaveAt(size_t index) const;
  int64_t LowestAt(size_t index) const;
  int64_t HighestAt(size_t index) const;
  double MedianAt(size_t index) const;

  int digits_;
  int64_t highest_;
  int sub_bucket_half_bits_;
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t clamped_ = 0;
};

}  // namespace martlet::measure
