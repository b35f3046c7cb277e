// Subjects and filters: tokens, validity, the rule what matches what. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

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

/// 64-bit hash of bytes; good for tables, not against an adversary who sees the seed.
inline uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  // wyhash-like: eight bytes a step, folded by a 64x64->128 multiplication.
  constexpr uint64_t kP0 = 0xa0761d6478bd642fULL;
  constexpr uint64_t kP1 = 0xe7037ed1a0b428dbULL;
  const auto fold = [](uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const auto load = [](const char* p, size_t n) {
    uint64_t value = 0;
    if (n != 0) std::memcpy(&value, p, n);  // an empty view may be null
    return value;
  };
  const char* p = bytes.data();
  size_t left = bytes.size();
  // The length goes in multiplied: xored, it would cancel out against small bytes.
  uint64_t hash = seed ^ (bytes.size() * kP0);
  while (left > 16) {
    hash = fold(load(p, 8) ^ kP1, load(p + 8, 8) ^ hash);
    p += 16;
    left -= 16;
  }
  const uint64_t low = left >= 8 ? load(p, 8) : load(p, left);
  const uint64_t high = left > 8 ? load(p + 8, left - 8) : 0;
  return fold(low ^ kP1, fold(high ^ kP0, hash ^ kP1));
}

}  // namespace martlet::subject
