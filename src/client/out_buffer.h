// Bytes on their way to a socket.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/check.h"

namespace martlet::client {

/// A growing buffer into which messages are formatted in place: unlike std::string it writes no
/// byte twice.
class OutBuffer {
 public:
  /// Room for `bytes` more behind what is there; valid until the next call.
  char* Reserve(size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]] {
      Grow(bytes);
    }
    return data_.get() + size_;
  }
  /// What was written from Reserve()'s place up to `end` belongs to the buffer now.
  void Commit(const char* end) { size_ = static_cast<size_t>(end - data_.get()); }

  void Append(std::string_view bytes) {
    char* const at = Reserve(bytes.size());
    std::memcpy(at, bytes.data(), bytes.size());
    Commit(at + bytes.size());
  }

  void Clear() { size_ = 0; }
  /// Gives its memory back, where that is worth it.
  void Release() {
    data_.reset();
    size_ = capacity_ = 0;
  }

  const char* data() const { return data_.get(); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  void Grow(size_t bytes) {
    constexpr size_t kFirst = 512;
    const size_t wanted = std::max({capacity_ * 2, size_ + bytes, kFirst});
    auto data = std::make_unique_for_overwrite<char[]>(wanted);
    if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace martlet::client
