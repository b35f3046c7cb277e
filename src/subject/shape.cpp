#include "subject/shape.h"

#include <algorithm>

namespace martlet::subject {
namespace {

constexpr uint64_t kMixedSeed = 0x165667b19e3779f9ULL;
constexpr uint64_t kLevelSeed = 0x27d4eb2f165667c5ULL;
constexpr uint64_t kStarWord = 0x85ebca77c2b2ae63ULL;
constexpr uint64_t kTailWord = 0xff51afd7ed558ccdULL;

uint64_t Mix(uint64_t hash, uint64_t word) {
  const auto product = static_cast<unsigned __int128>(hash ^ word) * 0xa0761d6478bd642fULL;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
}

WildcardPlan PlanOf(const TokenEnds& tokens, uint32_t first_star) {
  WildcardPlan plan;
  plan.first_star = first_star;
  plan.tail = tokens.token(tokens.count() - 1) == ">";
  plan.tokens = static_cast<uint32_t>(tokens.count() - (plan.tail ? 1 : 0));
  const size_t bits = plan.tokens - first_star;
  plan.stars.resize((bits + 63) / 64);
  for (size_t bit = 0; bit < bits; ++bit) {
    if (tokens.token(first_star + bit) == "*") plan.stars[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  return plan;
}

}  // namespace

FilterForm FormOf(AccountId account, std::string_view filter) {
  const TokenEnds tokens(filter);
  const auto last = static_cast<uint32_t>(tokens.count() - 1);
  uint32_t first_wild = 0;
  while (first_wild <= last && tokens.token(first_wild) != "*" &&
         (first_wild != last || tokens.token(first_wild) != ">")) {
    ++first_wild;
  }
  if (first_wild > last)
    return {.kind = FilterKind::kLiteral, .hash = LiteralHash(account, filter)};
  if (first_wild == last) {
    const std::string_view prefix = tokens.first(last);
    if (tokens.token(last) == "*") {
      return {.kind = FilterKind::kStar, .hash = StarHash(account, prefix), .prefix_tokens = last};
    }
    return {.kind = FilterKind::kTail, .hash = TailHash(account, prefix), .prefix_tokens = last};
  }
  FilterForm form = {.kind = FilterKind::kMixed, .hash = 0, .plan = PlanOf(tokens, first_wild)};
  form.hash = MixedHash(account, tokens, form.plan);
  form.level = std::min<uint32_t>(first_wild, 2);
  form.level_hash = LevelHash(account, tokens, form.level);
  return form;
}

uint64_t MixedHash(AccountId account, const TokenEnds& tokens, const WildcardPlan& plan) {
  uint64_t hash = HashBytes(tokens.first(plan.first_star), account ^ kMixedSeed);
  for (size_t i = plan.first_star; i < plan.tokens; ++i) {
    hash = Mix(hash, plan.IsStar(i) ? kStarWord : HashBytes(tokens.token(i), 0));
  }
  return plan.tail ? Mix(hash, kTailWord) : hash;
}

bool MatchesTokens(std::string_view filter, const TokenEnds& subject) {
  size_t at = 0;
  for (size_t i = 0; i < subject.count(); ++i) {
    if (at >= filter.size()) return false;
    const bool last_byte = at + 1 == filter.size();
    if (filter[at] == '>' && last_byte) return true;
    if (filter[at] == '*' && (last_byte || filter[at + 1] == '.')) {
      at += 2;
      continue;
    }
    const std::string_view token = subject.token(i);
    const size_t end = at + token.size();
    if (end > filter.size() || (end < filter.size() && filter[end] != '.') ||
        !EqualBytes(filter.data() + at, token.data(), token.size())) {
      return false;
    }
    at = end + 1;
  }
  return at == filter.size() + 1;
}

uint64_t LevelHash(AccountId account, const TokenEnds& tokens, unsigned level) {
  return HashBytes(tokens.first(level), account ^ (kLevelSeed + level));
}

}  // namespace martlet::subject
