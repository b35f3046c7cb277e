#include "proto/pub_line.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "proto/control_line.h"
#include "proto/line_marks.h"

namespace martlet::proto {
namespace {

constexpr size_t kBytesMax = LineMarks::kBytes;
constexpr std::string_view kVerb = "PUB ";

}  // namespace

bool ScanPubLine(std::string_view in, PubLine& line) {
  std::array<char, kBytesMax> padded;
  const char* bytes = in.data();
  if (in.size() < kBytesMax) {
    padded = {};
    std::copy(in.begin(), in.end(), padded.begin());
    bytes = padded.data();
  }
  if (std::memcmp(bytes, kVerb.data(), kVerb.size()) != 0) return false;
  const LineMarks marks = MarksOf(bytes);
  if (marks.line_ends == 0) return false;
  const auto newline = static_cast<size_t>(__builtin_ctzll(marks.line_ends));
  const size_t end = newline - 1;
  if (bytes[end] != '\r') return false;

  // The blanks between the parts, which follow on the one behind the verb.
  uint64_t blanks = marks.blanks & ((uint64_t{1} << end) - 1) & ~uint64_t{0xf};
  if (blanks == 0) return false;
  const size_t start = kVerb.size();
  const auto first = static_cast<size_t>(__builtin_ctzll(blanks));
  size_t last = first;
  blanks &= blanks - 1;
  if (blanks != 0) {
    last = static_cast<size_t>(__builtin_ctzll(blanks));
    if (last == first + 1 || (blanks & (blanks - 1)) != 0) return false;
  }
  if (first == start) return false;

  line.argument = in.substr(start, end - start);
  line.subject = in.substr(start, first - start);
  line.reply = last == first ? std::string_view() : in.substr(first + 1, last - first - 1);
  line.size = in.substr(last + 1, end - last - 1);
  line.bytes = newline + 1;
  return ReadSize(line.size, line.payload_bytes);
}

}  // namespace martlet::proto
