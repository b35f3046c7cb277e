// Change counters that tell whether a remembered match is still right.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "subject/filter.h"

namespace martlet::subject {

/// Four arrays of counters. A change of a filter bumps exactly one of them, chosen by what the
/// filter can match at all: a literal by its own hash, a wildcard by its literal leading tokens.
/// A subject depends on four, one per array. So a change of one inbox leaves all other remembered
/// matches alone.
///
/// Who writes: the shard that changed the index, after the change (release).
/// Who reads:  every shard, before it walks (acquire): a walk that missed a change was made under
///             the old count, and is stale when the new one shows.
class Generations {
 public:
  using Counter = std::atomic<uint64_t>;

  /// The four counters that a subject's match depends on, and their values. Each array's place is
  /// a number, not a pointer, so that a result's stamp and its summary share one cache line.
  struct Stamp {
    const Counter* counters = nullptr;
    std::array<uint16_t, 3> at{};  // which counters; the fourth is the root's
    std::array<uint64_t, 4> values{};

    bool IsCurrent() const {
      return Load(at[0]) == values[0] && Load(at[1]) == values[1] && Load(at[2]) == values[2] &&
             Load(kRoot) == values[3];
    }
    uint64_t Load(size_t i) const { return counters[i].load(std::memory_order_acquire); }
  };

  /// Reads the counters of a subject; `hash` is that of the whole subject, `first_end` and
  /// `second_end` are where its first two tokens end, at most its size.
  Stamp Read(AccountId account, std::string_view subject, uint64_t hash, size_t first_end,
             size_t second_end) const;

  void BumpLiteral(uint32_t key) { Bump(LiteralAt(key)); }
  void BumpWildcard(AccountId account, std::string_view filter);

 private:
  static constexpr size_t kLiterals = 4096;
  static constexpr size_t kOneToken = 1024;   // filters with one literal leading token
  static constexpr size_t kTwoTokens = 4096;  // ... with two or more
  static constexpr size_t kOneTokenAt = kLiterals;
  static constexpr size_t kTwoTokensAt = kOneTokenAt + kOneToken;
  static constexpr size_t kRoot = kTwoTokensAt + kTwoTokens;  // ... with none

  /// `key` is that of the split-ordered list: the upper half of the hash, its lowest bit lost.
  static size_t LiteralAt(uint32_t key) { return (key >> 1U) % kLiterals; }
  static size_t OneTokenAt(AccountId account, std::string_view token);
  static size_t TwoTokensAt(AccountId account, std::string_view tokens);
  void Bump(size_t at) { counters_[at].fetch_add(1, std::memory_order_release); }

  // The root's stands in a line of its own.
  alignas(64) std::array<Counter, kRoot + 8> counters_{};
};

}  // namespace martlet::subject
