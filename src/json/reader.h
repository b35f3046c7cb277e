// Reading one JSON object, with the rules of Go's encoding/json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

namespace martlet::json {

enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

/// "null", "bool", "number", "string", "array", "object": the words of Go's type errors.
std::string_view KindName(Kind kind);

/// The value of one member. The text is borrowed and ends with the visit.
struct Value {
  Kind kind = Kind::kNull;
  bool boolean = false;   // kBool
  std::string_view text;  // kString: decoded; kNumber, kArray, kObject: as written

  /// A kNumber written as an integer that fits; nothing for "1.0", "1e3" and what is out of range,
  /// all of which Go refuses for an int.
  std::optional<int64_t> AsInt() const;
};

using MemberVisitor = absl::FunctionRef<void(std::string_view name, const Value& value)>;

/// Deepest nesting of arrays and objects, Go's limit. Depth costs heap, never stack.
inline constexpr size_t kDepthMax = 10000;

/// Calls `visit` for each member of the object in `text`, in order; a name that occurs twice is
/// visited twice (last wins in Go). Nested arrays and objects are checked and given as one text.
/// Returns the kind of the outermost value; nothing is visited unless it is kObject.
///
/// Text after the value, apart from blanks, is an error. As in Go, bytes that are no UTF-8 and
/// lone surrogate escapes become U+FFFD in names and strings. Errors read like Go's: `unexpected
/// end of JSON input`, `invalid character 'x' after top-level value`. Members in front of the
/// error have been visited by then.
/// Unlike Go, a number beyond the range of a double is an error wherever it stands.
absl::StatusOr<Kind> ReadObject(std::string_view text, MemberVisitor visit);

/// Does `name` name the field `field`? Go compares without case, by Unicode folding; for `field`,
/// which is lower-case ASCII, that adds U+017F to the forms of 's' and U+212A to those of 'k'.
bool NameMatches(std::string_view name, std::string_view field);

}  // namespace martlet::json
