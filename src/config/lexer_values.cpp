// The lexer's other half: what stands behind a key.
#include <algorithm>
#include <cctype>
#include <utility>

#include "config/lexer.h"
#include "config/runes.h"

namespace martlet::config {
namespace {

bool IsBoolWord(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view known : {"true", "false", "on", "off", "yes", "no"}) {
    if (lower == known) return true;
  }
  return false;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

Lexer::State Lexer::Value() {
  uint32_t rune = Get();
  while (IsBlank(rune)) {
    Ignore();
    rune = Get();
  }
  switch (rune) {
    case '[':
      Ignore();
      Emit(ItemType::kArrayStart);
      return State::kArrayValue;
    case '{':
      Ignore();
      Emit(ItemType::kMapStart);
      return State::kMapKeyStart;
    case '\'':
      Ignore();
      return SingleQuoted();
    case '"':
      Ignore();
      return String(Quote::kDouble);
    case '(':
      Ignore();
      return Block();
    case '-':
      return NegativeNumber();
    case '.':
      return Fail("Floats must start with a digit");
    default:
      break;
  }
  if (IsNewline(rune)) return Fail("Expected value but found new line");
  Back();
  return IsDigit(rune) ? Number() : String(Quote::kNone);
}

// Strings.

Lexer::State Lexer::SingleQuoted() {
  for (;;) {
    const uint32_t rune = Get();
    if (rune == '\'') break;
    if (rune == kEndRune) return EndOfText();
  }
  Back();
  Emit(ItemType::kString);
  Get();
  Ignore();
  return Pop();
}

Lexer::State Lexer::String(Quote quote) {
  for (;;) {
    const uint32_t rune = Get();
    if (rune == '\\') {
      parts_ += text_.substr(start_, pos_ - 1 - start_);
      escaped_ = true;
      start_ = pos_;
      if (!Escape()) return State::kDone;
      start_ = pos_;
    } else if (quote == Quote::kDouble) {
      if (rune == kEndRune) return EndOfText();
      if (rune == '"') break;
    } else if (rune == '\'') {
      break;
    } else if (EndsNumber(rune) || rune == ']') {
      return EndBareString();
    }
  }
  Back();
  EmitString();
  Get();
  Ignore();
  return Pop();
}

// A word without quotes: a string, unless it is a truth value or begins with $.
Lexer::State Lexer::EndBareString() {
  Back();
  const bool plain = !escaped_;
  if (plain && IsBoolWord(text_.substr(start_, pos_ - start_))) {
    Emit(ItemType::kBool);
  } else if (plain && start_ < text_.size() && text_[start_] == '$') {
    ++start_;
    Emit(ItemType::kVariable);
  } else {
    EmitString();
  }
  return Pop();
}

// Behind a backslash. False: an error was told.
bool Lexer::Escape() {
  const uint32_t rune = Get();
  switch (rune) {
    case 'x':
      return HexEscape();
    case 't':
      parts_ += '\t';
      return true;
    case 'n':
      parts_ += '\n';
      return true;
    case 'r':
      parts_ += '\r';
      return true;
    case '"':
    case '\\':
      parts_ += static_cast<char>(rune);
      return true;
    default:
      Fail("Invalid escape character '" + Shown(rune) +
           R"('. Only the following escape characters are allowed: \xXX, \t, \n, \r, \", \\.)");
      return false;
  }
}

bool Lexer::HexEscape() {
  for (int i = 0; i < 2; ++i) {
    if (!IsNewline(Get())) continue;
    Fail(R"(Expected two hexadecimal digits after '\x', but hit end of line)");
    return false;
  }
  const std::string_view digits = text_.substr(pos_ - 2, 2);
  const int high = HexDigit(digits[0]);
  const int low = HexDigit(digits[1]);
  if (high < 0 || low < 0) {
    Fail(R"(Expected two hexadecimal digits after '\x', but got ')" + std::string(digits) + "'");
    return false;
  }
  parts_ += static_cast<char>(high * 16 + low);
  return true;
}

// Everything up to a `)` that is alone on its line.
Lexer::State Lexer::Block() {
  for (;;) {
    const uint32_t rune = Get();
    if (rune == kEndRune) return Fail("Unexpected EOF processing block.");
    if (rune != ')') continue;
    Back();
    Back();  // both are one byte wide: what stands before, or the last byte of it
    const bool at_line_start = Get() == '\n';
    Get();
    if (!at_line_start) continue;
    const uint32_t behind = Get();
    if (behind != '\n' && behind != kEndRune) {
      Back();
      continue;
    }
    // At the end of the text nothing was read, so that nothing is taken back: then the bracket
    // belongs to the string, as in the reference.
    Back();
    Back();
    Emit(ItemType::kString);
    Get();
    Ignore();
    return Pop();
  }
}

// Numbers, and what only begins like one.

Lexer::State Lexer::Number() {
  for (;;) {
    const uint32_t rune = Get();
    if (IsDigit(rune)) continue;
    if (rune == '-') {
      if (pos_ - start_ != 5) return Fail("All ISO8601 dates must be in full Zulu form.");
      return DateBehindYear();
    }
    if (rune == '.') return Float();
    if (IsNumberSuffix(rune)) return SuffixedNumber();
    if (!EndsNumber(rune)) return String(Quote::kNone);
    Back();
    Emit(ItemType::kInteger);
    return Pop();
  }
}

Lexer::State Lexer::NegativeNumber() {
  uint32_t rune = Get();
  if (rune == '.') return Fail("Floats must start with a digit, not '.'.");
  if (!IsDigit(rune)) return Fail("Expected a digit but got '" + Shown(rune) + "'.");
  while (IsDigit(rune)) rune = Get();
  if (rune == '.') return Float();
  if (IsNumberSuffix(rune)) return SuffixedNumber();
  Back();
  Emit(ItemType::kInteger);
  return Pop();
}

Lexer::State Lexer::SuffixedNumber() {
  uint32_t rune = Get();
  while (rune == 'b' || rune == 'B' || rune == 'i' || rune == 'I') rune = Get();
  Back();
  if (!EndsNumber(rune)) return String(Quote::kNone);
  Emit(ItemType::kInteger);
  return Pop();
}

// YYYY- has been read.
Lexer::State Lexer::DateBehindYear() {
  for (const char wanted : std::string_view("00-00T00:00:00Z")) {
    const uint32_t rune = Get();
    if (wanted == '0') {
      if (IsDigit(rune)) continue;
      return Fail("Expected digit in ISO8601 datetime, but found '" + Shown(rune) + "' instead.");
    }
    if (rune != static_cast<unsigned char>(wanted)) {
      return Fail("Expected '" + std::string(1, wanted) + "' in ISO8601 datetime, but found '" +
                  Shown(rune) + "' instead.");
    }
  }
  Emit(ItemType::kDatetime);
  return Pop();
}

// Behind the dot: a fraction, unless another dot follows.
Lexer::State Lexer::Float() {
  uint32_t rune = Get();
  if (!IsDigit(rune)) {
    return Fail("Floats must have a digit after the '.', but got '" + Shown(rune) + "' instead.");
  }
  while (IsDigit(rune)) rune = Get();
  if (rune == '.') return IpAddress();
  Back();
  Emit(ItemType::kFloat);
  return Pop();
}

Lexer::State Lexer::IpAddress() {
  uint32_t rune = Get();
  while (IsDigit(rune) || rune == '.' || rune == ':' || rune == '-') rune = Get();
  Back();
  Emit(ItemType::kString);
  return Pop();
}

}  // namespace martlet::config
