// What a connection still has to send.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <sys/uio.h>

#include "session/chunk_pool.h"

namespace martlet::session {

/// Bytes in a block that several connections send. The block is kept by whoever holds it.
struct SharedBytes {
  SharedBlock* block = nullptr;
  uint32_t begin = 0;
  uint32_t bytes = 0;

  std::string_view view() const { return {block->data() + begin, bytes}; }
};

/// A queue of bytes in chunks of the shard's pool. Empty, it owns no memory.
///
/// Appending goes on while the front is lent to the kernel: it never moves or changes bytes that
/// are already there.
///
/// Thread:     its shard's, always.
/// Invariants: bytes leave in the order of appending; pending_bytes() counts what was appended and
///             not yet consumed, lent or not.
/// Bound:      none of its own: the session compares pending_bytes() with max_pending and closes.
class Outbound {
 public:
  explicit Outbound(ChunkPool& pool) : pool_(pool) {}
  ~Outbound() { Clear(); }
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;

  size_t pending_bytes() const { return pending_bytes_; }
  bool empty() const { return pending_bytes_ == 0; }

  /// What Reserve() gives without taking more memory.
  size_t room() const { return back_ == nullptr ? 0 : back_->room(); }

  /// Contiguous room for `bytes`; what of it was written is added by Commit().
  char* Reserve(size_t bytes) {
    if (back_ == nullptr || back_->room() < bytes) [[unlikely]]
      Grow(bytes);
    return back_->data() + back_->size;
  }
  void Commit(size_t bytes) {
    back_->size += static_cast<uint32_t>(bytes);
    pending_bytes_ += bytes;
  }

  /// Copies; a long text may end up in several chunks.
  void Append(std::string_view bytes);

  /// Shows the block's bytes where that saves work: they follow on what the back shows already,
  /// or nothing waits, or they are many. Copies them else: small pieces here and there would make
  /// sends of many parts, and hold many blocks.
  void AppendShared(const SharedBytes& shared) {
    if (!Extend(shared.view(), *shared.block)) AppendSharedElsewhere(shared);
  }

  /// Shows bytes, and keeps the memory that they are in until they are sent.
  void AppendShown(std::string_view bytes, base::KeptMemory& memory) {
    if (Extend(bytes, memory)) return;
    Link(pool_.Show(bytes, memory));
    pending_bytes_ += bytes.size();
  }

  ChunkPool& pool() { return pool_; }

  /// The pieces to send next, at most `parts.size()` of them and about `bytes_max`; returns how
  /// many. They stay where they are until Consume() or Clear().
  size_t Gather(std::span<iovec> parts, size_t bytes_max) const;

  /// `bytes` of the front have been sent.
  void Consume(size_t bytes);

  /// Drops everything. Not while a part is lent.
  void Clear();

 private:
  void Grow(size_t bytes);
  // Shows more at the back, where that is what follows there.
  bool Extend(std::string_view bytes, const base::KeptMemory& memory) {
    if (back_ == nullptr || back_->shown != &memory || back_->bytes + back_->size != bytes.data()) {
      return false;
    }
    back_->size += static_cast<uint32_t>(bytes.size());
    pending_bytes_ += bytes.size();
    return true;
  }
  void Link(Chunk* chunk);
  void AppendSharedElsewhere(const SharedBytes& shared);

  ChunkPool& pool_;
  Chunk* front_ = nullptr;
  Chunk* back_ = nullptr;
  size_t pending_bytes_ = 0;
};

}  // namespace martlet::session
