#include "s2/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace martlet::s2 {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // Castagnoli's, lowest bit first

// kTables[n][byte]: what `byte` makes of the checksum when n more bytes follow it in its word.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables = {};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t n = 1; n < 8; ++n) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t shorter = tables[n - 1][byte];
      tables[n][byte] = shorter >> 8 ^ tables[0][shorter & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

static_assert(std::endian::native == std::endian::little);

uint64_t LoadWord(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

#if defined(__x86_64__)
// The instruction takes three cycles, but one may begin in each: long texts are summed in three
// lanes at a time, each of so many bytes.
constexpr size_t kLaneBytes = 1024;

// kLaneShift[n][byte]: what byte n of a checksum becomes when a lane of zeros follows.
constexpr std::array<std::array<uint32_t, 256>, 4> MakeLaneShift() {
  std::array<std::array<uint32_t, 256>, 4> shift = {};
  for (size_t n = 0; n < 4; ++n) {
    for (size_t bit = 0; bit < 8; ++bit) {
      uint32_t crc = uint32_t{1} << (8 * n + bit);
      for (size_t i = 0; i < kLaneBytes; ++i) crc = crc >> 8 ^ kTables[0][crc & 0xFF];
      // The others with this highest bit: it is the sum of what its bits become.
      const size_t first = size_t{1} << bit;
      for (size_t low = 0; low < first; ++low) shift[n][first + low] = shift[n][low] ^ crc;
    }
  }
  return shift;
}

constexpr auto kLaneShift = MakeLaneShift();

uint64_t ShiftByLane(uint64_t crc) {
  return kLaneShift[0][crc & 0xFF] ^ kLaneShift[1][crc >> 8 & 0xFF] ^
         kLaneShift[2][crc >> 16 & 0xFF] ^ kLaneShift[3][crc >> 24];
}

__attribute__((target("sse4.2"))) uint32_t ExtendByInstruction(uint32_t crc,
                                                               std::string_view bytes) {
  uint64_t state = ~crc;
  for (; bytes.size() >= 3 * kLaneBytes; bytes.remove_prefix(3 * kLaneBytes)) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (const char* at = bytes.data(); at != bytes.data() + kLaneBytes; at += 8) {
      state = _mm_crc32_u64(state, LoadWord(at));
      second = _mm_crc32_u64(second, LoadWord(at + kLaneBytes));
      third = _mm_crc32_u64(third, LoadWord(at + 2 * kLaneBytes));
    }
    state = ShiftByLane(ShiftByLane(state) ^ second) ^ third;
  }
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    state = _mm_crc32_u64(state, LoadWord(bytes.data()));
  }
  auto rest = static_cast<uint32_t>(state);
  for (const char c : bytes) rest = _mm_crc32_u8(rest, static_cast<uint8_t>(c));
  return ~rest;
}
#endif

}  // namespace

uint32_t ExtendCrc32cByTable(uint32_t crc, std::string_view bytes) {
  crc = ~crc;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    const uint64_t word = LoadWord(bytes.data()) ^ crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][word >> (8 * i) & 0xFF];
  }
  for (const char c : bytes) crc = crc >> 8 ^ kTables[0][(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  return ~crc;
}

uint32_t ExtendCrc32c(uint32_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ExtendByInstruction(crc, bytes);
#endif
  return ExtendCrc32cByTable(crc, bytes);
}

}  // namespace martlet::s2
