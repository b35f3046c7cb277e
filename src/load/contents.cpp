#include "load/contents.h"

#include "base/random.h"

namespace martlet::load {

Contents::Contents(uint64_t seed, size_t size_bytes)
    : size_(size_bytes),
      head_(size_bytes >= kTimedBytes ? kTimedBytes : std::min(size_bytes, kHeadBytes)) {
  base::Random random(seed ^ size_bytes);
  salt_ = random.Next();
  // Printable, so that a payload can be looked at.
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
  pattern_.resize(kPatternBytes + size_bytes);
  for (char& letter : pattern_) letter = kLetters[random.Next() >> 58];
}

char* Contents::WriteSmall(char* out) const {
  std::memcpy(out, pattern_.data(), size_);
  return out + size_;
}

}  // namespace martlet::load
