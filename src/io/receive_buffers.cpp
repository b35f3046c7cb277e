#include "io/receive_buffers.h"

#include <cerrno>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

namespace martlet::io {

ReceiveBuffers::~ReceiveBuffers() {
  if (slab_ != nullptr) munmap(slab_, count_ * bytes_);
}

int ReceiveBuffers::Open(unsigned count, size_t bytes) {
  CHECK(slab_ == nullptr);
  CHECK(count > 0 && count <= 32768);
  CHECK(bytes > 0);
  void* slab =
      mmap(nullptr, count * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (slab == MAP_FAILED) return -ENOMEM;
  slab_ = static_cast<char*>(slab);
  count_ = count;
  bytes_ = bytes;
  // With huge pages the first small message in each buffer would make 2 MiB resident.
  madvise(slab_, count_ * bytes_, MADV_NOHUGEPAGE);

  buffers_ = std::make_unique<Buffer[]>(count_);
  spare_.reserve(count_);
  for (unsigned i = count_; i > 0; --i) {
    const auto id = static_cast<uint16_t>(i - 1);
    buffers_[id].owner = this;
    buffers_[id].id = id;
    buffers_[id].unused = [](base::KeptMemory& self) {
      const auto& buffer = static_cast<Buffer&>(self);
      buffer.owner->spare_.push_back(buffer.id);
    };
    spare_.push_back(id);
  }
  return 0;
}

uint16_t ReceiveBuffers::Take() {
  DCHECK(!spare_.empty());
  const uint16_t id = spare_.back();
  spare_.pop_back();
  return id;
}

void ReceiveBuffers::TrimSpare() {
  for (const uint16_t id : spare_) GiveBack(id, 1);
}

void ReceiveBuffers::TrimUnkept() {
  for (size_t i = 0; i < count_;) {
    const size_t first = i;
    while (i < count_ && buffers_[i].keepers == 0) ++i;
    if (i > first) GiveBack(first, i - first);
    if (i < count_) ++i;
  }
}

/// Of small buffers a page may be shared with a neighbour; only whole pages go.
void ReceiveBuffers::GiveBack(size_t first, size_t count) {
  static const auto kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = (first * bytes_ + kPage - 1) / kPage * kPage;
  const size_t end = (first + count) * bytes_ / kPage * kPage;
  // Refused where memory is locked: then the operator wants it to stay.
  if (begin < end) (void)madvise(slab_ + begin, end - begin, MADV_DONTNEED);
}

}  // namespace martlet::io
