// Copying of short texts.
#pragma once

#include <cstddef>
#include <cstring>

namespace martlet::base {

/// memcpy for texts that are mostly short: a call would cost more than the few instructions. The
/// last bytes may be copied twice; nothing beyond them is read or written. The two do not overlap.
inline void CopyShort(char* to, const char* from, size_t bytes) {
  const auto copy = [&]<size_t kBytes>(size_t at) { __builtin_memcpy(to + at, from + at, kBytes); };
  if (bytes > 256) {
    std::memcpy(to, from, bytes);
  } else if (bytes >= 16) {
    for (size_t at = 0; at + 16 < bytes; at += 16) {
      copy.template operator()<16>(at);
      asm volatile("");  // or the compiler makes it the call again
    }
    copy.template operator()<16>(bytes - 16);
  } else if (bytes >= 8) {
    copy.template operator()<8>(0);
    copy.template operator()<8>(bytes - 8);
  } else if (bytes >= 4) {
    copy.template operator()<4>(0);
    copy.template operator()<4>(bytes - 4);
  } else {
    for (size_t at = 0; at < bytes; ++at) to[at] = from[at];
  }
}

}  // namespace martlet::base
