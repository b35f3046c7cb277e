// One shard's memory of recent matches.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "subject/match_result.h"
#include "subject/subject.h"
#include "subject/subject_index.h"

namespace martlet::subject {

struct MatchCacheStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
};

/// Remembers what subjects matched, and asks the index only for what it does not know or what has
/// changed since.
///
/// A subject belongs to one of kSets sets of kWays entries. A set's tags stand in one cache line,
/// the key and its text in a second, stamp and summary in a third, the rest of the answer in a
/// fourth: a hit looks at no more, and at the four generations. Of a full set, an entry goes that
/// was not asked for since the others were.
///
/// A subject is remembered when it is asked for a second time: reply subjects that are used once
/// leave no trace but a tag.
///
/// Thread:   its shard's, always.
/// Bound:    kSets * kWays results.
/// Lifetime: the result is valid until the next call of Match or Clear.
class MatchCache {
 private:
  struct alignas(64) Entry {
    static constexpr size_t kNearBytes = 40;

    uint64_t hash = 0;
    uint64_t serial = 0;  // of when it took the subject, given once only; 0: it has none
    AccountId account = 0;
    uint32_t subject_bytes = 0;
    union {
      char near[kNearBytes];
      char* far;
    };
    MatchResult result;

    Entry() : near{} {}
    ~Entry() { Forget(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    bool Is(AccountId of, std::string_view subject) const {
      return account == of && subject_bytes == subject.size() &&
             EqualBytes(subject_bytes <= kNearBytes ? near : far, subject.data(), subject_bytes);
    }
    void Take(uint64_t its_serial, uint64_t its_hash, AccountId its_account,
              std::string_view subject);
    void Forget();
  };

 public:
  /// Where an answer stands, for somebody who is about to ask the same again. A value; it may be
  /// out of date at any time, and Match finds out.
  struct Memo {
    const Entry* entry = nullptr;
    uint64_t serial = 0;
  };

  /// Of this shard; `index` outlives it.
  MatchCache(const SubjectIndex& index, unsigned shard);
  ~MatchCache();

  const MatchResult& Match(AccountId account, std::string_view subject) {
    Memo memo;
    return Match(account, subject, memo);
  }
  /// The same, and notes in `memo` where the answer stands.
  const MatchResult& Match(AccountId account, std::string_view subject, Memo& memo) {
    return Match(account, subject, SubjectIndex::HashOf(account, subject), memo);
  }
  /// For a caller who has the hash, see SubjectIndex::HashOf.
  const MatchResult& Match(AccountId account, std::string_view subject, uint64_t hash, Memo& memo) {
    Set& set = sets_[hash % kSets];
    const uint16_t tag = TagOf(hash);
    for (uint32_t ways = set.tags.Find(tag); ways != 0; ways &= ways - 1) {
      const auto way = static_cast<unsigned>(__builtin_ctz(ways));
      Entry& entry = entries_[set.entries[way]];
      if (entry.hash != hash || !entry.Is(account, subject)) continue;
      set.Use(way);
      memo = {&entry, entry.serial};
      if (entry.result.stamp.IsCurrent()) [[likely]] {
        ++stats_.hits;
      } else {
        ++stats_.misses;
        index_.Match(account, subject, hash, shard_, entry.result);
      }
      return entry.result;
    }
    return Miss(account, subject, hash, set, memo);
  }
  /// For a caller who knows that account and subject are those of the memo.
  const MatchResult& MatchAgain(AccountId account, std::string_view subject, Memo& memo) {
    if (memo.entry != nullptr && memo.entry->serial == memo.serial &&
        memo.entry->result.stamp.IsCurrent()) [[likely]] {
      ++stats_.hits;
      return memo.entry->result;
    }
    return Match(account, subject, memo);
  }
  /// Brings what Match looks at first into the processor's cache; for a caller who has several to
  /// ask. Then Foresee, then Match.
  void Prefetch(uint64_t hash) const { __builtin_prefetch(&sets_[hash % kSets]); }
  /// The same for the answer; it is a guess and may be null.
  const MatchResult* Foresee(uint64_t hash) const {
    const Set& set = sets_[hash % kSets];
    const uint32_t ways = set.tags.Find(TagOf(hash));
    if (ways == 0) return nullptr;
    const Entry& entry = entries_[set.entries[static_cast<size_t>(__builtin_ctz(ways))]];
    const char* const lines = reinterpret_cast<const char*>(&entry);
    for (size_t line = 0; line < 3; ++line) __builtin_prefetch(lines + line * 64);
    return &entry.result;
  }
  const MatchCacheStats& stats() const { return stats_; }

  /// Forgets everything, and gives its memory back to the system. Memos of before are out of date.
  void Clear();
  /// Subjects remembered.
  size_t size() const { return entries_used_; }

 private:
  static constexpr size_t kSets = 4096;
  static constexpr size_t kWays = 8;
  static constexpr size_t kSeen = 7;
  // Pages', so that Clear may give them back: all of them belong to the entries alone.
  static constexpr size_t kEntriesAlignment = 4096;

  /// Eight tags; 0 stands for nothing.
  struct alignas(16) Tags {
    std::array<uint16_t, kWays> at{};

    /// A bit for each way that has this tag.
    uint32_t Find(uint16_t tag) const {
#if defined(__SSE2__)
      const __m128i all = _mm_load_si128(reinterpret_cast<const __m128i*>(at.data()));
      const __m128i equal = _mm_cmpeq_epi16(all, _mm_set1_epi16(static_cast<int16_t>(tag)));
      const __m128i packed = _mm_packs_epi16(equal, _mm_setzero_si128());
      return static_cast<uint32_t>(_mm_movemask_epi8(packed));
#else
      uint32_t ways = 0;
      for (size_t i = 0; i < kWays; ++i) ways |= static_cast<uint32_t>(at[i] == tag) << i;
      return ways;
#endif
    }
  };

  struct alignas(64) Set {
    Tags tags;
    std::array<uint32_t, kWays> entries{};  // places in entries_
    std::array<uint16_t, kSeen> seen{};     // tags of subjects last asked for in vain
    uint8_t used = 0;                       // a bit for each way asked for since it was cleared

    void Use(unsigned way) {
      const auto bit = static_cast<uint8_t>(1U << way);
      if ((used & bit) != 0) [[likely]]
        return;
      used = static_cast<uint8_t>(used | bit);
      if (used == UINT8_MAX) used = bit;
    }
  };
  static_assert(sizeof(Set) == 64);

  static uint16_t TagOf(uint64_t hash) {
    const auto tag = static_cast<uint16_t>(hash >> 48);
    return tag != 0 ? tag : uint16_t{1};
  }
  const MatchResult& Miss(AccountId account, std::string_view subject, uint64_t hash, Set& set,
                          Memo& memo);
  bool WasSeen(Set& set, uint16_t tag);
  unsigned WayFor(Set& set, uint16_t tag);

  struct FreeEntries {
    void operator()(Entry* entries) const;
  };

  const SubjectIndex& index_;
  const unsigned shard_;
  std::vector<Set> sets_;
  // Room for all; those below entries_used_ are built. So memory is touched as it is needed, and
  // densely.
  std::unique_ptr<Entry[], FreeEntries> entries_;
  uint32_t entries_used_ = 0;
  uint32_t random_ = 1;
  uint64_t serials_ = 0;  // given so far
  MatchResult scratch_;
  MatchCacheStats stats_;
};

}  // namespace martlet::subject
