// Change counters that tell whether a remembered match is still right.
#pragma once

#include <array>
#include <atomic>
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

  /// The four counters that a subject's match depends on, and their values.
  struct Stamp {
    std::array<const Counter*, 4> counters{};
    std::array<uint64_t, 4> values{};

    bool IsCurrent() const {
      for (size_t i = 0; i < counters.size(); ++i) {
        if (counters[i]->load(std::memory_order_acquire) != values[i]) return false;
      }
      return true;
    }
  };

  /// Reads the counters of a subject; `hash` is that of the whole subject.
  Stamp Read(AccountId account, std::string_view subject, uint64_t hash) const;

  void BumpLiteral(uint64_t hash) { Bump(literal_[hash % literal_.size()]); }
  void BumpWildcard(AccountId account, std::string_view filter);

 private:
  static void Bump(Counter& counter) { counter.fetch_add(1, std::memory_order_release); }

  std::array<Counter, 4096> literal_{};
  std::array<Counter, 1024> one_token_{};   // filters with one literal leading token
  std::array<Counter, 4096> two_tokens_{};  // ... with two or more
  Counter root_{0};                         // ... with none
};

}  // namespace martlet::subject
