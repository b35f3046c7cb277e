#include "subject/generations.h"

#include "subject/subject.h"

namespace martlet::subject {
namespace {

// Ends of the first and the second token; npos where the text has no further dot.
struct Leading {
  size_t first_end;
  size_t second_end;
};

Leading LeadingTokens(std::string_view text) {
  const size_t first = text.find('.');
  const size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
  return {first, second};
}

bool IsWildcardToken(std::string_view token) { return token == "*" || token == ">"; }

uint64_t PrefixHash(AccountId account, std::string_view prefix) {
  return HashBytes(prefix, ~uint64_t{account});
}

}  // namespace

Generations::Stamp Generations::Read(AccountId account, std::string_view subject,
                                     uint64_t hash) const {
  const Leading ends = LeadingTokens(subject);
  const std::string_view one = subject.substr(0, ends.first_end);
  const std::string_view two = subject.substr(0, ends.second_end);
  Stamp stamp;
  stamp.counters = {&literal_[hash % literal_.size()],
                    &one_token_[PrefixHash(account, one) % one_token_.size()],
                    &two_tokens_[PrefixHash(account, two) % two_tokens_.size()], &root_};
  for (size_t i = 0; i < stamp.counters.size(); ++i) {
    stamp.values[i] = stamp.counters[i]->load(std::memory_order_acquire);
  }
  return stamp;
}

void Generations::BumpWildcard(AccountId account, std::string_view filter) {
  const Leading ends = LeadingTokens(filter);
  const std::string_view one = filter.substr(0, ends.first_end);
  if (IsWildcardToken(one)) return Bump(root_);
  const std::string_view two = filter.substr(0, ends.second_end);
  const std::string_view second = two.substr(one.size() + 1);
  if (IsWildcardToken(second)) {
    return Bump(one_token_[PrefixHash(account, one) % one_token_.size()]);
  }
  Bump(two_tokens_[PrefixHash(account, two) % two_tokens_.size()]);
}

}  // namespace martlet::subject
