#include "ops/flag_value.h"

#include <charconv>
#include <string>
#include <system_error>

namespace martlet::ops {
namespace {

// An underscore may stand between digits, and between a base's prefix and the first digit.
bool UnderscoresFit(std::string_view digits, bool behind_prefix) {
  bool after_digit = behind_prefix;
  for (const char c : digits) {
    if (c == '_' && !after_digit) return false;
    after_digit = c != '_';
  }
  return after_digit;
}

}  // namespace

std::optional<bool> ParseFlagBool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

Complaint ParseFlagInt(std::string_view text, int64_t& out) {
  constexpr Complaint kSyntax = "parse error";
  constexpr Complaint kRange = "value out of range";
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);

  int base = 10;
  bool prefix = false;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    prefix = true;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  if (text.empty() || !UnderscoresFit(text, prefix)) return kSyntax;
  std::string digits(text);
  std::erase(digits, '_');

  uint64_t magnitude = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, magnitude, base);
  if (result.ec == std::errc::result_out_of_range) return kRange;  // whatever stands behind
  if (result.ec != std::errc() || result.ptr != end) return kSyntax;
  const uint64_t limit = (uint64_t{1} << 63) - (negative ? 0 : 1);
  if (magnitude > limit) return kRange;
  out = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return nullptr;
}

}  // namespace martlet::ops
