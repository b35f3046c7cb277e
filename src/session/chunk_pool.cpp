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
}

Chunk* ChunkPool::Get(size_t bytes) {
  CHECK(bytes < UINT32_MAX - sizeof(Chunk));
  auto capacity = static_cast<uint32_t>(bytes);
  for (size_t i = 0; i < kSizes.size(); ++i) {
    if (kSizes[i] - sizeof(Chunk) < bytes) continue;
    if (Chunk* chunk = free_[i]) {
      free_[i] = chunk->next;
      kept_bytes_ -= kSizes[i];
      chunk->next = nullptr;
      chunk->size = 0;
      chunk->sent = 0;
      return chunk;
    }
    capacity = kSizes[i] - static_cast<uint32_t>(sizeof(Chunk));
    break;
  }
  return new (::operator new(sizeof(Chunk) + capacity)) Chunk{nullptr, capacity, 0, 0};
}

void ChunkPool::Put(Chunk* chunk) {
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

}  // namespace martlet::session
