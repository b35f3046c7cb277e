// Small files of the kernel, and numbers in them.
#pragma once

#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::measure {

/// All of a small text file, without what blanks it ends in; empty when it cannot be read.
inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  text.erase(text.find_last_not_of(" \t\n\r") + 1);
  return text;
}

/// The words of `text` between blanks, as views into it.
inline std::vector<std::string_view> Words(std::string_view text) {
  static constexpr std::string_view kBlanks = " \t\n";
  std::vector<std::string_view> words;
  size_t begin = text.find_first_not_of(kBlanks);
  while (begin != text.npos) {
    const size_t end = text.find_first_of(kBlanks, begin);
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

/// The number that `text` begins with; nothing when it begins with none.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text, int base = 10) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return std::nullopt;
  return number;
}

/// What follows `key` and blanks in the first line of `text` that begins with `key`; else empty.
inline std::string_view LineAfter(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.starts_with(key)) {
      const size_t value = line.find_first_not_of(" \t", key.size());
      return value == line.npos ? std::string_view() : line.substr(value);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

}  // namespace martlet::measure
