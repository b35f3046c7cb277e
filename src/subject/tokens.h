// Where the tokens of a subject end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace martlet::subject {

/// The ends of the tokens of a text; borrows it. Found in one pass, eight bytes a step; nothing is
/// allocated for up to kNear tokens.
class TokenEnds {
 public:
  explicit TokenEnds(std::string_view text) : text_(text) { Scan(); }
  TokenEnds(const TokenEnds&) = delete;
  TokenEnds& operator=(const TokenEnds&) = delete;

  /// At least one; one more than the dots.
  size_t count() const { return count_; }
  /// Where token `i` ends.
  size_t end(size_t i) const { return ends_[i]; }
  size_t begin(size_t i) const { return i == 0 ? 0 : ends_[i - 1] + size_t{1}; }
  std::string_view token(size_t i) const {
    return std::string_view(text_.data() + begin(i), end(i) - begin(i));
  }
  /// The first `count` tokens; there are that many.
  std::string_view first(size_t count) const {
    return std::string_view(text_.data(), count == 0 ? 0 : end(count - 1));
  }
  /// No token is empty.
  bool sound() const { return sound_; }

 private:
  static constexpr size_t kNear = 32;

  void Scan() {
    const char* const data = text_.data();
    const size_t size = text_.size();
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
      uint64_t word;
      std::memcpy(&word, data + at, sizeof word);
      static_assert(std::endian::native == std::endian::little);
      // The high bit of each byte that is a dot; exact, unlike the shorter way to write it.
      constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7fULL;
      const uint64_t differs = word ^ 0x2e2e2e2e2e2e2e2eULL;
      uint64_t dots = ~(((differs & kLow) + kLow) | differs | kLow);
      for (; dots != 0; dots &= dots - 1) {
        Put(at + static_cast<size_t>(__builtin_ctzll(dots)) / 8);
      }
    }
    for (; at < size; ++at) {
      if (data[at] == '.') Put(at);
    }
    Put(size);
  }
  void Put(size_t end) {
    if (end == begin(count_)) sound_ = false;
    if (count_ == capacity_) [[unlikely]]
      Grow();
    ends_[count_++] = static_cast<uint32_t>(end);
  }
  void Grow() {
    auto grown = std::make_unique<uint32_t[]>(capacity_ * 4);
    std::memcpy(grown.get(), ends_, count_ * sizeof(uint32_t));
    far_ = std::move(grown);
    ends_ = far_.get();
    capacity_ *= 4;
  }

  const std::string_view text_;
  size_t count_ = 0;
  size_t capacity_ = kNear;
  bool sound_ = true;
  uint32_t* ends_ = near_;
  uint32_t near_[kNear];
  std::unique_ptr<uint32_t[]> far_;
};

}  // namespace martlet::subject
