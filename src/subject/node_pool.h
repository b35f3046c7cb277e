// Memory for the index's nodes: dense, and in huge pages where there are many.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace martlet::subject {

/// Blocks of a few sizes, cut from chunks. A block that is given back is used again for the same
/// size; chunks go back when the pool dies. An allocator's header per block and a TLB miss per
/// lookup would cost a fifth of the memory and half of the time of an index of a million filters.
///
/// Thread: one shard's, always. A block may be given back to another pool than it came from, which
///         keeps it from then on, as long as both pools die together.
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

  /// Of all chunks that this pool ever took.
  size_t reserved_bytes() const { return reserved_bytes_; }

 private:
  static constexpr size_t kGrain = 8;
  static constexpr size_t kPooledMax = 1024;  // larger ones come from the heap

  struct FreeBlock {
    FreeBlock* next;
  };
  struct Chunk {
    void* memory;
    size_t bytes;
  };
  void* Cut(size_t bytes);
  void TakeChunk();

  std::array<FreeBlock*, kPooledMax / kGrain + 1> free_{};
  char* cursor_ = nullptr;
  size_t left_ = 0;
  size_t reserved_bytes_ = 0;
  std::vector<Chunk> chunks_;
};

}  // namespace martlet::subject
