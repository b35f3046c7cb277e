// Memory for output that waits to be sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace martlet::session {

/// Messages formatted once for several connections, one behind the other. Bytes that are written
/// never change.
struct SharedBlock {
  SharedBlock* next;    // while it waits for use
  uint32_t references;  // the pool's, while it is filled, and one of each user
  uint32_t capacity;
  uint32_t size;
  char* data() { return reinterpret_cast<char*>(this + 1); }
  uint32_t room() const { return capacity - size; }
};

/// A piece of output. The bytes [sent, size) wait; behind them may be appended: up to `capacity` in
/// memory of its own, or, where it shows a part of a shared block, what follows in that block.
struct Chunk {
  Chunk* next;
  char* bytes;
  SharedBlock* block;  // null: memory of its own, behind this header
  uint32_t capacity;   // of that; a part of a block has no room
  uint32_t size;
  uint32_t sent;
  char* data() { return bytes; }
  uint32_t room() const { return block == nullptr ? capacity - size : 0; }
};

/// Chunks of a few sizes, handed out again last in first out, while they are still in the cache,
/// and the blocks that several connections share.
///
/// Ownership:  lends chunks to Outbound; owns those that wait for use. A block lives as long as it
///             is filled or a chunk, or somebody who has acquired it, refers to it.
/// Thread:     its shard's, always: the counts of references are plain.
/// Bound:      keeps at most kKeptBytesMax of chunks and kKeptBlocksMax blocks for later; the rest
///             goes back to the allocator.
class ChunkPool {
 public:
  static constexpr size_t kKeptBytesMax = size_t{8} << 20;
  static constexpr std::array<uint32_t, 5> kSizes = {sizeof(Chunk), 4096, 16384, 65536, 262144};
  // Few enough to stay in the cache with what else a turn touches; a slow subscriber holds one or
  // two of them beside its own output.
  static constexpr uint32_t kBlockBytes = 65536;
  static constexpr size_t kKeptBlocksMax = 32;

  ChunkPool() = default;
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  /// An empty chunk with at least `bytes` of room, not 0.
  Chunk* Get(size_t bytes);
  /// A chunk that shows `bytes` of `block` from `begin` on, and refers to it.
  Chunk* Show(SharedBlock& block, uint32_t begin, uint32_t bytes);
  void Put(Chunk* chunk);

  /// The block being filled, or a new one, with room for `bytes`. Whoever writes into it adds to
  /// its size.
  SharedBlock& BlockFor(size_t bytes);
  static void Acquire(SharedBlock& block) { ++block.references; }
  void Release(SharedBlock& block);

 private:
  Chunk* GetOfSize(size_t bytes);
  SharedBlock& MakeBlock(size_t bytes);

  std::array<Chunk*, kSizes.size()> free_{};
  size_t kept_bytes_ = 0;
  SharedBlock* filling_ = nullptr;
  SharedBlock* free_blocks_ = nullptr;
  size_t kept_blocks_ = 0;
};

}  // namespace martlet::session
