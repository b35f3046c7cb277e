// What stands in the payloads, so that a receiver can tell whether it is what was sent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace martlet::load {

/// Which message a payload says it is.
struct Head {
  uint32_t stream = 0;      // publisher and subject, see Streams
  uint64_t sequence = 0;    // from 0, within its stream
  int64_t intended_ns = 0;  // when it was due, since the start of the run; 0 where not kept
};

/// Copies `text` to `at` and returns where it ends.
inline char* Copy(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

/// Writes and checks payloads of one size: a function of seed, size and head, nothing else.
///
///   0      4        8          16            24
///   | hash | stream | sequence | intended ns | filler ... |     little endian
///
/// The hash covers head, size and seed; the filler is cut from a pattern at a place that depends on
/// the head, and compared byte by byte. Payloads below kHeadBytes are not checked, those below
/// kTimedBytes do not tell when they were due.
///
/// Thread: any; it never changes.
class Contents {
 public:
  static constexpr size_t kHeadBytes = 16;
  static constexpr size_t kTimedBytes = 24;
  /// Write may touch so many bytes behind the payload.
  static constexpr size_t kSlackBytes = 8;

  Contents(uint64_t seed, size_t size_bytes);

  size_t size() const { return size_; }
  bool checked() const { return size_ >= kHeadBytes; }
  bool timed() const { return size_ >= kTimedBytes; }

  /// Writes the payload of `head` to `out`, size() bytes, and returns its end.
  char* Write(const Head& head, char* out) const {
    if (!checked()) [[unlikely]] {
      return WriteSmall(out);
    }
    const uint32_t hash = HashOf(head);
    std::memcpy(out, &hash, 4);
    std::memcpy(out + 4, &head.stream, 4);
    std::memcpy(out + 8, &head.sequence, 8);
    std::memcpy(out + 16, &head.intended_ns, 8);  // filler overwrites it where it is not kept
    if (size_ > head_) std::memcpy(out + head_, FillerOf(head), size_ - head_);
    return out + size_;
  }

  /// Fills `head` from `payload`; false when it is not what Write makes of that head.
  bool Read(std::string_view payload, Head& head) const {
    if (payload.size() != size_) return false;
    if (!checked()) return true;
    uint32_t hash = 0;
    std::memcpy(&hash, payload.data(), 4);
    std::memcpy(&head.stream, payload.data() + 4, 4);
    std::memcpy(&head.sequence, payload.data() + 8, 8);
    head.intended_ns = 0;
    if (timed()) std::memcpy(&head.intended_ns, payload.data() + 16, 8);
    if (hash != HashOf(head)) return false;
    return size_ == head_ ||
           std::memcmp(payload.data() + head_, FillerOf(head), size_ - head_) == 0;
  }

 private:
  static constexpr size_t kPatternBytes = 4096;

  uint32_t HashOf(const Head& head) const {
    uint64_t hash = salt_ ^ (head.sequence * 0x9e3779b97f4a7c15ULL);
    hash ^= uint64_t{head.stream} << 32 | head.stream;
    hash ^= static_cast<uint64_t>(timed() ? head.intended_ns : 0) * 0xd6e8feb86659fd93ULL;
    hash = (hash ^ (hash >> 32)) * 0xbf58476d1ce4e5b9ULL;
    return static_cast<uint32_t>(hash >> 32) ^ static_cast<uint32_t>(hash);
  }
  const char* FillerOf(const Head& head) const {
    return pattern_.data() + ((head.sequence * 8 + head.stream * uint64_t{40}) % kPatternBytes);
  }
  char* WriteSmall(char* out) const;

  size_t size_;
  size_t head_;  // bytes in front of the filler
  uint64_t salt_;
  std::string pattern_;
};

}  // namespace martlet::load
