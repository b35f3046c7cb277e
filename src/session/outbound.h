// What a connection still has to send.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <sys/uio.h>

#include "session/chunk_pool.h"

namespace martlet::session {

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

  /// Contiguous room for `bytes`; what of it was written is added by Commit().
  char* Reserve(size_t bytes) {
    if (back_ == nullptr || back_->room() < bytes) [[unlikely]]
      Extend(bytes);
    return back_->data() + back_->size;
  }
  void Commit(size_t bytes) {
    back_->size += static_cast<uint32_t>(bytes);
    pending_bytes_ += bytes;
  }

  /// Copies; a long text may end up in several chunks.
  void Append(std::string_view bytes);

  /// The pieces to send next, at most `parts.size()` of them and about `bytes_max`; returns how
  /// many. They stay where they are until Consume() or Clear().
  size_t Gather(std::span<iovec> parts, size_t bytes_max) const;

  /// `bytes` of the front have been sent.
  void Consume(size_t bytes);

  /// Drops everything. Not while a part is lent.
  void Clear();

 private:
  void Extend(size_t bytes);

  ChunkPool& pool_;
  Chunk* front_ = nullptr;
  Chunk* back_ = nullptr;
  size_t pending_bytes_ = 0;
};

}  // namespace martlet::session
