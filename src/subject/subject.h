// Subjects and filters: tokens, validity, the rule what matches what. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/hash.h"

namespace martlet::subject {

/// Calls `each(token)` for every token of `text`, empty ones included; stops when it says false.
/// Returns false when stopped.
template <class Each>
bool ForEachToken(std::string_view text, Each&& each) {
  size_t start = 0;
  for (;;) {
    const size_t dot = text.find('.', start);
    if (!each(text.substr(start, dot - start))) return false;
    if (dot == text.npos) return true;
    start = dot + 1;
  }
}

/// Tokens of `text`: one more than its dots.
size_t CountTokens(std::string_view text);

/// May be subscribed to: no empty token, `>` only as the last token.
/// Source: spec subjects-and-routing.md section 1; reference IsValidSubject.
bool IsValidFilter(std::string_view filter);

/// A published subject without empty tokens; others match nothing.
bool HasNoEmptyToken(std::string_view subject);

/// What a pedantic publisher is held to: no empty token, none that is exactly `*` or `>`.
bool IsValidLiteral(std::string_view subject);

/// True when a token is exactly `*`, or the last one exactly `>`.
bool HasWildcard(std::string_view filter);

/// The rule itself, token by token; slow and plain. `*` is one token, a final `>` one or more.
/// A subject is taken literally, whatever it contains. Both must be without empty tokens.
bool Matches(std::string_view filter, std::string_view subject);

using base::HashBytes;

/// What memcmp(a, b, bytes) == 0 says, without the call: subjects are short.
inline bool EqualBytes(const char* a, const char* b, size_t bytes) {
  const auto differ = [](const char* x, const char* y, auto word) {
    decltype(word) left;
    decltype(word) right;
    std::memcpy(&left, x, sizeof left);
    std::memcpy(&right, y, sizeof right);
    return left != right;
  };
  if (bytes >= 8) {
    size_t i = 0;
    for (; i + 8 < bytes; i += 8) {
      if (differ(a + i, b + i, uint64_t{})) return false;
    }
    return !differ(a + bytes - 8, b + bytes - 8, uint64_t{});
  }
  if (bytes >= 4) {
    return !differ(a, b, uint32_t{}) && !differ(a + bytes - 4, b + bytes - 4, uint32_t{});
  }
  for (size_t i = 0; i < bytes; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}
inline bool EqualText(std::string_view a, std::string_view b) {
  return a.size() == b.size() && EqualBytes(a.data(), b.data(), a.size());
}

}  // namespace martlet::subject
