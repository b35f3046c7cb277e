#include "session/chunk_pool.h"

#include <new>

#include "base/check.h"

namespace martlet::session {

ChunkPool::~ChunkPool() {
  for (Chunk* chunk : free_) {
    while (chunk != nullptr) {
      Chunk* next = chunk->next;
      ::operator delete(chunk);
      chunk = next;
    }
  }
  if (filling_ != nullptr) Release(*filling_);
  while (free_blocks_ != nullptr) {
    SharedBlock* next = free_blocks_->next;
    ::operator delete(free_blocks_);
    free_blocks_ = next;
  }
}

Chunk* ChunkPool::Get(size_t bytes) {
  Chunk* chunk = GetOfSize(bytes);
  chunk->bytes = reinterpret_cast<char*>(chunk + 1);
  return chunk;
}

Chunk* ChunkPool::Show(SharedBlock& block, uint32_t begin, uint32_t bytes) {
  Chunk* chunk = GetOfSize(0);
  chunk->bytes = block.data() + begin;
  chunk->block = &block;
  chunk->size = bytes;
  Acquire(block);
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
  if (chunk->block != nullptr) Release(*chunk->block);
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
    Release(*filling_);
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
    block->references = 1;
    block->size = 0;
    return *block;
  }
  CHECK(bytes < UINT32_MAX - sizeof(SharedBlock));
  const size_t capacity = bytes <= kUsualBytes ? kUsualBytes : bytes;
  return *new (::operator new(sizeof(SharedBlock) + capacity))
      SharedBlock{nullptr, 1, static_cast<uint32_t>(capacity), 0};
}

void ChunkPool::Release(SharedBlock& block) {
  if (--block.references > 0) return;
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
