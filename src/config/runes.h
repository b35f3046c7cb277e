// Classes of characters, as the configuration language sees them.
#pragma once

#include <cstdint>

namespace martlet::config {

inline constexpr uint32_t kEndRune = 0;  // the end of the text; a NUL in it counts as one

/// Go's unicode.IsSpace.
constexpr bool IsSpace(uint32_t rune) {
  switch (rune) {
    case '\t':
    case '\n':
    case '\v':
    case '\f':
    case '\r':
    case ' ':
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000:
      return true;
    default:
      return rune >= 0x2000 && rune <= 0x200A;
  }
}

constexpr bool IsBlank(uint32_t rune) { return rune == ' ' || rune == '\t'; }
constexpr bool IsNewline(uint32_t rune) { return rune == '\n' || rune == '\r'; }
constexpr bool IsDigit(uint32_t rune) { return rune >= '0' && rune <= '9'; }
constexpr bool IsKeySeparator(uint32_t rune) { return rune == '=' || rune == ':'; }
constexpr bool IsNumberSuffix(uint32_t rune) {
  switch (rune) {
    case 'k':
    case 'K':
    case 'm':
    case 'M':
    case 'g':
    case 'G':
    case 't':
    case 'T':
    case 'p':
    case 'P':
    case 'e':
    case 'E':
      return true;
    default:
      return false;
  }
}
/// What a number, a word or an include may end with, besides blanks and the end.
constexpr bool EndsNumber(uint32_t rune) {
  return IsNewline(rune) || rune == kEndRune || rune == '}' || rune == ';' || rune == ',' ||
         IsBlank(rune);
}

}  // namespace martlet::config
