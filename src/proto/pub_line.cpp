#include "proto/pub_line.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace martlet::proto {
namespace {

constexpr size_t kBytesMax = 64;
constexpr std::string_view kVerb = "PUB ";

/// Which of 64 bytes are blanks, and which are line ends; a bit each.
struct Marks {
  uint64_t blanks = 0;
  uint64_t line_ends = 0;
};

#ifdef __SSE2__
Marks MarksOf(const char* bytes) {
  const auto bits = [](__m128i equal) -> uint64_t {
    return static_cast<uint16_t>(_mm_movemask_epi8(equal));
  };
  Marks marks;
  for (size_t i = 0; i < kBytesMax; i += sizeof(__m128i)) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
    const __m128i space = _mm_cmpeq_epi8(block, _mm_set1_epi8(' '));
    const __m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
    const __m128i line_end = _mm_cmpeq_epi8(block, _mm_set1_epi8('\n'));
    marks.blanks |= bits(_mm_or_si128(space, tab)) << i;
    marks.line_ends |= bits(line_end) << i;
  }
  return marks;
}
#else
Marks MarksOf(const char* bytes) {
  Marks marks;
  for (size_t i = 0; i < kBytesMax; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    if (bytes[i] == ' ' || bytes[i] == '\t') marks.blanks |= bit;
    if (bytes[i] == '\n') marks.line_ends |= bit;
  }
  return marks;
}
#endif

// One to nine digits.
bool ReadSize(std::string_view text, uint32_t& value) {
  if (text.empty() || text.size() > 9) return false;
  value = 0;
  for (const char c : text) {
    const auto digit = static_cast<uint32_t>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  return true;
}

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
  const Marks marks = MarksOf(bytes);
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
