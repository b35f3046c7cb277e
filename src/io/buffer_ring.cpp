#include "io/buffer_ring.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <sys/mman.h>

#include "base/check.h"

namespace martlet::io {

BufferRing::~BufferRing() {
  if (entries_ != nullptr) munmap(entries_, count_ * sizeof(io_uring_buf));
}

int BufferRing::Open(io_uring* ring, unsigned count, size_t bytes) {
  CHECK(entries_ == nullptr);
  CHECK(std::has_single_bit(count));
  CHECK(count <= 8192);
  count_ = count;
  wanted_ = std::min(count, kFirst);
  int result = buffers_.Open(count_ * kSpareFactor, bytes);
  if (result < 0) return result;
  void* entries = mmap(nullptr, count_ * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (entries == MAP_FAILED) return -ENOMEM;
  entries_ = static_cast<io_uring_buf_ring*>(entries);

  io_uring_buf_reg registration = {};
  registration.ring_addr = reinterpret_cast<uintptr_t>(entries_);
  registration.ring_entries = count_;
  registration.bgid = kGroup;
  result = io_uring_register_buf_ring(ring, &registration, 0);
  if (result < 0) return result;
  io_uring_buf_ring_init(entries_);
  Publish();
  return 0;
}

base::KeptMemory& BufferRing::TakeBack(uint16_t id) {
  DCHECK(lent_ > 0);
  --lent_;
  if (++taken_ == kNarrowAfter) {
    taken_ = 0;
    wanted_ = std::max(wanted_ / 2, std::min(count_, kFirst));
  }
  base::KeptMemory& memory = buffers_.memory(id);
  memory.Keep();
  return memory;
}

bool BufferRing::Widen() {
  taken_ = 0;
  if (wanted_ == count_ && published_ == count_) return false;
  // Several that find none at the same time want the same.
  if (wanted_ == published_) wanted_ *= 2;
  return true;
}

void BufferRing::Publish() {
  published_ = wanted_;
  int added = 0;
  for (; lent_ < wanted_ && buffers_.spare() > 0; ++lent_) {
    const uint16_t id = buffers_.Take();
    io_uring_buf_ring_add(entries_, buffers_.data(id), static_cast<unsigned>(buffers_.bytes()), id,
                          io_uring_buf_ring_mask(count_), added++);
  }
  if (added != 0) io_uring_buf_ring_advance(entries_, added);
}

}  // namespace martlet::io
