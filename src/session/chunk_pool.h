// Memory for output that waits to be sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace martlet::session {

/// A piece of output. The bytes [sent, size) wait; behind them may be appended.
struct Chunk {
  Chunk* next;
  uint32_t capacity;
  uint32_t size;
  uint32_t sent;
  char* data() { return reinterpret_cast<char*>(this + 1); }
  uint32_t room() const { return capacity - size; }
};

/// Chunks of a few sizes, handed out again last in first out, while they are still in the cache.
///
/// Ownership:  lends chunks to Outbound; owns those that wait for use.
/// Thread:     its shard's, always.
/// Bound:      keeps at most kKeptBytesMax for later; the rest goes back to the allocator.
class ChunkPool {
 public:
  static constexpr size_t kKeptBytesMax = size_t{8} << 20;
  static constexpr std::array<uint32_t, 4> kSizes = {4096, 16384, 65536, 262144};

  ChunkPool() = default;
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  /// An empty chunk with at least `bytes` of room.
  Chunk* Get(size_t bytes);
  void Put(Chunk* chunk);

 private:
  std::array<Chunk*, kSizes.size()> free_{};
  size_t kept_bytes_ = 0;
};

}  // namespace martlet::session
