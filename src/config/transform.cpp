#include "config/transform.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/go_parse.h"

namespace martlet::config {
namespace {

constexpr std::string_view kInvalid = "invalid mapping destination";

std::string Wrong(std::string_view why, std::string_view token) {
  std::string out = std::string(kInvalid) + ": " + std::string(why);
  if (!token.empty()) out += " in " + std::string(token);
  return out;
}

std::vector<std::string_view> Tokens(std::string_view subject) {
  std::vector<std::string_view> tokens;
  for (;;) {
    const size_t dot = subject.find('.');
    tokens.push_back(subject.substr(0, dot));
    if (dot == subject.npos) return tokens;
    subject.remove_prefix(dot + 1);
  }
}

struct Info {
  bool valid = true;
  std::vector<std::string_view> tokens;
  int64_t wildcards = 0;  // single ones
  bool tail = false;      // `>` at the end
};

Info InfoOf(std::string_view subject) {
  Info info;
  info.tokens = Tokens(subject);
  for (const std::string_view token : info.tokens) {
    if (token.empty() || info.tail) info.valid = false;
    if (token == "*") ++info.wildcards;
    if (token == ">") info.tail = true;
  }
  return info;
}

enum class Function : uint8_t { kNone, kWildcard, kPartition, kRandom, kOther };

struct Parsed {
  Function function = Function::kNone;
  std::vector<int64_t> indexes;
  std::string wrong;
};

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool IsMustache(std::string_view token) {
  return token.size() > 4 && token.starts_with("{{") && token.ends_with("}}");
}

struct Call {
  std::string name;  // in small letters
  std::vector<std::string_view> arguments;
};

// `{{name(a, b)}}`, with blanks where the reference's patterns allow them.
std::optional<Call> ParseCall(std::string_view token) {
  std::string_view inner = token.substr(2, token.size() - 4);
  const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!inner.empty() && blank(inner.front())) inner.remove_prefix(1);
  while (!inner.empty() && blank(inner.back())) inner.remove_suffix(1);
  const size_t open = inner.find('(');
  if (open == inner.npos || !inner.ends_with(')')) return std::nullopt;
  std::string_view name = inner.substr(0, open);
  while (!name.empty() && blank(name.back())) name.remove_suffix(1);
  Call call;
  for (const char c : name) {
    call.name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  std::string_view arguments = inner.substr(open + 1, inner.size() - open - 2);
  for (;;) {
    const size_t comma = arguments.find(',');
    call.arguments.push_back(arguments.substr(0, comma));
    if (comma == arguments.npos) return call;
    arguments.remove_prefix(comma + 1);
    while (!arguments.empty() && blank(arguments.front())) arguments.remove_prefix(1);
  }
}

constexpr std::string_view kTwoIntegers[] = {"splitfromleft",  "splitfromright", "slicefromleft",
                                             "slicefromright", "left",           "right"};

bool IsKnown(std::string_view name) {
  return name == "wildcard" || name == "partition" || name == "random" || name == "split" ||
         std::find(std::begin(kTwoIntegers), std::end(kTwoIntegers), name) !=
             std::end(kTwoIntegers);
}

constexpr std::string_view kTooFew = "not enough arguments passed to the function";
constexpr std::string_view kTooMany = "too many arguments passed to the function";
constexpr std::string_view kBadArgument = "function argument is invalid or in the wrong format";
constexpr std::string_view kOutOfRange = "wildcard index out of range";
constexpr std::string_view kUnknown = "unknown function";

// An index of a wildcard; tells what is wrong with the argument.
bool AddIndex(std::string_view argument, std::string_view token, Parsed& out) {
  const std::optional<int64_t> index = base::ParseGoInt(Trim(argument));
  if (index) {
    out.indexes.push_back(*index);
  } else {
    out.wrong = Wrong(kBadArgument, token);
  }
  return index.has_value();
}

bool IsInt32(std::string_view argument) {
  const std::optional<int64_t> number = base::ParseGoInt(Trim(argument));
  return number && *number <= std::numeric_limits<int32_t>::max();
}

Parsed ParseFunction(const Call& call, std::string_view token) {
  Parsed out;
  const std::vector<std::string_view>& arguments = call.arguments;
  const bool none = arguments.size() == 1 && arguments[0].empty();
  if (call.name == "wildcard") {
    out.function = Function::kWildcard;
    if (none) {
      out.wrong = Wrong(kTooFew, token);
    } else if (arguments.size() > 1) {
      out.wrong = Wrong(kTooMany, token);
    } else {
      AddIndex(arguments[0], token, out);
    }
  } else if (call.name == "partition") {
    out.function = Function::kPartition;
    if (!IsInt32(arguments[0])) {
      out.wrong = Wrong(kBadArgument, token);
      return out;
    }
    for (size_t i = 1; i < arguments.size(); ++i) {
      if (!AddIndex(arguments[i], token, out)) return out;
    }
  } else if (call.name == "random") {
    out.function = Function::kRandom;
    if (arguments.size() != 1) {
      out.wrong = Wrong(kTooFew, token);
    } else if (!IsInt32(arguments[0])) {
      out.wrong = Wrong(kBadArgument, token);
    }
  } else {
    out.function = Function::kOther;
    if (arguments.size() != 2) {
      out.wrong = Wrong(arguments.size() < 2 ? kTooFew : kTooMany, token);
      return out;
    }
    if (!AddIndex(arguments[0], token, out)) return out;
    const bool good = call.name == "split" ? arguments[1].find_first_of(" .") == std::string::npos
                                           : IsInt32(arguments[1]);
    if (!good) out.wrong = Wrong(kBadArgument, token);
  }
  return out;
}

// A token of a destination. Source: reference indexPlaceHolders.
Parsed ParseToken(std::string_view token) {
  Parsed out;
  if (token.size() > 1 && token[0] == '$') {
    if (const std::optional<int64_t> index = base::ParseGoInt(token.substr(1))) {
      out.function = Function::kWildcard;
      out.indexes.push_back(*index);
    }
    return out;
  }
  if (!IsMustache(token)) return out;
  const std::optional<Call> call = ParseCall(token);
  if (call && IsKnown(call->name)) return ParseFunction(*call, token);
  out.wrong = Wrong(kUnknown, token);
  return out;
}

}  // namespace

std::string CheckTransform(std::string_view source, std::string_view destination, bool strict) {
  if (destination.empty()) return {};
  const Info from = InfoOf(source.empty() ? ">" : source);
  const Info to = InfoOf(destination);
  if (!from.valid || !to.valid || to.wildcards > 0 || from.tail != to.tail) {
    return "invalid subject";
  }
  const bool wild = from.wildcards > 0 || from.tail;
  size_t used = 0;
  for (const std::string_view token : to.tokens) {
    const Parsed parsed = ParseToken(token);
    if (!parsed.wrong.empty()) return parsed.wrong;
    if (parsed.function == Function::kNone) continue;
    if (!wild) {
      if (parsed.function == Function::kRandom || parsed.function == Function::kPartition) continue;
      return Wrong(kOutOfRange, token);
    }
    if (strict && parsed.function != Function::kWildcard) {
      return Wrong("the only mapping function allowed for import transforms is {{Wildcard()}}",
                   token);
    }
    used += parsed.indexes.size();
    for (const int64_t index : parsed.indexes) {
      if (index <= from.wildcards) continue;
      return Wrong(kOutOfRange, std::string(token) + ": [" + std::to_string(index) + "]");
    }
  }
  if (wild && strict && used < static_cast<size_t>(from.wildcards)) {
    return Wrong("not using all of the token wildcard(s)", destination);
  }
  return {};
}

std::string CheckMapping(std::string_view source, std::string_view destination) {
  if (destination.empty()) return {};
  bool tail = false;
  for (const std::string_view token : Tokens(destination)) {
    if (token.empty() || tail) return Wrong("invalid transform", token);
    if (IsMustache(token)) {
      const std::optional<Call> call = ParseCall(token);
      if (!call || !IsKnown(call->name)) return Wrong(kUnknown, token);
    } else if (token == ">") {
      tail = true;
    } else if (token.find_first_of("\t\n\f\r ") != token.npos) {
      return Wrong("invalid transform", "");
    }
  }
  return CheckTransform(source, destination, false);
}

std::string WithPlaceholders(std::string_view subject) {
  std::string out;
  int next = 1;
  for (const std::string_view token : Tokens(subject)) {
    if (!out.empty()) out += '.';
    out += token == "*" ? "$" + std::to_string(next++) : std::string(token);
  }
  return out;
}

bool Collide(std::string_view a, std::string_view b) {
  const std::vector<std::string_view> left = Tokens(a);
  const std::vector<std::string_view> right = Tokens(b);
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (left[i] == ">" || right[i] == ">") return true;
    if (left[i] != "*" && right[i] != "*" && left[i] != right[i]) return false;
  }
  return left.size() == right.size();
}

bool Covers(std::string_view filter, std::string_view subset) {
  const std::vector<std::string_view> wide = Tokens(filter);
  const std::vector<std::string_view> narrow = Tokens(subset);
  for (size_t i = 0; i < wide.size(); ++i) {
    if (i >= narrow.size()) return false;
    if (wide[i] == ">") return true;
    if (narrow[i] == ">") return false;
    if (wide[i] != "*" && wide[i] != narrow[i]) return false;
  }
  return wide.size() == narrow.size();
}

}  // namespace martlet::config
