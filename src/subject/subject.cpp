#include "subject/subject.h"

#include <algorithm>

namespace martlet::subject {

size_t CountTokens(std::string_view text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '.')) + 1;
}

bool IsValidFilter(std::string_view filter) {
  bool tail_seen = false;
  return ForEachToken(filter, [&](std::string_view token) {
    if (token.empty() || tail_seen) return false;
    tail_seen = token == ">";
    return true;
  });
}

bool HasNoEmptyToken(std::string_view subject) {
  return !subject.empty() && subject.front() != '.' && subject.back() != '.' &&
         subject.find("..") == subject.npos;
}

bool IsValidLiteral(std::string_view subject) {
  return ForEachToken(subject, [](std::string_view token) {
    return !token.empty() && token != "*" && token != ">";
  });
}

bool HasWildcard(std::string_view filter) {
  return !ForEachToken(filter, [](std::string_view token) { return token != "*" && token != ">"; });
}

bool Matches(std::string_view filter, std::string_view subject) {
  size_t f = 0;
  size_t s = 0;
  for (;;) {
    const size_t filter_dot = filter.find('.', f);
    const size_t subject_dot = subject.find('.', s);
    const std::string_view want = filter.substr(f, filter_dot - f);
    const std::string_view have = subject.substr(s, subject_dot - s);
    const bool filter_ends = filter_dot == filter.npos;
    const bool subject_ends = subject_dot == subject.npos;
    if (want == ">" && filter_ends) return true;
    if (want != "*" && want != have) return false;
    if (filter_ends || subject_ends) return filter_ends && subject_ends;
    f = filter_dot + 1;
    s = subject_dot + 1;
  }
}

}  // namespace martlet::subject
