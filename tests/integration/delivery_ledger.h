// What was published, what arrived, and what that says: the rules of delivery, without a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace delivery {

/// The first bytes of every payload. A stream is one publisher on one subject.
struct Stamp {
  uint32_t publisher;
  uint32_t stream;
  uint64_t stream_seq;     // 0, 1, 2... without a gap
  uint64_t publisher_seq;  // counts over all streams of the publisher
  uint64_t hash;           // over everything else in the payload, and its size
};
static_assert(sizeof(Stamp) == 32);

/// Hash over a whole stamped payload except the eight bytes that hold the hash.
uint64_t HashPayload(std::string_view payload);

/// Names one message and where it was met, for a finding.
std::string Where(const Stamp& stamp, std::string_view where);

/// Totals of one run and the first few findings in words.
struct Report {
  uint64_t published = 0;
  uint64_t delivered = 0;
  uint64_t lost = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t corrupted = 0;
  uint64_t stray = 0;  // for a subscription that should not have it
  uint64_t late = 0;   // after the PONG that should have followed it
  uint64_t epochs = 0;
  uint64_t reconnects = 0;
  double seconds = 0;
  bool broken = false;  // the run could not be finished: disconnect, -ERR, stall
  std::vector<std::string> findings;

  bool ok() const {
    return !broken && lost + duplicated + reordered + corrupted + stray + late == 0;
  }
  void Note(std::string finding) {
    if (findings.size() < 20) findings.push_back(std::move(finding));
  }
  /// Adds one to a counter of this report.
  void Count(uint64_t& counter, std::string finding) {
    ++counter;
    Note(std::move(finding));
  }
  /// The first reason stays: others follow from it.
  void Break(std::string why) {
    if (!broken) Note(std::move(why));
    broken = true;
  }
};

enum class Verdict : uint8_t { kInOrder, kGap, kLate, kDuplicate };

/// One stream at one subscription: exactly once and in order.
///
/// Invariant: every number below `next()` was seen once or stands in `missing_`.
class StreamTrack {
 public:
  /// Starts at `first` instead of 0: a subscription made in the middle of a stream.
  void StartAt(uint64_t first) { next_ = first; }
  Verdict Take(uint64_t seq);
  uint64_t next() const { return next_; }
  uint64_t missing() const;
  /// The numbers missing below `end`, as "3, 7..9"; at most a few of them.
  std::string Describe(uint64_t end) const;

 private:
  uint64_t next_ = 0;
  std::map<uint64_t, uint64_t> missing_;  // first → one past the last
};

/// One stream over all members of a queue group: exactly once; order is a matter of each member.
class GroupTrack {
 public:
  explicit GroupTrack(uint64_t messages) : seen_((messages + 63) / 64) {}
  /// False if it has been seen before, or can never have been published.
  bool Take(uint64_t seq);
  uint64_t count() const { return count_; }
  std::string Describe(uint64_t end) const;

 private:
  std::vector<uint64_t> seen_;
  uint64_t count_ = 0;
};

/// True if a literal `subject` matches `filter` (with `*` and `>`).
bool Matches(std::string_view filter, std::string_view subject);

}  // namespace delivery
