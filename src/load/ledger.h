// Which messages came: what is missing, came twice, out of order, or changed on the way.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "load/contents.h"
#include "load/result.h"

namespace martlet::load {

/// Collects faults and the names of the first few. One per worker thread.
class FaultBook {
 public:
  static constexpr size_t kNamedMax = 10;

  enum class Kind : uint8_t { kLost, kDuplicated, kReordered, kCorrupted };
  /// `count` messages of `stream` from `sequence` on, as `who` saw them.
  void Add(Kind kind, const std::string& who, uint32_t stream, uint64_t sequence,
           uint64_t count = 1);
  void AddCorrupted(const std::string& who, std::string_view what);
  void MergeInto(Faults& faults) const;

 private:
  void Name(std::string text);
  Faults faults_;
};

/// What one subscriber must see: every message of its streams once, in order.
///
/// A sequence that is jumped over is noted as missing; when it comes later it was reordered, when
/// it never comes it is lost, and what comes again without being missing is a duplicate.
class OrderedLedger {
 public:
  /// Streams are those from `first` on, `count` of them. `book` is borrowed.
  OrderedLedger(std::string who, uint32_t first, uint32_t count, FaultBook& book)
      : who_(std::move(who)), first_(first), next_(count), book_(book) {}

  /// Returns whether the message is a new one.
  bool Take(const Head& head) {
    const uint32_t index = head.stream - first_;
    if (index < next_.size() && head.sequence == next_[index]) [[likely]] {
      ++next_[index];
      return true;
    }
    return TakeOdd(head);
  }
  /// At the end: `sent` messages have gone out on `stream`.
  void Close(uint32_t stream, uint64_t sent);

  const std::string& who() const { return who_; }

 private:
  using Gaps = std::map<uint64_t, uint64_t>;  // first missing sequence → one past the last
  bool TakeOdd(const Head& head);

  std::string who_;
  uint32_t first_;
  std::vector<uint64_t> next_;     // by stream
  std::map<uint32_t, Gaps> gaps_;  // of the few streams that have some
  FaultBook& book_;
};

/// What a group must see between its members: every message of a stream once, in any order.
class SharedLedger {
 public:
  SharedLedger(std::string who, uint32_t first, uint32_t count, FaultBook& book)
      : who_(std::move(who)), first_(first), streams_(count), book_(book) {}

  bool Take(const Head& head);
  void Close(uint32_t stream, uint64_t sent);

 private:
  /// One bit for each message from `base` on: whether it came.
  struct Seen {
    uint64_t base = 0;  // all before it came, or were given up; a multiple of 64
    uint64_t count = 0;
    uint64_t end = 0;  // one past the highest that came
    std::deque<uint64_t> words;
  };
  static constexpr size_t kWordsMax = size_t{1} << 20;  // 64 Mi messages of one stream
  void Slide(uint32_t stream, Seen& seen);
  void GiveUp(uint32_t stream, uint64_t first, uint64_t came, uint64_t limit);

  std::string who_;
  uint32_t first_;
  std::vector<Seen> streams_;
  FaultBook& book_;
};

/// Whether one queue member gets the messages of a stream in rising order, with gaps.
class RisingLedger {
 public:
  RisingLedger(std::string who, uint32_t first, uint32_t count, FaultBook& book)
      : who_(std::move(who)), first_(first), next_(count), book_(book) {}
  void Take(const Head& head);

 private:
  std::string who_;
  uint32_t first_;
  std::vector<uint64_t> next_;
  FaultBook& book_;
};

}  // namespace martlet::load
