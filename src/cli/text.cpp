#include "cli/text.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "base/go_text.h"

namespace martlet::cli {
namespace {

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

constexpr double kSecond = 1e9;
constexpr double kDay = 24 * 3600 * kSecond;
struct Unit {
  std::string_view name;
  double nanoseconds;
};
// Those that another one begins with come behind it.
constexpr std::array kUnits = {
    Unit{"ns", 1},   Unit{"us", 1e3},     Unit{"\xc2\xb5s", 1e3},  Unit{"\xce\xbcs", 1e3},
    Unit{"ms", 1e6}, Unit{"s", kSecond},  Unit{"m", 60 * kSecond}, Unit{"h", 3600 * kSecond},
    Unit{"d", kDay}, Unit{"w", 7 * kDay}, Unit{"M", 30 * kDay},    Unit{"y", 365 * kDay},
};

/// "1.5h": takes one number with its unit off the front.
std::optional<double> TakePart(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string number(text.substr(0, digits));
  if (number.empty() || number == "." || std::count(number.begin(), number.end(), '.') > 1) {
    return std::nullopt;
  }
  text.remove_prefix(digits);
  const auto* unit = std::find_if(kUnits.begin(), kUnits.end(),
                                  [&](const Unit& u) { return text.starts_with(u.name); });
  if (unit == kUnits.end()) return std::nullopt;
  text.remove_prefix(unit->name.size());
  return std::strtod(number.c_str(), nullptr) * unit->nanoseconds;
}

std::string_view TakeToken(std::string_view& subject) {
  const size_t dot = subject.find('.');
  const std::string_view token = subject.substr(0, dot);
  subject.remove_prefix(dot == subject.npos ? subject.size() : dot + 1);
  return token;
}

}  // namespace

absl::StatusOr<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  constexpr double kMax = 9e18;
  std::string_view left = text;
  double sum = 0;
  if (text == "0") return std::chrono::nanoseconds(0);
  do {
    const std::optional<double> part = TakePart(left);
    if (part) sum += *part;
    if (!part || sum > kMax) {
      return absl::InvalidArgumentError("invalid duration " + base::GoQuote(text) +
                                        "; write for example 300ms, 1.5s or 2m");
    }
  } while (!left.empty());
  return std::chrono::nanoseconds(static_cast<int64_t>(sum));
}

absl::StatusOr<Header> ParseHeaderFlag(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view name = Trimmed(text.substr(0, colon));
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; });
  if (colon == text.npos || name.empty() || !plain) {
    return absl::InvalidArgumentError("invalid header " + base::GoQuote(text));
  }
  return Header(name, Trimmed(text.substr(colon + 1)));
}

std::string HeaderLine(const Header& header) {
  std::string line = header.first;
  return line.append(": ").append(header.second);
}

std::string HeaderBlock(const std::vector<Header>& headers) {
  if (headers.empty()) return {};
  std::string block = "NATS/1.0\r\n";
  for (const auto& [name, value] : headers) {
    std::string clean = value;
    std::replace(clean.begin(), clean.end(), '\r', ' ');
    std::replace(clean.begin(), clean.end(), '\n', ' ');
    block.append(name).append(": ").append(clean).append("\r\n");
  }
  return block + "\r\n";
}

std::vector<Header> ParseHeaderBlock(std::string_view block) {
  constexpr size_t kStatusBytes = 3;
  std::vector<Header> headers;
  bool first = true;
  while (!block.empty()) {
    const size_t end = block.find("\r\n");
    std::string_view line = block.substr(0, end);
    block.remove_prefix(end == block.npos ? block.size() : end + 2);
    if (std::exchange(first, false)) {
      line = Trimmed(line.substr(std::min(line.find(' '), line.size())));
      if (line.empty()) continue;
      headers.emplace_back("Status", line.substr(0, kStatusBytes));
      const std::string_view description =
          Trimmed(line.substr(std::min(kStatusBytes, line.size())));
      if (!description.empty()) headers.emplace_back("Description", description);
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    headers.emplace_back(line.substr(0, colon), Trimmed(line.substr(colon + 1)));
  }
  return headers;
}

std::string_view FindHeader(const std::vector<Header>& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const Header& header) { return header.first == name; });
  return found == headers.end() ? std::string_view() : found->second;
}

absl::StatusOr<std::vector<std::string>> SplitCommand(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      in_word = false;
      continue;
    }
    if (!std::exchange(in_word, true)) words.emplace_back();
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote && quote != 0) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      if (++i == line.size()) return absl::InvalidArgumentError("nothing behind the backslash");
      const bool kept = quote == '"' && line[i] != '"' && line[i] != '\\' && line[i] != '$';
      if (kept) words.back() += '\\';
      words.back() += line[i];
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return absl::InvalidArgumentError(std::string("a ") + quote + " is not closed");
  if (words.empty()) return absl::InvalidArgumentError("it is empty");
  return words;
}

std::vector<std::string> SplitList(std::string_view text) {
  constexpr std::string_view kBetween = ", \t\r\n";
  std::vector<std::string> parts;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    if (text.empty()) return parts;
    const size_t end = std::min(text.find_first_of(kBetween), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

bool IsPlainSubject(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 127;
  });
}

bool SubjectsCollide(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view one = TakeToken(a);
    const std::string_view other = TakeToken(b);
    if (one == ">" || other == ">") return true;
    if (one != other && one != "*" && other != "*") return false;
  }
  return a.empty() && b.empty();
}

}  // namespace martlet::cli
