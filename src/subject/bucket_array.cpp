#include "subject/bucket_array.h"

#include <algorithm>
#include <sys/mman.h>

#include "base/check.h"

namespace martlet::subject {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20U;

}  // namespace

BucketArray::BucketArray() {
  // Without access it counts neither as memory nor against an overcommit limit; but a limit of the
  // address space may be tight.
  for (buckets_max_ = kBucketsMax;; buckets_max_ /= 2) {
    CHECK(buckets_max_ > 0);
    reserved_bytes_ = buckets_max_ * sizeof(Word) + kHugePageBytes;
    reserved_ = ::mmap(nullptr, reserved_bytes_, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved_ != MAP_FAILED) break;
  }
  char* const begin = static_cast<char*>(reserved_);
  const size_t before =
      (kHugePageBytes - reinterpret_cast<uintptr_t>(begin) % kHugePageBytes) % kHugePageBytes;
  words_ = reinterpret_cast<Word*>(begin + before);
}

BucketArray::~BucketArray() { ::munmap(reserved_, reserved_bytes_); }

bool BucketArray::Commit(size_t count) {
  if (count > buckets_max_) return false;
  const size_t bytes = std::max<size_t>(count * sizeof(Word), 4096);
  if (::mprotect(words_, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  // From the second huge page on: a server with few filters shall not pay for one. A refusal
  // costs time, nothing else.
  if (bytes >= 2 * kHugePageBytes) {
    ::madvise(reinterpret_cast<char*>(words_) + bytes / 2, bytes / 2, MADV_HUGEPAGE);
  }
  return true;
}

}  // namespace martlet::subject
