#include "measure/histogram.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <limits>

#include "base/check.h"

namespace martlet::measure {
namespace {

/// Bits of the half of the sub-buckets: enough of them that one unit is still `digits` digits fine
/// at 2 * 10^digits.
int HalfBits(int digits) {
  CHECK(digits >= 1 && digits <= 5);
  uint64_t largest_exact = 2;
  for (int i = 0; i < digits; ++i) largest_exact *= 10;
  return static_cast<int>(std::bit_width(largest_exact - 1)) - 1;
}

[[gnu::format(printf, 2, 3)]] void Append(std::string& out, const char* format, ...) {
  char line[512];
  va_list values;
  va_start(values, format);
  const int length = std::vsnprintf(line, sizeof line, format, values);
  va_end(values);
  CHECK(length >= 0 && static_cast<size_t>(length) < sizeof line);
  out.append(line, static_cast<size_t>(length));
}

/// The percentiles that a distribution is printed at: `ticks` for each halving of what is left.
class Ladder {
 public:
  explicit Ladder(int ticks) : ticks_(ticks) {}

  double level() const { return level_; }
  void Climb() {
    const double halvings = std::floor(std::log(100.0 / (100.0 - level_)) / std::log(2.0)) + 1;
    level_ = std::min(100.0, level_ + 100.0 / (ticks_ * std::exp2(halvings)));
  }

 private:
  int ticks_;
  double level_ = 0;  // percent
};

void AppendRung(std::string& out, int digits, double value, double level, uint64_t below) {
  const auto count = static_cast<long long>(below);
  Append(out, "%12.*f %2.12f %10lld", digits, value, level / 100.0, count);
  if (level < 100.0) Append(out, " %14.2f", 1 / (1.0 - level / 100.0));
  out += '\n';
}

}  // namespace

Histogram::Histogram(int digits, int64_t highest)
    : digits_(digits), highest_(highest), sub_bucket_half_bits_(HalfBits(digits)) {
  CHECK(highest >= 2);
  counts_.resize((static_cast<size_t>(OctaveAt(IndexOf(highest))) + 2) << sub_bucket_half_bits_);
}

void Histogram::Merge(const Histogram& other) {
  CHECK(other.digits_ == digits_ && other.highest_ == highest_);
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  clamped_ += other.clamped_;
}

void Histogram::Clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  clamped_ = 0;
}

int64_t Histogram::Min() const {
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) return LowestAt(i);
  }
  return 0;
}

int64_t Histogram::Max() const {
  for (size_t i = counts_.size(); i-- > 0;) {
    if (counts_[i] != 0) return HighestAt(i);
  }
  return 0;
}

double Histogram::Mean() const {
  if (count_ == 0) return 0;
  double sum = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) sum += MedianAt(i) * static_cast<double>(counts_[i]);
  }
  return sum / static_cast<double>(count_);
}

double Histogram::StandardDeviation() const {
  if (count_ == 0) return 0;
  const double mean = Mean();
  double sum = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const double deviation = MedianAt(i) - mean;
    sum += deviation * deviation * static_cast<double>(counts_[i]);
  }
  return std::sqrt(sum / static_cast<double>(count_));
}

int64_t Histogram::ValueAt(double percentile) const {
  // One step less, so that what is exact in decimal does not round up into the next bucket.
  const double below = std::nextafter(percentile, -std::numeric_limits<double>::infinity());
  const double wanted = std::clamp(below, 0.0, 100.0) * static_cast<double>(count_) / 100.0;
  const uint64_t rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(wanted)));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return percentile == 0.0 ? LowestAt(i) : HighestAt(i);
  }
  return 0;
}

void Histogram::ForEach(absl::FunctionRef<void(int64_t value, uint64_t count)> visit) const {
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) visit(HighestAt(i), counts_[i]);
  }
}

std::string Histogram::PercentileText(double unit, int ticks) const {
  CHECK(ticks >= 1);
  std::string out;
  Append(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");

  Ladder ladder(ticks);
  uint64_t seen = 0;
  int64_t last = 0;
  for (size_t i = 0; i < counts_.size() && seen < count_; ++i) {
    if (counts_[i] == 0) continue;
    seen += counts_[i];
    last = HighestAt(i);
    const double reached = 100.0 * static_cast<double>(seen) / static_cast<double>(count_);
    // A bucket that holds many stands for many rungs; the last one for the rung it is found at.
    while (ladder.level() < 100.0 && reached >= ladder.level()) {
      AppendRung(out, digits_, static_cast<double>(last) / unit, ladder.level(), seen);
      ladder.Climb();
      if (seen == count_) break;
    }
  }
  if (count_ != 0) AppendRung(out, digits_, static_cast<double>(last) / unit, 100.0, seen);

  const size_t half = size_t{1} << sub_bucket_half_bits_;
  Append(out, "#[Mean    = %12.*f, StdDeviation   = %12.*f]\n", digits_, Mean() / unit, digits_,
         StandardDeviation() / unit);
  Append(out, "#[Max     = %12.*f, Total count    = %12lld]\n", digits_,
         static_cast<double>(Max()) / unit, static_cast<long long>(count_));
  Append(out, "#[Buckets = %12zu, SubBuckets     = %12zu]\n", counts_.size() / half - 1, 2 * half);
  return out;
}

int Histogram::OctaveAt(size_t index) const {
  return std::max(0, static_cast<int>(index >> sub_bucket_half_bits_) - 1);
}

int64_t Histogram::LowestAt(size_t index) const {
  const int octave = OctaveAt(index);
  const size_t sub_bucket = index - (static_cast<size_t>(octave) << sub_bucket_half_bits_);
  return static_cast<int64_t>(sub_bucket) << octave;
}

int64_t Histogram::HighestAt(size_t index) const {
  return LowestAt(index) + (int64_t{1} << OctaveAt(index)) - 1;
}

double Histogram::MedianAt(size_t index) const {
  return static_cast<double>(LowestAt(index) + ((int64_t{1} << OctaveAt(index)) >> 1));
}

}  // namespace martlet::measure
