#include "session/chunk_pool.h"

#include <new>
#include <utility>

#include "base/check.h"

namespace martlet::session {

ChunkPool::~ChunkPool() {
  if (filling_ != nullptr) filling_->LetGo();
  FreeKept();
}

void ChunkPool::Trim() {
  // Somebody else who keeps the block will want what is written into it next to lie there, too.
  if (filling_ != nullptr && filling_->keepers == 1) std::exchange(filling_, nullptr)->LetGo();
  FreeKept();
}

void ChunkPool::FreeKept() {
  for (Chunk*& first : free_) {
    while (first != nullptr) ::operator delete(std::exchange(first, first->next));
  }
  while (free_blocks_ != nullptr) {
    ::operator delete(std::exchange(free_blocks_, free_blocks_->next));
  }
  kept_bytes_ = kept_blocks_ = 0;
}

Chunk* ChunkPool::Get(size_t bytes) {
  Chunk* chunk = GetOfSize(bytes);
  chunk->bytes = reinterpret_cast<char*>(chunk + 1);
  return chunk;
}

Chunk* ChunkPool::Show(std::string_view bytes, base::KeptMemory& memory) {
  Chunk* chunk = GetOfSize(0);
  chunk->bytes = const_cast<char*>(bytes.data());  // never written: a chunk that shows has no room
  chunk->shown = &memory;
  chunk->size = static_cast<uint32_t>(bytes.size());
  memory.Keep();
  return chunk;
}

Chunk* ChunkPool::GetOfSize(size_t bytes) {
  CHECK(bytes < UINT32_MAX - sizeof(Chunk));
  auto capacity = static_cast<uint32_t>(bytes);
  for (size_t i = 0; i < kSizes.size(); ++i) {
    if (kSizes[i] - sizeof(Chunk) < bytes) continue;
    capacity = kSizes[i] - static_cast<uint32_t>(sizeof(Chunk));
    Chunk* chunk = free_[i];
    if (chunk == nullptr) break;
    free_[i] = chunk->next;
    kept_bytes_ -= kSizes[i];
    return new (chunk) Chunk{.capacity = capacity};
  }
  return new (::operator new(sizeof(Chunk) + capacity)) Chunk{.capacity = capacity};
}

void ChunkPool::Put(Chunk* chunk) {
  if (chunk->shown != nullptr) chunk->shown->LetGo();
  const size_t bytes = sizeof(Chunk) + chunk->capacity;
  for (size_t i = 0; i < kSizes.size(); ++i) {
    if (kSizes[i] != bytes || kept_bytes_ + bytes > kKeptBytesMax) continue;
    chunk->next = free_[i];
    free_[i] = chunk;
    kept_bytes_ += bytes;
    return;
  }
  ::operator delete(chunk);
}

SharedBlock& ChunkPool::BlockFor(size_t bytes) {
  if (filling_ != nullptr) {
    if (filling_->room() >= bytes) return *filling_;
    filling_->LetGo();
  }
  filling_ = &MakeBlock(bytes);
  return *filling_;
}

SharedBlock& ChunkPool::MakeBlock(size_t bytes) {
  constexpr size_t kUsualBytes = kBlockBytes - sizeof(SharedBlock);
  if (bytes <= kUsualBytes && free_blocks_ != nullptr) {
    SharedBlock* block = free_blocks_;
    free_blocks_ = block->next;
    --kept_blocks_;
    block->size = 0;
    block->Keep();
    return *block;
  }
  CHECK(bytes < UINT32_MAX - sizeof(SharedBlock));
  const size_t capacity = bytes <= kUsualBytes ? kUsualBytes : bytes;
  auto* block = new (::operator new(sizeof(SharedBlock) + capacity))
      SharedBlock(*this, static_cast<uint32_t>(capacity));
  block->unused = [](base::KeptMemory& self) {
    auto& unused = static_cast<SharedBlock&>(self);
    unused.pool.TakeBack(unused);
  };
  block->Keep();
  return *block;
}

void ChunkPool::TakeBack(SharedBlock& block) {
  constexpr size_t kUsualBytes = kBlockBytes - sizeof(SharedBlock);
  if (block.capacity != kUsualBytes || kept_blocks_ >= kKeptBlocksMax) {
    ::operator delete(&block);
    return;
  }
  block.next = free_blocks_;
  free_blocks_ = &block;
  ++kept_blocks_;
}

}  // namespace martlet::session
