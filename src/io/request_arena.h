// Memory for what requests point to (iovecs, addresses) until the kernel has read it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/check.h"

namespace martlet::io {

/// Hands out bytes that live until Reset().
///
/// Ownership:  owns its chunks, and keeps them: after the busiest turn it allocates no more.
/// Thread:     its loop's.
class RequestArena {
 public:
  /// Room for `count` objects of a trivial type, uninitialised.
  template <class T>
  T* Take(size_t count) {
    static_assert(alignof(T) <= kAlignment);
    return static_cast<T*>(TakeBytes(count * sizeof(T)));
  }

  void Reset() {
    chunk_ = 0;
    used_bytes_ = 0;
  }

 private:
  static constexpr size_t kAlignment = alignof(std::max_align_t);
  static constexpr size_t kChunkBytes = size_t{16} << 10;
  struct Chunk {
    alignas(kAlignment) std::byte bytes[kChunkBytes];
  };

  void* TakeBytes(size_t wanted) {
    wanted = (wanted + kAlignment - 1) / kAlignment * kAlignment;
    CHECK(wanted <= kChunkBytes);
    if (used_bytes_ + wanted > kChunkBytes) {
      ++chunk_;
      used_bytes_ = 0;
    }
    if (chunk_ == chunks_.size()) chunks_.emplace_back(new Chunk);
    void* taken = chunks_[chunk_]->bytes + used_bytes_;
    used_bytes_ += wanted;
    return taken;
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  size_t chunk_ = 0;  // the one in use
  size_t used_bytes_ = 0;
};

}  // namespace martlet::io
