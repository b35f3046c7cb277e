// Hashes of bytes, and how they are written down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace martlet::base {

/// 64-bit hash of bytes; good for tables, not against an adversary who sees the seed.
inline uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  // wyhash-like: sixteen bytes a step, folded by a 64x64->128 multiplication. The last step looks
  // at the last bytes once more where they do not fill it: no copy of a length that varies.
  constexpr uint64_t kP0 = 0xa0761d6478bd642fULL;
  constexpr uint64_t kP1 = 0xe7037ed1a0b428dbULL;
  const auto fold = [](uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const auto load8 = [](const char* from) {
    uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  };
  const auto load4 = [](const char* from) {
    uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return uint64_t{value};
  };
  const char* p = bytes.data();
  size_t left = bytes.size();
  // The length goes in multiplied: xored, it would cancel out against small bytes.
  uint64_t hash = seed ^ (bytes.size() * kP0);
  uint64_t low = 0;
  uint64_t high = 0;
  if (left > 16) {
    do {
      hash = fold(load8(p) ^ kP1, load8(p + 8) ^ hash);
      p += 16;
      left -= 16;
    } while (left > 16);
    low = load8(p + left - 16);
    high = load8(p + left - 8);
  } else if (left >= 8) {
    low = load8(p);
    high = load8(p + left - 8);
  } else if (left >= 4) {
    low = load4(p);
    high = load4(p + left - 4);
  } else if (left > 0) {
    const auto at = [&](size_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(p[i])); };
    low = at(0) << 16 | at(left / 2) << 8 | at(left - 1);
  }
  return fold(low ^ kP1, fold(high ^ kP0, hash ^ kP1));
}

/// Sixteen digits, as hashes are told and compared.
inline std::string Hexadecimal(uint64_t number) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (size_t i = text.size(); i-- > 0; number >>= 4U) text[i] = kDigits[number & 0xf];
  return text;
}

}  // namespace martlet::base
