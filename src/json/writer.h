// Writing JSON that reads byte for byte like that of Go's encoding/json.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::json {

/// Appends `text` as a JSON string with Go's escapes: `"` and `\`, controls (\b \f \n \r \t short,
/// others \u00XX), `<` `>` `&` as \u003c \u003e \u0026, U+2028 and U+2029, and \ufffd for each
/// byte that is no UTF-8.
void AppendQuoted(std::string_view text, std::string& out);

/// Appends `number` as Go prints a float64: the fewest digits that read back as the same number,
/// with an exponent below 1e-6 and from 1e21 on. NaN and the infinities, which JSON lacks and Go
/// refuses, become null.
void AppendNumber(double number, std::string& out);

/// Appends one JSON value, piece by piece, to a borrowed string.
///
/// Puts the commas; that Begin and End match and each value of an object has its Key is on the
/// caller.
class Writer {
 public:
  /// kIndented: a line for each member and element, two blanks more for each level, as Go's
  /// MarshalIndent(value, "", "  ") has it. kCompact: no blanks at all.
  enum class Layout : uint8_t { kCompact, kIndented };

  explicit Writer(std::string& out, Layout layout = Layout::kCompact)
      : out_(out), layout_(layout) {}

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }
  void Key(std::string_view name);

  void Value(std::string_view text);
  void Value(const char* text) { Value(std::string_view(text)); }
  template <std::integral T>
  void Value(T value) {
    if constexpr (std::same_as<T, bool>) {
      Raw(value ? "true" : "false");
    } else {
      Raw(std::to_string(value));
    }
  }
  void Value(double number);
  void Null() { Raw("null"); }

  template <typename T>
  void Member(std::string_view name, const T& value) {
    Key(name);
    Value(value);
  }
  /// Go's `omitempty`: nothing for an empty string, false and 0.
  template <typename T>
  void OptionalMember(std::string_view name, const T& value) {
    if (!(value == T())) Member(name, value);
  }
  /// The same for an array of strings.
  template <typename List>
  void OptionalList(std::string_view name, const List& list) {
    if (list.empty()) return;
    Key(name);
    BeginArray();
    for (const auto& text : list) Value(std::string_view(text));
    EndArray();
  }

 private:
  void Open(char bracket);
  void Close(char bracket);
  void Raw(std::string_view value);
  void BeginItem();
  void BreakLine();

  std::string& out_;
  const Layout layout_;
  bool comma_ = false;      // something stands before, on this level
  bool after_key_ = false;  // the next value belongs to it
  size_t depth_ = 0;        // of open brackets
};

}  // namespace martlet::json
