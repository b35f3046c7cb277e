// Receive buffers lent to the kernel, which picks one when data is there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/uring_compat.h"

namespace martlet::io {

/// A slab of equal buffers and the ring through which the kernel takes them.
///
///        handler done                       Publish()                 data arrives
///   us ---- Return(id) ----> [returned_] ---- tail ----> free ----> in a completion ----> us
///
/// Ownership:  owns slab and entry ring; a buffer belongs to the kernel from Publish() until the
///             completion that names it, and to the reader from there to Return().
/// Thread:     its loop's.
/// Lifetime:   destroyed after the io_uring it is registered with.
/// Invariants: a buffer is returned once per completion that carried it.
/// Source:     io_uring_register_buf_ring(3).
class BufferRing {
 public:
  static constexpr uint16_t kGroup = 0;

  BufferRing() = default;
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  /// Maps and registers `count` buffers (a power of two, at most 32768) of `bytes` each and gives
  /// them to the kernel. Returns 0 or -errno. Called once.
  int Open(io_uring* ring, unsigned count, size_t bytes);

  const char* data(uint16_t id) const { return slab_ + size_t{id} * bytes_; }
  size_t bytes() const { return bytes_; }
  unsigned count() const { return count_; }

  /// Takes a buffer back; the kernel may use it after the next Publish().
  void Return(uint16_t id);
  /// One store for all buffers returned since the last call: the tail is a cache line that the
  /// kernel reads.
  void Publish();

 private:
  io_uring_buf_ring* entries_ = nullptr;
  char* slab_ = nullptr;
  unsigned count_ = 0;
  size_t bytes_ = 0;
  int returned_ = 0;
};

}  // namespace martlet::io
