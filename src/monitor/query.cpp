#include "monitor/query.h"

#include <algorithm>
#include <charconv>

#include "base/go_text.h"

namespace martlet::monitor {
namespace {

constexpr std::string_view kSyntax = "invalid syntax";
constexpr std::string_view kRange = "value out of range";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Decimal digits and nothing else; null when they are a number that fits.
template <typename T>
const std::string_view* ReadDecimal(std::string_view digits, T& out) {
  const bool plain = !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                                    [](char c) { return c >= '0' && c <= '9'; });
  if (!plain) return &kSyntax;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return result.ec == std::errc() ? nullptr : &kRange;
}

}  // namespace

bool Unescape(std::string_view text, EscapeRules rules, std::string& out) {
  out.clear();
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && rules == EscapeRules::kQuery) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return true;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

Query::Query(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (pair.empty() || pair.find(';') != pair.npos) continue;
    const size_t equals = pair.find('=');
    std::string name;
    std::string value;
    if (!Unescape(pair.substr(0, equals), EscapeRules::kQuery, name)) continue;
    if (equals != pair.npos && !Unescape(pair.substr(equals + 1), EscapeRules::kQuery, value)) {
      continue;
    }
    pairs_.emplace_back(std::move(name), std::move(value));
  }
}

std::string_view Query::Text(std::string_view name) const {
  const auto found = std::find_if(pairs_.begin(), pairs_.end(),
                                  [&](const auto& pair) { return pair.first == name; });
  return found == pairs_.end() ? std::string_view() : std::string_view(found->second);
}

bool Query::Bool(std::string_view name) {
  const std::string_view value = Text(name);
  if (value.empty()) return false;
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (value == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (value == no) return false;
  }
  RefuseNumber("boolean", "ParseBool", name, value, kSyntax);
  return false;
}

int64_t Query::Int(std::string_view name) {
  const std::string_view value = Text(name);
  if (value.empty()) return 0;
  const bool negative = value.front() == '-';
  const bool sign = negative || value.front() == '+';
  uint64_t size = 0;
  const std::string_view* why = ReadDecimal(value.substr(sign ? 1 : 0), size);
  const uint64_t limit = (uint64_t{1} << 63) - (negative ? 0 : 1);
  if (why == nullptr && size > limit) why = &kRange;
  if (why == nullptr) return static_cast<int64_t>(negative ? 0 - size : size);
  RefuseNumber("int", "Atoi", name, value, *why);
  return 0;
}

uint64_t Query::Uint64(std::string_view name) {
  const std::string_view value = Text(name);
  if (value.empty()) return 0;
  uint64_t number = 0;
  const std::string_view* why = ReadDecimal(value, number);
  if (why == nullptr) return number;
  RefuseNumber("uint64", "ParseUint", name, value, *why);
  return 0;
}

void Query::RefuseNumber(std::string_view type, std::string_view function, std::string_view name,
                         std::string_view value, std::string_view why) {
  std::string text = "Error decoding ";
  text.append(type).append(" for '").append(name).append("': strconv.").append(function);
  text.append(": parsing ").append(base::GoQuote(value)).append(": ").append(why);
  Refuse(std::move(text));
}

void Query::Refuse(std::string text) {
  if (error_.empty()) error_ = std::move(text);
}

}  // namespace martlet::monitor
