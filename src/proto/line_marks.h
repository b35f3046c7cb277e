// Where the parts of a control line begin and end, 64 bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace martlet::proto {

/// Which of 64 bytes are what; a bit each.
struct LineMarks {
  static constexpr size_t kBytes = 64;

  uint64_t blanks = 0;
  uint64_t returns = 0;
  uint64_t line_ends = 0;
};

/// REQUIRES: LineMarks::kBytes can be read.
#ifdef __SSE2__
inline LineMarks MarksOf(const char* bytes) {
  const auto bits = [](__m128i equal) -> uint64_t {
    return static_cast<uint16_t>(_mm_movemask_epi8(equal));
  };
  LineMarks marks;
  for (size_t i = 0; i < LineMarks::kBytes; i += sizeof(__m128i)) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
    const __m128i space = _mm_cmpeq_epi8(block, _mm_set1_epi8(' '));
    const __m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
    marks.blanks |= bits(_mm_or_si128(space, tab)) << i;
    marks.returns |= bits(_mm_cmpeq_epi8(block, _mm_set1_epi8('\r'))) << i;
    marks.line_ends |= bits(_mm_cmpeq_epi8(block, _mm_set1_epi8('\n'))) << i;
  }
  return marks;
}
#else
inline LineMarks MarksOf(const char* bytes) {
  LineMarks marks;
  for (size_t i = 0; i < LineMarks::kBytes; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    if (bytes[i] == ' ' || bytes[i] == '\t') marks.blanks |= bit;
    if (bytes[i] == '\r') marks.returns |= bit;
    if (bytes[i] == '\n') marks.line_ends |= bit;
  }
  return marks;
}
#endif

}  // namespace martlet::proto
