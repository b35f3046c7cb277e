// The part of a request behind '?': its parameters, and numbers among them as Go reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::monitor {

/// In a query a '+' is a blank.
enum class EscapeRules : uint8_t { kPath, kQuery };

/// Replaces %XX by the byte; false, with `out` unspecified, for an escape that is none.
bool Unescape(std::string_view text, EscapeRules rules, std::string& out);

/// In small letters, as far as it is ASCII.
std::string Lower(std::string_view text);

/// Parameters of one request. Reading a number that is none notes why, in the reference's words;
/// the first such note stays, and what is read later means nothing.
///
/// Source: reference decodeBool, decodeInt, decodeUint64; Go's url.ParseQuery: a pair with a bad
/// escape or a semicolon is dropped, of several with one name the first counts.
class Query {
 public:
  explicit Query(std::string_view text);

  /// Empty where there is none.
  std::string_view Text(std::string_view name) const;
  bool Bool(std::string_view name);
  int64_t Int(std::string_view name);
  uint64_t Uint64(std::string_view name);
  /// For a parameter that the caller reads by itself.
  void Refuse(std::string text);

  /// What the answer with status 400 says; empty: nothing is wrong.
  const std::string& error() const { return error_; }

 private:
  void RefuseNumber(std::string_view type, std::string_view function, std::string_view name,
                    std::string_view value, std::string_view why);

  std::vector<std::pair<std::string, std::string>> pairs_;
  std::string error_;
};

}  // namespace martlet::monitor
