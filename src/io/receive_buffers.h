// The buffers that receives fill, and who still looks at them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/kept_memory.h"

namespace martlet::io {

/// A slab of equal buffers. One that is filled goes to the handler of the receive, which may keep
/// it for longer than its call; when the last keeper lets go, it is spare again.
///
///   spare --Take()--> filled by the kernel --> handler, keepers --LetGo()--> spare
///
/// Ownership:  owns the slab. Keepers end before it does.
/// Thread:     its loop's.
/// Bound:      the number of buffers, of which only those that were used take memory; last in,
///             first out, so what is used stays in the cache.
class ReceiveBuffers {
 public:
  ReceiveBuffers() = default;
  ~ReceiveBuffers();
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;

  /// Returns 0 or -errno. Called once; at most 32768 buffers.
  int Open(unsigned count, size_t bytes);

  char* data(uint16_t id) const { return slab_ + size_t{id} * bytes_; }
  size_t bytes() const { return bytes_; }
  unsigned count() const { return count_; }
  unsigned spare() const { return static_cast<unsigned>(spare_.size()); }

  /// The number of a spare one. REQUIRES: spare() > 0.
  uint16_t Take();
  /// Gives the memory of the spare ones back to the system; they stay spare.
  void TrimSpare();
  /// The same for all that nobody keeps. REQUIRES: none that was taken is being filled.
  void TrimUnkept();
  /// To be kept by whoever looks at the buffer, first of all by the loop itself.
  base::KeptMemory& memory(uint16_t id) { return buffers_[id]; }

 private:
  struct Buffer : base::KeptMemory {
    ReceiveBuffers* owner;
    uint16_t id;
  };
  void GiveBack(size_t first, size_t count);

  char* slab_ = nullptr;
  unsigned count_ = 0;
  size_t bytes_ = 0;
  std::unique_ptr<Buffer[]> buffers_;
  std::vector<uint16_t> spare_;
};

}  // namespace martlet::io
