#include "cli/body_template.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>
#include <random>
#include <vector>

#include "auth/nkey.h"
#include "base/go_text.h"
#include "cli/text.h"

namespace martlet::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string Formatted(const char* format, const std::tm& time) {
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &time)};
}

std::tm LocalTime() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return local;
}

/// Go's time.RFC3339: the zone is "Z" or "+02:00".
std::string Rfc3339() {
  const std::tm local = LocalTime();
  std::string zone = Formatted("%z", local);
  if (zone == "+0000") return Formatted("%Y-%m-%dT%H:%M:%SZ", local);
  if (zone.size() == 5) zone.insert(3, 1, ':');
  return Formatted("%Y-%m-%dT%H:%M:%S", local) + zone;
}

/// Go's time.Kitchen: "3:04PM".
std::string Kitchen() {
  const std::string text = Formatted("%I:%M%p", LocalTime());
  return text.starts_with('0') ? text.substr(1) : text;
}

std::string RandomText(uint64_t shortest, uint64_t longest) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  static std::mt19937_64 generator{std::random_device{}()};
  if (shortest > longest) std::swap(shortest, longest);
  // As in natscli the longest is not reached, unless both are the same.
  const uint64_t above = std::max<uint64_t>(longest - shortest, 1);
  std::string out(shortest + generator() % above, '\0');
  for (char& c : out) c = kLetters[generator() % kLetters.size()];
  return out;
}

absl::StatusOr<std::string> Random(const std::vector<std::string>& words) {
  constexpr uint64_t kBytesMax = uint64_t{64} << 20;
  uint64_t bounds[2] = {};
  if (words.size() != 3) {
    return absl::InvalidArgumentError("wrong number of args for Random: want 2 got " +
                                      std::to_string(words.size() - 1));
  }
  for (size_t i = 0; i < 2; ++i) {
    const std::string& word = words[i + 1];
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), bounds[i]);
    if (error != std::errc() || end != word.data() + word.size() || bounds[i] > kBytesMax) {
      return absl::InvalidArgumentError("Random: " + base::GoQuote(word) + " is no length");
    }
  }
  return RandomText(bounds[0], bounds[1]);
}

std::optional<std::string> Value(std::string_view name, const TemplateValues& values) {
  using std::chrono::duration_cast;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  if (name == "Count" || name == "Cnt") return std::to_string(values.count);
  if (name == "Unix") return std::to_string(duration_cast<std::chrono::seconds>(now).count());
  if (name == "UnixNano") {
    return std::to_string(duration_cast<std::chrono::nanoseconds>(now).count());
  }
  if (name == "TimeStamp") return Rfc3339();
  if (name == "Time") return Kitchen();
  return std::nullopt;
}

absl::StatusOr<std::string> Evaluate(const std::vector<std::string>& words,
                                     const TemplateValues& values) {
  if (words.empty()) return absl::InvalidArgumentError("missing value for command");
  const bool is_field = words[0].starts_with('.');
  const std::string name = words[0].substr(is_field ? 1 : 0);
  if (!is_field && name == "Random") return Random(words);
  if (words.size() > 1) {
    return absl::InvalidArgumentError("wrong number of args for " + name + ": want 0 got " +
                                      std::to_string(words.size() - 1));
  }
  if (auto value = Value(name, values)) return *value;
  if (!is_field && name == "ID") return auth::NewNuid();
  // natscli knows the function only where there is something to give, and the field always.
  if (name == "Request" && (is_field || !values.request.empty()))
    return std::string(values.request);
  if (is_field) return absl::InvalidArgumentError("can't evaluate field " + name);
  return absl::InvalidArgumentError("function " + base::GoQuote(name) + " not defined");
}

}  // namespace

absl::StatusOr<std::string> ExpandTemplate(std::string_view text, const TemplateValues& values) {
  std::string out;
  int line = 1;
  const auto fault = [&](std::string_view what) {
    return absl::InvalidArgumentError("template: body:" + std::to_string(line) + ": " +
                                      std::string(what));
  };
  while (true) {
    const size_t begin = text.find("{{");
    const std::string_view plain = text.substr(0, begin);
    out += plain;
    line += static_cast<int>(std::count(plain.begin(), plain.end(), '\n'));
    if (begin == text.npos) return out;
    text.remove_prefix(begin + 2);
    const size_t end = text.find("}}");
    if (end == text.npos) return fault("unclosed action");
    std::string_view action = text.substr(0, end);
    text.remove_prefix(end + 2);
    // "{{- " eats the blanks before it, " -}}" those behind.
    if (action.starts_with("- ")) {
      action.remove_prefix(2);
      out.erase(out.find_last_not_of(kBlanks) + 1);
    }
    if (action.ends_with(" -")) {
      action.remove_suffix(2);
      text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    }
    const absl::StatusOr<std::string> value = Evaluate(SplitList(action), values);
    if (!value.ok()) return fault(std::string(value.status().message()));
    out += *value;
  }
}

}  // namespace martlet::cli
