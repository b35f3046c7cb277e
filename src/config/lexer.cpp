#include "config/lexer.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/go_text.h"
#include "config/runes.h"

namespace martlet::config {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

Item Lexer::Next() {
  while (items_.empty()) state_ = Step();
  Item item = std::move(items_.front());
  items_.pop_front();
  return item;
}

// Reading.

uint32_t Lexer::Get() {
  if (pos_ >= text_.size()) {
    width_ = 0;
    return kEndRune;
  }
  if (text_[pos_] == '\n') {
    ++line_;
    line_start_ = pos_;
  }
  const base::Rune rune = base::DecodeRune(text_.substr(pos_));
  width_ = rune.bytes;
  pos_ += width_;
  return rune.code;
}

void Lexer::Back() {
  pos_ -= width_;
  if (pos_ < text_.size() && text_[pos_] == '\n') --line_;
}

uint32_t Lexer::Peek() {
  const uint32_t rune = Get();
  Back();
  return rune;
}

void Lexer::Ignore() {
  start_ = pos_;
  item_line_start_ = line_start_;
}

void Lexer::Push(State state) { stack_.push_back(state); }

Lexer::State Lexer::Pop() {
  if (stack_.empty()) return Fail("BUG in lexer: no states to pop.");
  const State last = stack_.back();
  stack_.pop_back();
  return last;
}

// Telling.

// A rune as an error text shows it.
std::string Lexer::Shown(uint32_t rune) {
  if (rune == '\n') return "\\n";
  std::string out;
  base::AppendUtf8(rune, out);
  return out;
}

void Lexer::Emit(ItemType type) {
  Item item{type, Pending(), line_, 0};
  item.pos = static_cast<int>(pos_) - static_cast<int>(item_line_start_) -
             static_cast<int>(item.text.size());
  items_.push_back(std::move(item));
  Ignore();
}

void Lexer::EmitString() {
  Emit(ItemType::kString);
  parts_.clear();
  escaped_ = false;
}

Lexer::State Lexer::Fail(std::string text) {
  const int pos = static_cast<int>(pos_) - static_cast<int>(line_start_);
  items_.push_back({ItemType::kError, std::move(text), line_, pos});
  return State::kDone;
}

// The end of the text, where something was begun before it: an error.
Lexer::State Lexer::EndOfText() {
  if (pos_ > start_) return Fail("Unexpected EOF.");
  Emit(ItemType::kEnd);
  return State::kDone;
}

// Whether `rune` begins a comment; then it is skipped, and `then` comes after it.
bool Lexer::AtComment(uint32_t rune, State then) {
  if (rune == '/') {
    if (Get() != '/') {
      Back();
      return false;
    }
  } else if (rune != '#') {
    return false;
  }
  Push(then);
  return true;
}

Lexer::State Lexer::Step() {
  if (stack_.size() > kDepthMax) return Fail("Nested too deeply.");
  switch (state_) {
    case State::kTop:
      return Top();
    case State::kTopValueEnd:
      return TopValueEnd();
    case State::kBlockStart:
      return BlockStart();
    case State::kBlockValueEnd:
      return BlockValueEnd();
    case State::kBlockEnd:
      return BlockEnd();
    case State::kKeyStart:
      return KeyStart();
    case State::kKeyEnd:
      return KeyEnd();
    case State::kIncludeThenPop:
      return Include();
    case State::kValue:
      return Value();
    case State::kArrayValue:
      return ArrayValue();
    case State::kArrayValueEnd:
      return ArrayValueEnd();
    case State::kMapKeyStart:
      return MapKeyStart();
    case State::kMapKeyEnd:
      return MapKeyEnd();
    case State::kMapValue:
      return MapValue();
    case State::kMapValueEnd:
      return MapValueEnd();
    case State::kComment:
      return Comment();
    case State::kDone:
      break;
  }
  return EndOfText();
}

// The top level, and blocks: braces around all or a part of it.

Lexer::State Lexer::Top() {
  const uint32_t rune = Get();
  if (IsSpace(rune)) return Skip(State::kTop);
  if (rune == '{') {
    Push(State::kTop);
    return Skip(State::kBlockStart);
  }
  if (AtComment(rune, State::kTop)) return State::kComment;
  if (rune == '/' || rune == kEndRune) return EndOfText();
  Back();
  Push(State::kTopValueEnd);
  return State::kKeyStart;
}

Lexer::State Lexer::TopValueEnd() {
  const uint32_t rune = Get();
  if (AtComment(rune, State::kTop)) return State::kComment;
  if (rune == '/' || IsBlank(rune)) return State::kTopValueEnd;
  if (IsNewline(rune) || rune == kEndRune || rune == ';' || rune == ',' || rune == '}') {
    return Skip(State::kTop);
  }
  return Fail("Expected a top-level value to end with a new line, comment or EOF, but got '" +
              Shown(rune) + "' instead.");
}

Lexer::State Lexer::BlockStart() {
  const uint32_t rune = Get();
  if (IsSpace(rune)) return Skip(State::kBlockStart);
  if (rune == '{') {
    Push(State::kBlockEnd);
    return Skip(State::kBlockStart);
  }
  if (rune == '}') {
    Ignore();
    return Pop();
  }
  if (AtComment(rune, State::kBlockStart)) return State::kComment;
  if (rune == '/' || rune == kEndRune) return EndOfText();
  Back();
  Push(State::kBlockValueEnd);
  return State::kKeyStart;
}

Lexer::State Lexer::BlockValueEnd() {
  const uint32_t rune = Get();
  if (AtComment(rune, State::kBlockValueEnd)) return State::kComment;
  if (rune == '/' || IsBlank(rune)) return State::kBlockValueEnd;
  if (IsNewline(rune) || rune == ';' || rune == ',') return Skip(State::kBlockStart);
  if (rune == '}') {
    Back();
    return State::kBlockEnd;
  }
  return Fail("Expected a block-level value to end with a new line, comment or EOF, but got '" +
              Shown(rune) + "' instead.");
}

Lexer::State Lexer::BlockEnd() {
  const uint32_t rune = Get();
  if (AtComment(rune, State::kBlockStart)) return State::kComment;
  if (rune == '/' || IsNewline(rune) || IsBlank(rune)) return State::kBlockEnd;
  if (rune == ';' || rune == ',') return Skip(State::kBlockStart);
  if (rune == '}') {
    Ignore();
    return Pop();
  }
  return Fail("Expected a block-level to end with a '}', but got '" + Shown(rune) + "' instead.");
}

// Keys of the top level and of blocks.

Lexer::State Lexer::KeyStart() {
  const uint32_t rune = Peek();
  if (IsKeySeparator(rune)) return Fail("Unexpected key separator '" + Shown(rune) + "'");
  if (IsSpace(rune)) {
    Get();
    return Skip(State::kKeyStart);
  }
  if (rune == '"' || rune == '\'') {
    Get();
    Ignore();
    return QuotedKey(static_cast<char>(rune));
  }
  Ignore();
  Get();
  return Key();
}

Lexer::State Lexer::QuotedKey(char quote) {
  for (;;) {
    const uint32_t rune = Peek();
    if (rune == static_cast<unsigned char>(quote)) break;
    if (rune == kEndRune) return EndOfText();
    Get();
  }
  Emit(ItemType::kKey);
  Get();
  return Skip(State::kKeyEnd);
}

bool Lexer::IsIncludeKeyword() const {
  return Lower(text_.substr(start_, pos_ - start_)) == "include";
}

Lexer::State Lexer::Key() {
  for (;;) {
    const uint32_t rune = Peek();
    if (IsSpace(rune)) {
      if (!IsIncludeKeyword()) break;
      Ignore();
      return State::kIncludeThenPop;
    }
    if (IsKeySeparator(rune) || rune == kEndRune) break;
    Get();
  }
  Emit(ItemType::kKey);
  return State::kKeyEnd;
}

Lexer::State Lexer::KeyEnd() {
  const uint32_t rune = Get();
  if (IsSpace(rune)) return Skip(State::kKeyEnd);
  if (IsKeySeparator(rune)) return Skip(State::kValue);
  if (rune == kEndRune) {
    Emit(ItemType::kEnd);
    return State::kDone;
  }
  Back();
  return State::kValue;
}

// Maps.

Lexer::State Lexer::MapKeyStart() {
  const uint32_t rune = Peek();
  if (IsKeySeparator(rune)) return Fail("Unexpected key separator '" + Shown(rune) + "'.");
  if (rune == ']') return Fail("Unexpected array end ']' processing map.");
  if (IsSpace(rune)) {
    Get();
    return Skip(State::kMapKeyStart);
  }
  if (rune == '}') {
    Get();
    Ignore();
    return MapEnd();
  }
  if (rune == '#' || rune == '/') {
    Get();
    if (AtComment(rune, State::kMapKeyStart)) return State::kComment;
  } else if (rune == '"' || rune == '\'') {
    Get();
    Ignore();
    return MapQuotedKey(static_cast<char>(rune));
  } else if (rune == kEndRune) {
    return Fail("Unexpected EOF processing map.");
  }
  Ignore();
  Get();
  return MapKey();
}

Lexer::State Lexer::MapQuotedKey(char quote) {
  for (;;) {
    const uint32_t rune = Peek();
    if (rune == kEndRune) {
      return Fail(quote == '"' ? "Unexpected EOF processing double quoted map key."
                               : "Unexpected EOF processing quoted map key.");
    }
    if (rune == static_cast<unsigned char>(quote)) break;
    Get();
  }
  Emit(ItemType::kKey);
  Get();
  return Skip(State::kMapKeyEnd);
}

Lexer::State Lexer::MapKey() {
  for (;;) {
    const uint32_t rune = Peek();
    if (rune == kEndRune) return Fail("Unexpected EOF processing map key.");
    if (IsSpace(rune)) {
      if (!IsIncludeKeyword()) break;
      Ignore();
      Push(State::kMapValueEnd);
      return State::kIncludeThenPop;
    }
    if (IsKeySeparator(rune)) break;
    Get();
  }
  Emit(ItemType::kKey);
  return State::kMapKeyEnd;
}

Lexer::State Lexer::MapKeyEnd() {
  const uint32_t rune = Get();
  if (IsSpace(rune)) return Skip(State::kMapKeyEnd);
  if (IsKeySeparator(rune)) return Skip(State::kMapValue);
  Back();
  return State::kMapValue;
}

Lexer::State Lexer::MapValue() {
  const uint32_t rune = Get();
  if (IsSpace(rune)) return Skip(State::kMapValue);
  if (rune == ',') return Fail("Unexpected map value terminator \",\".");
  if (rune == '}') {
    Ignore();
    return MapEnd();
  }
  Back();
  Push(State::kMapValueEnd);
  return State::kValue;
}

Lexer::State Lexer::MapValueEnd() {
  const uint32_t rune = Get();
  if (IsBlank(rune)) return Skip(State::kMapValueEnd);
  if (AtComment(rune, State::kMapValueEnd)) return State::kComment;
  if (rune == '/' || rune == ';' || rune == ',' || IsNewline(rune)) {
    return Skip(State::kMapKeyStart);
  }
  if (rune == '}') {
    Ignore();
    return MapEnd();
  }
  return Fail(R"(Expected a map value terminator "," or a map terminator "}", but got ')" +
              Shown(rune) + "' instead.");
}

Lexer::State Lexer::MapEnd() {
  Ignore();
  Emit(ItemType::kMapEnd);
  return Pop();
}

// Arrays.

Lexer::State Lexer::ArrayValue() {
  const uint32_t rune = Get();
  if (IsSpace(rune)) return Skip(State::kArrayValue);
  if (AtComment(rune, State::kArrayValue)) return State::kComment;
  if (rune == '/' || rune == ',') return Fail("Unexpected array value terminator ','.");
  if (rune == ']') return ArrayEnd();
  Back();
  Push(State::kArrayValueEnd);
  return State::kValue;
}

Lexer::State Lexer::ArrayValueEnd() {
  const uint32_t rune = Get();
  if (IsBlank(rune)) return Skip(State::kArrayValueEnd);
  if (AtComment(rune, State::kArrayValueEnd)) return State::kComment;
  if (rune == '/' || rune == ',' || IsNewline(rune)) return Skip(State::kArrayValue);
  if (rune == ']') return ArrayEnd();
  return Fail(R"(Expected an array value terminator "," or an array terminator "]", but got ')" +
              Shown(rune) + "' instead.");
}

Lexer::State Lexer::ArrayEnd() {
  Ignore();
  Emit(ItemType::kArrayEnd);
  return Pop();
}

// Comments and includes.

Lexer::State Lexer::Comment() {
  for (;;) {
    const uint32_t rune = Peek();
    if (IsNewline(rune) || rune == kEndRune) break;
    Get();
  }
  Ignore();
  return Pop();
}

Lexer::State Lexer::Include() {
  while (IsBlank(Peek())) {
    Get();
    Ignore();
  }
  const uint32_t rune = Get();
  const std::string expected = "Expected include value but found ";
  if (rune == '"' || rune == '\'') {
    Ignore();
    return QuotedInclude(static_cast<char>(rune));
  }
  if (rune == '[') return Fail(expected + "start of an array");
  if (rune == '{') return Fail(expected + "start of a map");
  if (rune == '(') return Fail(expected + "start of a block");
  if (IsDigit(rune) || rune == '-') return Fail(expected + "start of a number");
  if (rune == '\\') return Fail(expected + "escape sequence");
  if (IsNewline(rune)) return Fail(expected + "new line");
  Back();
  return BareInclude();
}

Lexer::State Lexer::QuotedInclude(char quote) {
  for (;;) {
    const uint32_t rune = Get();
    if (rune == static_cast<unsigned char>(quote)) break;
    if (rune == kEndRune) {
      return Fail(quote == '"' ? "Unexpected EOF in double quoted include"
                               : "Unexpected EOF in quoted include");
    }
  }
  Back();
  Emit(ItemType::kInclude);
  Get();
  Ignore();
  return Pop();
}

Lexer::State Lexer::BareInclude() {
  for (;;) {
    const uint32_t rune = Get();
    if (IsNewline(rune) || rune == kEndRune || rune == ';' || rune == '}' || IsBlank(rune)) {
      Back();
      Emit(ItemType::kInclude);
      return Pop();
    }
    if (rune == '\'') {
      Back();
      Emit(ItemType::kInclude);
      Get();
      Ignore();
      return Pop();
    }
  }
}

}  // namespace martlet::config
