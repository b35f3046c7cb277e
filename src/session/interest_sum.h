// Whether two servers hold the same interest, in a few bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "subject/subject.h"

namespace martlet::session {

/// Sums up filters with their weights. The same filters give the same sum, whatever the order in
/// which they came and went. What goes into it is told to other servers: when it changes, so does
/// proto::kMartletChecks.
class InterestSum {
 public:
  void Add(std::string_view subject, std::string_view queue, uint32_t weight) {
    ++filters_;
    sum_ += HashOf(subject, queue) * weight;
  }
  void Remove(std::string_view subject, std::string_view queue, uint32_t weight) {
    --filters_;
    sum_ -= HashOf(subject, queue) * weight;
  }
  uint64_t filters() const { return filters_; }
  uint64_t sum() const { return sum_; }
  friend bool operator==(const InterestSum&, const InterestSum&) = default;

 private:
  static uint64_t HashOf(std::string_view subject, std::string_view queue) {
    return subject::HashBytes(subject, subject::HashBytes(queue, 0));
  }

  uint64_t filters_ = 0;
  uint64_t sum_ = 0;
};

}  // namespace martlet::session
