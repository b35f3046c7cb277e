// Messages in a row under the same control line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace martlet::proto {

/// Messages in a row that differ in the bytes of their payloads only.
struct PubRun {
  const char* payload = nullptr;  // the first one's; the next ones follow `stride` bytes apart
  size_t stride = 0;
  uint32_t count = 0;
};

/// Whether two control lines are the same. REQUIRES: `bytes` >= 8; no message's line has less.
inline bool EqualLines(const char* a, const char* b, size_t bytes) {
  const auto word = [](const char* p) {
    uint64_t value = 0;
    std::memcpy(&value, p, sizeof value);
    return value;
  };
  // Eight bytes at a time, the last eight maybe twice.
  for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t)) {
    if (word(a + at) != word(b + at)) return false;
  }
  return word(a + bytes - sizeof(uint64_t)) == word(b + bytes - sizeof(uint64_t));
}

/// The run at the front of `in`, of messages like the one that ends where `in` begins: that had
/// `line_bytes` of control line, and `stride` in all (0: there was none). At most `bytes_max`, but
/// for a single one that is larger.
PubRun FindRun(std::string_view in, size_t line_bytes, size_t stride, size_t bytes_max);

}  // namespace martlet::proto
