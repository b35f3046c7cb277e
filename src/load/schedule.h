// When each message is due and on which subject: all from the seed, without a clock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "load/plan.h"

namespace martlet::load {

/// The subjects of a plan and the streams on them. A stream is one publisher's messages on one
/// subject, numbered from 0.
///
///   all:    one set of subjects for everybody    ROOT, or ROOT.0, ROOT.1, ...
///   pairs:  a set for each publisher             ROOT.3,  or ROOT.3.0, ROOT.3.1, ...
class Streams {
 public:
  explicit Streams(const Plan& plan);

  uint32_t count() const { return publishers_ * subjects_; }
  uint32_t publisher_of(uint32_t stream) const {
    return subjects_ == 1 ? stream : stream / subjects_;
  }
  uint32_t first_of(uint32_t publisher) const { return publisher * subjects_; }
  uint32_t subjects() const { return subjects_; }

  /// Writes the subject of `stream` to `out` and returns its end; at most subject_bytes_max().
  char* WriteSubject(uint32_t stream, char* out) const;
  std::string SubjectOf(uint32_t stream) const;
  size_t subject_bytes_max() const { return root_.size() + size_t{2} * 11; }

  /// What a subscriber has to subscribe to, to hear `publisher` (pairs) or everybody (all).
  std::vector<std::string> FiltersFor(uint32_t publisher) const;

 private:
  std::string root_;
  uint32_t publishers_;
  uint32_t subjects_;
  bool pairs_;
  bool wildcard_;
};

/// Due times of one publisher's messages, in nanoseconds since the start of the run.
///
/// Fixed: the publishers take turns, evenly. Poisson: each has independent exponential gaps.
class Arrivals {
 public:
  Arrivals(const Plan& plan, uint32_t publisher);
  /// Of the next message; each call moves on.
  int64_t Next();

 private:
  bool poisson_;
  double gap_ns_;  // mean, of this publisher
  double next_ns_;
  base::Random random_;
};

/// How often Zipf picks each subject: an alias table, shared by all publishers.
class ZipfTable {
 public:
  ZipfTable(uint32_t count, double exponent);
  uint32_t Pick(base::Random& random) const;

 private:
  struct Cell {
    uint32_t threshold = 0;  // of 2^32: below it the cell itself, else the alias
    uint32_t alias = 0;
  };
  std::vector<Cell> cells_;
};

/// The subject of each of one publisher's messages: an index from 0 to subjects - 1.
class SubjectPicker {
 public:
  SubjectPicker(const Plan& plan, uint32_t publisher, std::shared_ptr<const ZipfTable> zipf);
  uint32_t Next() {
    if (subjects_ == 1) return 0;
    if (order_ == SubjectOrder::kRotate) return next_ = next_ + 1 == subjects_ ? 0 : next_ + 1;
    return order_ == SubjectOrder::kUniform ? random_.Below(subjects_) : zipf_->Pick(random_);
  }

 private:
  uint32_t subjects_;
  SubjectOrder order_;
  uint32_t next_;
  std::shared_ptr<const ZipfTable> zipf_;
  base::Random random_;
};

/// The table for a plan; null where it needs none.
std::shared_ptr<const ZipfTable> MakeZipf(const Plan& plan);

/// The first `count` messages of the plan in the order of their due times (of the publishers, where
/// nothing is due at a time), one a line: due time in ns, publisher, subject, sequence, payload
/// bytes and a hash of them. The same plan gives the same text, always.
std::string DescribeSchedule(const Plan& plan, uint64_t count);

}  // namespace martlet::load
