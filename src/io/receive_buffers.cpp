#include "io/receive_buffers.h"

#include <cerrno>
#include <sys/mman.h>

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

}  // namespace martlet::io
