// The configuration language, cut into items: keys, values, brackets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::config {

enum class ItemType : uint8_t {
  kError,  // text: what is wrong; nothing follows
  kEnd,
  kKey,
  kString,
  kBool,
  kInteger,  // digits with their suffix
  kFloat,
  kDatetime,
  kArrayStart,
  kArrayEnd,
  kMapStart,
  kMapEnd,
  kVariable,  // the name, without its $
  kInclude,   // the path
};

struct Item {
  ItemType type = ItemType::kEnd;
  std::string text;
  int line = 1;  // counts from 1
  int pos = 0;   // of its first byte: from the newline before it, or from the start of the text
};

/// Reads the language of the reference's files: its grammar is what that lexer's states accept, so
/// this one has the same states, and the same texts where they end in an error.
///
/// Pure. The text is borrowed. Deeper than kDepthMax is an error (the reference has no bound).
/// Source: spec config-and-cli.md section 2; reference conf/lex.go.
class Lexer {
 public:
  static constexpr size_t kDepthMax = 1000;

  explicit Lexer(std::string_view text) : text_(text) {}

  /// The next item. Not to be called again after kError or kEnd.
  Item Next();

 private:
  enum class State : uint8_t {
    kTop,
    kTopValueEnd,
    kBlockStart,
    kBlockValueEnd,
    kBlockEnd,
    kKeyStart,
    kKeyEnd,
    kIncludeThenPop,
    kValue,
    kArrayValue,
    kArrayValueEnd,
    kMapKeyStart,
    kMapKeyEnd,
    kMapValue,
    kMapValueEnd,
    kComment,
    kDone,
  };
  // What an unquoted or double-quoted string goes on as behind an escape.
  enum class Quote : uint8_t { kNone, kDouble };

  uint32_t Get();
  void Back();
  uint32_t Peek();
  void Ignore();
  void Push(State state);
  State Pop();
  State Skip(State next) {
    Ignore();
    return next;
  }

  std::string Pending() const { return parts_ + std::string(text_.substr(start_, pos_ - start_)); }
  void Emit(ItemType type);
  void EmitString();
  State Fail(std::string text);
  State EndOfText();
  static std::string Shown(uint32_t rune);
  bool AtComment(uint32_t rune, State then);

  State Step();
  State Top();
  State TopValueEnd();
  State BlockStart();
  State BlockValueEnd();
  State BlockEnd();
  State KeyStart();
  State QuotedKey(char quote);
  State Key();
  State KeyEnd();
  State MapKeyStart();
  State MapQuotedKey(char quote);
  State MapKey();
  State MapKeyEnd();
  State MapValue();
  State MapValueEnd();
  State MapEnd();
  State ArrayValue();
  State ArrayValueEnd();
  State ArrayEnd();
  State Comment();
  bool IsIncludeKeyword() const;
  State Include();
  State QuotedInclude(char quote);
  State BareInclude();

  State Value();
  State SingleQuoted();
  State String(Quote quote);
  State EndBareString();
  bool Escape();
  bool HexEscape();
  State Block();
  State Number();
  State NegativeNumber();
  State SuffixedNumber();
  State DateBehindYear();
  State Float();
  State IpAddress();

  std::string_view text_;
  size_t start_ = 0;  // of the pending item
  size_t pos_ = 0;    // what is read next
  size_t width_ = 0;  // of the rune read last
  int line_ = 1;
  size_t line_start_ = 0;  // the newline before the present line
  size_t item_line_start_ = 0;
  std::string parts_;  // of the pending string, up to its last escape
  bool escaped_ = false;
  State state_ = State::kTop;
  std::vector<State> stack_;
  std::deque<Item> items_;
};

}  // namespace martlet::config
