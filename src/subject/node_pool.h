// Memory for the index's nodes: dense, and in huge pages where there are many.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace martlet::subject {

/// Blocks of a few sizes, cut from chunks. A block that is given back is used again for the same
/// size; chunks go back when the pool dies. An allocator's header per block and a TLB miss per
/// lookup would cost a fifth of the memory and half of the time of an index of a million filters.
///
/// Thread: one shard's, always, but for GiveBack.
/// Under the sanitizers each block is an allocation of its own, so that they see what is done to
/// it.
class NodePool {
 public:
  NodePool() = default;
  ~NodePool();
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  /// Aligned to 8 bytes.
  void* Allocate(size_t bytes);
  /// `bytes` as it was allocated with.
  void Free(void* block, size_t bytes);
  /// The same, for any thread: lock-free. The pool finds the block when it next lacks one. Without
  /// that, shards of which one makes what another frees would grow for ever. REQUIRES: bytes >= 16.
  void GiveBack(void* block, size_t bytes);

  /// Of all chunks that this pool ever took.
  size_t reserved_bytes() const { return reserved_bytes_; }

 private:
  static constexpr size_t kGrain = 8;
  static constexpr size_t kPooledMax = 1024;  // larger ones come from the heap

  struct FreeBlock {
    FreeBlock* next;
  };
  struct Returned {
    Returned* next;
    size_t bytes;
  };
  struct Chunk {
    void* memory;
    size_t bytes;
  };
  bool TakeReturned();
  void* Cut(size_t bytes);
  void TakeChunk();

  std::array<FreeBlock*, kPooledMax / kGrain + 1> free_{};
  char* cursor_ = nullptr;
  size_t left_ = 0;
  size_t reserved_bytes_ = 0;
  std::vector<Chunk> chunks_;
  // Who writes: others push (release); the owner takes all (acquire). Nobody takes one, so an
  // address that comes again does no harm.
  alignas(64) std::atomic<Returned*> returned_{nullptr};
};

}  // namespace martlet::subject
