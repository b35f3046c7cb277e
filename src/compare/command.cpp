#include "compare/command.h"

#include <optional>

#include "base/go_text.h"

namespace martlet::compare {
namespace {

using base::IsDigit;

constexpr std::string_view kPortMark = "{port}";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Reads one word after the other.
class WordReader {
 public:
  explicit WordReader(std::string_view line) : line_(line) {}

  /// The next word, which may be empty (''), or nothing at the end.
  absl::StatusOr<std::optional<std::string>> Next() {
    while (!AtEnd() && IsBlank(line_[at_])) ++at_;
    if (AtEnd()) return std::nullopt;
    std::string word;
    while (!AtEnd() && !IsBlank(line_[at_])) {
      const absl::Status status = Piece(word);
      if (!status.ok()) return status;
    }
    return std::optional<std::string>(std::move(word));
  }

 private:
  bool AtEnd() const { return at_ == line_.size(); }

  absl::Status Piece(std::string& word) {
    const char c = line_[at_++];
    if (c == '\'') return SingleQuoted(word);
    if (c == '"') return DoubleQuoted(word);
    if (c != '\\') {
      word += c;
      return absl::OkStatus();
    }
    if (AtEnd()) return Error("ends in a backslash");
    if (line_[at_] != '\n') word += line_[at_];
    ++at_;
    return absl::OkStatus();
  }

  absl::Status SingleQuoted(std::string& word) {
    const size_t end = line_.find('\'', at_);
    if (end == std::string_view::npos) return Error("has an open ' quote");
    word += line_.substr(at_, end - at_);
    at_ = end + 1;
    return absl::OkStatus();
  }

  absl::Status DoubleQuoted(std::string& word) {
    for (; !AtEnd(); ++at_) {
      if (line_[at_] == '"') {
        ++at_;
        return absl::OkStatus();
      }
      if (line_[at_] == '\\' && at_ + 1 < line_.size()) {
        const char escaped = line_[at_ + 1];
        if (escaped == '\n') {
          ++at_;
          continue;
        }
        if (std::string_view("\"\\$`").find(escaped) != std::string_view::npos) ++at_;
      }
      word += line_[at_];
    }
    return Error("has an open \" quote");
  }

  absl::Status Error(std::string_view what) const {
    return absl::InvalidArgumentError("command \"" + std::string(line_) + "\" " +
                                      std::string(what));
  }

  std::string_view line_;
  size_t at_ = 0;
};

/// Where the name of NAME=value ends; npos when the word is none.
size_t AssignmentAt(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0 || !IsLetter(word[0])) {
    return std::string_view::npos;
  }
  for (const char c : word.substr(0, equals)) {
    if (!IsLetter(c) && !IsDigit(c)) return std::string_view::npos;
  }
  return equals;
}

bool ReplacePort(std::string& text, std::string_view port) {
  bool found = false;
  for (size_t at = text.find(kPortMark); at != std::string::npos; at = text.find(kPortMark, at)) {
    text.replace(at, kPortMark.size(), port);
    at += port.size();
    found = true;
  }
  return found;
}

}  // namespace

absl::StatusOr<Command> ParseCommand(std::string_view line) {
  Command command;
  WordReader reader(line);
  for (;;) {
    absl::StatusOr<std::optional<std::string>> word = reader.Next();
    if (!word.ok()) return word.status();
    if (!word->has_value()) break;
    std::string& text = **word;
    const size_t equals = AssignmentAt(text);
    if (command.words.empty() && equals != std::string_view::npos) {
      command.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    } else {
      command.words.push_back(std::move(text));
    }
  }
  if (command.words.empty() || command.words.front().empty()) {
    return absl::InvalidArgumentError("command \"" + std::string(line) + "\" names no program");
  }
  return command;
}

Command WithPort(Command command, uint16_t port, bool append_port) {
  const std::string number = std::to_string(port);
  bool placed = false;
  for (auto& [name, value] : command.environment) placed |= ReplacePort(value, number);
  for (std::string& word : command.words) placed |= ReplacePort(word, number);
  if (!placed && append_port) {
    command.words.insert(command.words.end(), {"-a", "127.0.0.1", "-p", number});
  }
  return command;
}

std::string QuoteWord(std::string_view word) {
  bool plain = !word.empty();
  for (const char c : word) {
    plain = plain && (IsLetter(c) || IsDigit(c) ||
                      std::string_view("-./:=,@%+").find(c) != std::string_view::npos);
  }
  if (plain) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace martlet::compare
