// Under which hash a filter stands, and under which hashes a subject finds what matches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <absl/container/inlined_vector.h>

#include "subject/filter.h"
#include "subject/split_ordered_list.h"
#include "subject/sync.h"
#include "subject/tokens.h"

namespace martlet::subject {

/// Where the wildcards of a mixed filter are: all that a subject must know to work out under which
/// hash such a filter would stand.
struct WildcardPlan {
  uint32_t tokens = 0;      // ahead of a final `>`
  uint32_t first_star = 0;  // tokens before it are literal
  bool tail = false;        // a final `>` follows
  // Bit i: token first_star + i is `*`.
  absl::InlinedVector<uint64_t, 2> stars;

  bool IsStar(size_t token) const {
    const size_t bit = token - first_star;
    return (stars[bit / 64] >> (bit % 64) & 1U) != 0;
  }
  bool Fits(size_t subject_tokens) const {
    return tail ? subject_tokens > tokens : subject_tokens == tokens;
  }
  bool operator==(const WildcardPlan&) const = default;
};

/// A filter as the index sees it.
struct FilterForm {
  FilterKind kind;
  uint64_t hash;
  uint32_t prefix_tokens = 0;  // of kStar and kTail: those ahead of the wildcard
  WildcardPlan plan;           // of kMixed
  // Of kMixed: how many literal leading tokens its shape is listed under (at most two), and their
  // hash.
  unsigned level = 0;
  uint64_t level_hash = 0;
};

/// `filter` is valid.
FilterForm FormOf(AccountId account, std::string_view filter);

inline uint64_t LiteralHash(AccountId account, std::string_view subject) {
  return HashBytes(subject, account);
}
/// Of `prefix.*`, and of `prefix.>`; the prefix may be empty.
inline uint64_t StarHash(AccountId account, std::string_view prefix) {
  return HashBytes(prefix, account ^ 0x9e3779b97f4a7c15ULL);
}
inline uint64_t TailHash(AccountId account, std::string_view prefix) {
  return HashBytes(prefix, account ^ 0xc2b2ae3d27d4eb4fULL);
}
/// Of the mixed filters that have this plan and, where it has no star, these tokens.
uint64_t MixedHash(AccountId account, const TokenEnds& tokens, const WildcardPlan& plan);
/// The rule of Matches, for a subject whose tokens are known and sound.
bool MatchesTokens(std::string_view filter, const TokenEnds& subject);
/// Of the shapes of mixed filters that begin with these `level` literal tokens.
uint64_t LevelHash(AccountId account, const TokenEnds& tokens, unsigned level);

/// A wildcard plan that some mixed filter has, listed under the filter's literal leading tokens.
/// Two groups whose keys are equal share their shapes, which costs a probe and changes no answer.
///
/// Interest: one for each filter in the index that has the plan, and one more while it is made.
class Shape : public BasicListNode<StdSync> {
 public:
  Shape(uint32_t its_key, WildcardPlan plan) : BasicListNode(its_key), plan_(std::move(plan)) {}
  const WildcardPlan& plan() const { return plan_; }

 private:
  const WildcardPlan plan_;
};

}  // namespace martlet::subject
