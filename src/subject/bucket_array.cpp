#include "subject/bucket_array.h"

#include <algorithm>
#include <sys/mman.h>

#include "base/check.h"

namespace martlet::subject {
namespace {

constexpr size_t kHugePage = size_t{2} << 20U;

}  // namespace

BucketArray::BucketArray() : reserved_bytes_(kBucketsMax * sizeof(Word) + kHugePage) {
  // Without access it counts neither as memory nor against an overcommit limit.
  reserved_ = ::mmap(nullptr, reserved_bytes_, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(reserved_ != MAP_FAILED);
  const auto begin = reinterpret_cast<uintptr_t>(reserved_);
  words_ = reinterpret_cast<Word*>((begin + kHugePage - 1) & ~(kHugePage - 1));
}

BucketArray::~BucketArray() { ::munmap(reserved_, reserved_bytes_); }

bool BucketArray::Commit(size_t count) {
  if (count > kBucketsMax) return false;
  const size_t bytes = std::max<size_t>(count * sizeof(Word), 4096);
  if (::mprotect(words_, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  // From the second huge page on: a server with few filters shall not pay for one. A refusal
  // costs time, nothing else.
  if (bytes >= 2 * kHugePage) {
    ::madvise(reinterpret_cast<char*>(words_) + bytes / 2, bytes / 2, MADV_HUGEPAGE);
  }
  return true;
}

}  // namespace martlet::subject
