#include "config/problems.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "base/go_text.h"

namespace martlet::config {
namespace {

using base::GoQuote;

constexpr size_t kExcerptBytesMax = 160;  // of a line of the file

// Edits that make one word of the other: letters put in, left out, changed, or two exchanged.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before;
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before = above;
    std::swap(above, row);
  }
  return above[b.size()];
}

// Whether the line could hold what must not be shown.
bool MayHoldSecret(std::string_view line) {
  std::string lower(line);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const std::string_view word :
       {"pass", "token", "seed", "key", "jwt", "creds", "secret", "$2", "@"}) {
    if (lower.find(word) != lower.npos) return true;
  }
  return false;
}

}  // namespace

std::string_view NearestWord(std::string_view word, const std::vector<std::string_view>& known) {
  constexpr size_t kWordBytesMax = 64;  // longer ones are no slip of a key
  if (word.empty() || word.size() > kWordBytesMax) return {};
  std::string_view nearest;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const size_t distance = Distance(word, candidate);
    if (distance < least && distance < candidate.size()) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string Problem::line() const { return where ? where->text() + ": " + text : text; }

std::string Problem::excerpt() const {
  std::string out;
  if (where && where->source != nullptr) {
    const std::string_view text_of_file = where->source->text;
    size_t start = 0;
    for (int line = 1; line < where->line && start < text_of_file.size(); ++line) {
      start = std::min(text_of_file.find('\n', start), text_of_file.size() - 1) + 1;
    }
    const std::string_view rest = text_of_file.substr(std::min(start, text_of_file.size()));
    std::string_view shown = rest.substr(0, rest.find_first_of("\r\n"));
    // Positions on the first line count from 0, on others from the newline before.
    const auto column = static_cast<size_t>(std::max(0, where->pos - (where->line > 1 ? 1 : 0)));
    if (column <= shown.size() && column < kExcerptBytesMax && !shown.empty() &&
        !MayHoldSecret(shown)) {
      shown = shown.substr(0, kExcerptBytesMax);
      std::string mark;
      for (const char c : shown.substr(0, column)) {
        if ((c & 0xC0) != 0x80) mark += c == '\t' ? '\t' : ' ';
      }
      out += "    " + std::string(shown) + "\n    " + mark + "^";
      if (!hint.empty()) out += " " + hint;
      return out + "\n";
    }
  }
  return hint.empty() ? out : "    " + hint + "\n";
}

void Problems::WarnOfUse(const Location& where, std::string_view field, std::string_view reason) {
  Warn(where, "invalid use of field " + GoQuote(field) + ": " + std::string(reason));
}

void Problems::UnknownField(const Location& where, std::string_view field,
                            const std::vector<std::string_view>& known) {
  const std::string_view nearest = NearestWord(field, known);
  Error(where, "unknown field " + GoQuote(field),
        nearest.empty() ? std::string() : "did you mean " + GoQuote(nearest) + "?");
}

std::string Problems::lines() const {
  std::string out;
  for (const std::vector<Problem>* problems : {&warnings_, &errors_}) {
    for (const Problem& problem : *problems) out += problem.line() + "\n";
  }
  return out;
}

std::string Problems::text() const {
  std::string out;
  for (const std::vector<Problem>* problems : {&warnings_, &errors_}) {
    for (const Problem& problem : *problems) out += problem.line() + "\n" + problem.excerpt();
  }
  return out;
}

}  // namespace martlet::config
