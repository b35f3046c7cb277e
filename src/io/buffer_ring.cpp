#include "io/buffer_ring.h"

#include <bit>
#include <cerrno>
#include <sys/mman.h>

#include "base/check.h"

namespace martlet::io {
namespace {

/// Zeroed, page-aligned memory, or nullptr.
void* Map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

BufferRing::~BufferRing() {
  if (entries_ != nullptr) munmap(entries_, count_ * sizeof(io_uring_buf));
  if (slab_ != nullptr) munmap(slab_, count_ * bytes_);
}

int BufferRing::Open(io_uring* ring, unsigned count, size_t bytes) {
  CHECK(entries_ == nullptr);
  CHECK(std::has_single_bit(count));
  CHECK(count <= 32768);
  CHECK(bytes > 0);
  count_ = count;
  bytes_ = bytes;
  slab_ = static_cast<char*>(Map(count_ * bytes_));
  entries_ = static_cast<io_uring_buf_ring*>(Map(count_ * sizeof(io_uring_buf)));
  if (slab_ == nullptr || entries_ == nullptr) return -ENOMEM;
  // With huge pages the first small message in each buffer would make 2 MiB resident.
  madvise(slab_, count_ * bytes_, MADV_NOHUGEPAGE);

  io_uring_buf_reg registration = {};
  registration.ring_addr = reinterpret_cast<uintptr_t>(entries_);
  registration.ring_entries = count_;
  registration.bgid = kGroup;
  const int result = io_uring_register_buf_ring(ring, &registration, 0);
  if (result < 0) return result;
  io_uring_buf_ring_init(entries_);
  for (unsigned id = 0; id < count_; ++id) Return(static_cast<uint16_t>(id));
  Publish();
  return 0;
}

void BufferRing::Return(uint16_t id) {
  DCHECK(id < count_);
  io_uring_buf_ring_add(entries_, slab_ + size_t{id} * bytes_, static_cast<unsigned>(bytes_), id,
                        io_uring_buf_ring_mask(count_), returned_++);
}

void BufferRing::Publish() {
  if (returned_ == 0) return;
  io_uring_buf_ring_advance(entries_, returned_);
  returned_ = 0;
}

}  // namespace martlet::io
