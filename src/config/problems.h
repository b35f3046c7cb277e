// What is wrong with a configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/value.h"

namespace martlet::config {

/// One error or warning.
struct Problem {
  std::optional<Location> where;
  std::string text;
  std::string hint;  // of ours: "did you mean \"port\"?"

  /// As the reference prints it, in one line: "server.conf:3:1: unknown field \"prot\"".
  std::string line() const;
  /// The text of the file there, with a mark below it, and the hint; each line indented and ended.
  /// Empty where there is nothing to show.
  std::string excerpt() const;
};

/// All of them: one wrong value does not hide the next.
class Problems {
 public:
  void Error(const Location& where, std::string text, std::string hint = {}) {
    errors_.push_back({where, std::move(text), std::move(hint)});
  }
  void Error(std::string text) { errors_.push_back({std::nullopt, std::move(text), {}}); }
  void Warn(const Location& where, std::string text) {
    warnings_.push_back({where, std::move(text), {}});
  }
  void Warn(std::string text) { warnings_.push_back({std::nullopt, std::move(text), {}}); }
  /// The reference's words for a key that is used in a way it should not be.
  void WarnOfUse(const Location& where, std::string_view field, std::string_view reason);
  /// A key that nobody knows; `known` are those that could have been meant.
  void UnknownField(const Location& where, std::string_view field,
                    const std::vector<std::string_view>& known);

  const std::vector<Problem>& errors() const { return errors_; }
  const std::vector<Problem>& warnings() const { return warnings_; }
  bool none() const { return errors_.empty() && warnings_.empty(); }

  /// A line for each, warnings first, as the reference prints them.
  std::string lines() const;
  /// The same, and below each of them its excerpt.
  std::string text() const;

 private:
  std::vector<Problem> errors_;
  std::vector<Problem> warnings_;
};

/// The word of `known` that `word` is most likely a slip of; empty: none comes near.
std::string_view NearestWord(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace martlet::config
