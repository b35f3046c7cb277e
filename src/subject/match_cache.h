// One shard's memory of recent matches.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "subject/subject_index.h"

namespace martlet::subject {

struct MatchCacheStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
};

/// Remembers what subjects matched, and asks the index only for what it does not know or what has
/// changed since.
///
/// A subject is remembered when it is asked for a second time: reply subjects that are used once
/// leave no trace but a tag.
///
/// Thread:   its shard's, always.
/// Bound:    kEntries results; a newcomer takes the place of what stood in its slot.
/// Lifetime: the result is valid until the next call of Match.
class MatchCache {
 private:
  struct Entry {
    uint64_t serial = 0;  // goes up whenever the entry takes another subject
    uint64_t hash = 0;
    AccountId account = 0;
    std::string subject;
    MatchResult result;
  };

 public:
  /// Where an answer stands, for somebody who is about to ask the same again. A value; it may be
  /// out of date at any time, and Match finds out.
  struct Memo {
    const Entry* entry = nullptr;
    uint64_t serial = 0;
  };

  explicit MatchCache(const SubjectIndex& index);

  const MatchResult& Match(AccountId account, std::string_view subject) {
    Memo memo;
    return Match(account, subject, memo);
  }
  /// The same, and notes in `memo` where the answer stands.
  const MatchResult& Match(AccountId account, std::string_view subject, Memo& memo);
  /// For a caller who knows that account and subject are those of the memo.
  const MatchResult& MatchAgain(AccountId account, std::string_view subject, Memo& memo) {
    if (memo.entry != nullptr && memo.entry->serial == memo.serial &&
        memo.entry->result.stamp.IsCurrent()) [[likely]] {
      ++stats_.hits;
      return memo.entry->result;
    }
    return Match(account, subject, memo);
  }
  const MatchCacheStats& stats() const { return stats_; }

 private:
  static constexpr size_t kEntries = 8192;

  const SubjectIndex& index_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<uint16_t> seen_;  // tag of the subject last asked for in vain, per slot
  MatchResult scratch_;
  MatchCacheStats stats_;
};

}  // namespace martlet::subject
