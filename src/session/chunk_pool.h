// Memory for output that waits to be sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/kept_memory.h"

namespace martlet::session {

class ChunkPool;

/// Output formatted once for several uses, one piece behind the other. Bytes that are written never
/// change. The pool keeps it while it is filled.
struct SharedBlock : base::KeptMemory {
  SharedBlock(ChunkPool& owner, uint32_t bytes) : pool(owner), capacity(bytes) {}
  ChunkPool& pool;
  SharedBlock* next = nullptr;  // while it waits for use
  uint32_t capacity;
  uint32_t size = 0;
  char* data() { return reinterpret_cast<char*>(this + 1); }
  uint32_t room() const { return capacity - size; }
};

/// A piece of output. The bytes [sent, size) wait; behind them may be appended: up to `capacity` in
/// memory of its own, or, where it shows a part of other memory, what follows there.
struct Chunk {
  Chunk* next;
  char* bytes;
  base::KeptMemory* shown;  // null: memory of its own, behind this header
  uint32_t capacity;        // of that; what is shown has no room
  uint32_t size;
  uint32_t sent;
  char* data() { return bytes; }
  uint32_t room() const { return shown == nullptr ? capacity - size : 0; }
};

/// Chunks of a few sizes, handed out again last in first out, while they are still in the cache,
/// and the blocks that several connections share.
///
/// Ownership:  lends chunks to Outbound; owns those that wait for use. A block lives as long as it
///             is filled or somebody keeps it, a chunk for example.
/// Thread:     its shard's, always.
/// Bound:      keeps at most kKeptBytesMax of chunks and kKeptBlocksMax blocks for later; the rest
///             goes back to the allocator.
class ChunkPool {
 public:
  static constexpr size_t kKeptBytesMax = size_t{8} << 20;
  static constexpr std::array<uint32_t, 5> kSizes = {sizeof(Chunk), 4096, 16384, 65536, 262144};
  // Few enough to stay in the cache with what else a turn touches; a slow subscriber keeps one or
  // two of them beside its own output.
  static constexpr uint32_t kBlockBytes = 65536;
  static constexpr size_t kKeptBlocksMax = 32;

  ChunkPool() = default;
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  /// An empty chunk with at least `bytes` of room, not 0.
  Chunk* Get(size_t bytes);
  /// A chunk that shows `bytes`, and keeps the memory that they are in.
  Chunk* Show(std::string_view bytes, base::KeptMemory& memory);
  void Put(Chunk* chunk);

  /// The block being filled, or a new one, with room for `bytes`. Whoever writes into it adds to
  /// its size.
  SharedBlock& BlockFor(size_t bytes);

  /// Gives all that waits for use back to the allocator.
  void Trim();
  /// Of what waits for use, headers included.
  size_t kept_bytes() const { return kept_bytes_ + kept_blocks_ * kBlockBytes; }

 private:
  Chunk* GetOfSize(size_t bytes);
  SharedBlock& MakeBlock(size_t bytes);
  void TakeBack(SharedBlock& block);
  void FreeKept();

  std::array<Chunk*, kSizes.size()> free_{};
  size_t kept_bytes_ = 0;
  SharedBlock* filling_ = nullptr;
  SharedBlock* free_blocks_ = nullptr;
  size_t kept_blocks_ = 0;
};

}  // namespace martlet::session
