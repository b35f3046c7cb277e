// Memory for the entrances of a split-ordered list: it grows in place.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace martlet::subject {

/// Zeroed words at addresses that never change. Address space for kBucketsMax is reserved once;
/// what was not committed costs nothing. Large arrays ask for huge pages: a lookup among a million
/// would otherwise miss the TLB as often as the cache.
///
/// Thread: operator[] and IndexOf by any, below what was committed; Commit by any.
/// Errors: Commit says no when the kernel refuses the memory, or at the bound.
class BucketArray {
 public:
  using Word = std::atomic<uintptr_t>;
  static constexpr size_t kBucketsMax = size_t{1} << 26U;

  BucketArray();
  ~BucketArray();
  BucketArray(const BucketArray&) = delete;
  BucketArray& operator=(const BucketArray&) = delete;

  Word& operator[](size_t i) { return words_[i]; }
  const Word& operator[](size_t i) const { return words_[i]; }
  size_t IndexOf(const Word* word) const { return static_cast<size_t>(word - words_); }

  /// Makes the first `count` words usable; may be called again, by several at once.
  bool Commit(size_t count);

 private:
  size_t buckets_max_;
  void* reserved_;
  size_t reserved_bytes_;
  Word* words_;
};

}  // namespace martlet::subject
