#include "subject/generations.h"

#include "subject/subject.h"

namespace martlet::subject {
namespace {

bool IsWildcardToken(std::string_view token) { return token == "*" || token == ">"; }

uint64_t PrefixHash(AccountId account, std::string_view prefix) {
  return HashBytes(prefix, ~uint64_t{account});
}

}  // namespace

size_t Generations::OneTokenAt(AccountId account, std::string_view token) {
  return kOneTokenAt + PrefixHash(account, token) % kOneToken;
}

size_t Generations::TwoTokensAt(AccountId account, std::string_view tokens) {
  return kTwoTokensAt + PrefixHash(account, tokens) % kTwoTokens;
}

Generations::Stamp Generations::Read(AccountId account, std::string_view subject, uint64_t hash,
                                     size_t first_end, size_t second_end) const {
  static_assert(kRoot <= UINT16_MAX);
  Stamp stamp;
  stamp.counters = counters_.data();
  stamp.at = {static_cast<uint16_t>(LiteralAt(static_cast<uint32_t>(hash >> 32U))),
              static_cast<uint16_t>(OneTokenAt(account, subject.substr(0, first_end))),
              static_cast<uint16_t>(TwoTokensAt(account, subject.substr(0, second_end)))};
  for (size_t i = 0; i < stamp.at.size(); ++i) stamp.values[i] = stamp.Load(stamp.at[i]);
  stamp.values[3] = stamp.Load(kRoot);
  return stamp;
}

void Generations::BumpWildcard(AccountId account, std::string_view filter) {
  const size_t first = filter.find('.');
  const std::string_view one = filter.substr(0, first);
  if (IsWildcardToken(one)) return Bump(kRoot);
  const size_t second = filter.find('.', first + 1);
  const std::string_view two = filter.substr(0, second);
  if (IsWildcardToken(two.substr(one.size() + 1))) return Bump(OneTokenAt(account, one));
  Bump(TwoTokensAt(account, two));
}

}  // namespace martlet::subject
