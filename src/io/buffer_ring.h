// Receive buffers lent to the kernel, which picks one when data is there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/receive_buffers.h"
#include "io/uring_compat.h"

namespace martlet::io {

/// The ring through which the kernel takes buffers.
///
///        last keeper                Publish()                 data arrives
///   us ---- LetGo() ----> spare -------- tail ----> free ----> in a completion ----> us
///
/// The kernel takes buffers in turn, so the fewer it has, the sooner one comes again, still in the
/// processor's cache (1,000 subjects in turn: a fifth of the CPU). It gets few at first, twice as
/// many when a receive finds none, `count` at most, and half when that has not happened for long.
/// There are several times more, so that some may be kept.
///
/// Ownership:  owns buffers and entry ring; a buffer belongs to the kernel from Publish() until the
///             completion that names it, and then to its keepers.
/// Thread:     its loop's.
/// Lifetime:   destroyed after the io_uring it is registered with.
/// Source:     io_uring_register_buf_ring(3).
class BufferRing {
 public:
  static constexpr uint16_t kGroup = 0;
  /// Buffers there are for each one that the kernel has.
  static constexpr unsigned kSpareFactor = 4;
  /// What the kernel gets at first, and after how many receives less is tried.
  static constexpr unsigned kFirst = 4;
  static constexpr unsigned kNarrowAfter = 65536;

  BufferRing() = default;
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  /// Maps buffers of `bytes` each, registers a ring for `count` (a power of two, at most 8192) and
  /// gives them to the kernel. Returns 0 or -errno. Called once.
  int Open(io_uring* ring, unsigned count, size_t bytes);

  ReceiveBuffers& buffers() { return buffers_; }
  size_t bytes() const { return buffers_.bytes(); }
  /// That the kernel has at most.
  unsigned count() const { return count_; }

  /// The kernel has used the buffer; it is the caller's, who keeps it now.
  base::KeptMemory& TakeBack(uint16_t id);
  /// A receive has found no buffer: from the next Publish() on the kernel has more of them. False
  /// when it was to have all.
  bool Widen();
  /// Gives spare buffers to the kernel. One store for all of them: the tail is a cache line that
  /// the kernel reads.
  void Publish();
  /// Gives the memory of buffers that hold nothing back to the system: the spare ones, and when
  /// `kernel_waits`, those that the kernel has. It takes pages anew when it fills them.
  /// `kernel_waits`: no completion is there that was not handled, and the kernel makes none until
  /// this thread enters it.
  void Trim(bool kernel_waits) { kernel_waits ? buffers_.TrimUnkept() : buffers_.TrimSpare(); }

 private:
  ReceiveBuffers buffers_;
  io_uring_buf_ring* entries_ = nullptr;
  unsigned count_ = 0;
  unsigned lent_ = 0;       // that the kernel has
  unsigned wanted_ = 0;     // that it should have
  unsigned published_ = 0;  // the same at the last Publish()
  unsigned taken_ = 0;      // since that changed
};

}  // namespace martlet::io
