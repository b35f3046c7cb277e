#include "subject/node_pool.h"

#include <cstdint>
#include <new>
#include <sys/mman.h>

#include "base/check.h"
#include "base/fence.h"  // tells of the thread sanitizer

#if defined(MARTLET_THREAD_SANITIZER) || defined(__SANITIZE_ADDRESS__)
#define MARTLET_NODES_APART 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MARTLET_NODES_APART 1
#endif
#endif

namespace martlet::subject {
namespace {

#ifdef MARTLET_NODES_APART
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif

constexpr size_t kHugePage = size_t{2} << 20U;
constexpr size_t kSmallChunk = size_t{32} << 10U;
// From here on chunks are huge pages; before, a few nodes more are not to cost two megabytes.
constexpr size_t kManyBytes = size_t{4} << 20U;

// A huge page's worth of address space at its boundary; null when there is none.
void* MapHugePage() {
  void* const mapped =
      ::mmap(nullptr, 2 * kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(mapped);
  const uintptr_t address = reinterpret_cast<uintptr_t>(begin);
  const size_t before = (kHugePage - address % kHugePage) % kHugePage;
  if (before != 0) ::munmap(begin, before);
  ::munmap(begin + before + kHugePage, kHugePage - before);
  ::madvise(begin + before, kHugePage, MADV_HUGEPAGE);  // a refusal costs time, nothing else
  return begin + before;
}

}  // namespace

NodePool::~NodePool() {
  for (const Chunk& chunk : chunks_) {
    if (chunk.bytes == kHugePage) {
      ::munmap(chunk.memory, chunk.bytes);
    } else {
      ::operator delete(chunk.memory);
    }
  }
}

void* NodePool::Allocate(size_t bytes) {
  if (!kPooled || bytes > kPooledMax) return ::operator new(bytes);
  FreeBlock*& free = free_[(bytes + kGrain - 1) / kGrain];
  if (free == nullptr && (!TakeReturned() || free == nullptr))
    return Cut((bytes + kGrain - 1) / kGrain * kGrain);
  FreeBlock* const block = free;
  free = block->next;
  return block;
}

void NodePool::Free(void* block, size_t bytes) {
  if (!kPooled || bytes > kPooledMax) return ::operator delete(block);
  FreeBlock*& free = free_[(bytes + kGrain - 1) / kGrain];
  free = new (block) FreeBlock{free};
}

void NodePool::GiveBack(void* block, size_t bytes) {
  if (!kPooled || bytes > kPooledMax) return ::operator delete(block);
  DCHECK(bytes >= sizeof(Returned));
  auto* returned = new (block) Returned{returned_.load(std::memory_order_relaxed), bytes};
  while (!returned_.compare_exchange_weak(returned->next, returned, std::memory_order_release,
                                          std::memory_order_relaxed)) {
  }
}

// False when there was nothing.
bool NodePool::TakeReturned() {
  if (returned_.load(std::memory_order_relaxed) == nullptr) return false;
  Returned* block = returned_.exchange(nullptr, std::memory_order_acquire);
  while (block != nullptr) {
    const Returned returned = *block;
    Free(block, returned.bytes);
    block = returned.next;
  }
  return true;
}

void* NodePool::Cut(size_t bytes) {
  if (left_ < bytes) TakeChunk();
  char* const block = cursor_;
  cursor_ += bytes;
  left_ -= bytes;
  return block;
}

// What is left of the chunk before is given up: less than a block.
void NodePool::TakeChunk() {
  Chunk chunk = {nullptr, kHugePage};
  if (reserved_bytes_ >= kManyBytes) chunk.memory = MapHugePage();
  if (chunk.memory == nullptr) chunk = {::operator new(kSmallChunk), kSmallChunk};
  chunks_.push_back(chunk);
  cursor_ = static_cast<char*>(chunk.memory);
  left_ = chunk.bytes;
  reserved_bytes_ += chunk.bytes;
}

}  // namespace martlet::subject
