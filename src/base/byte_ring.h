// A bounded ring of records from one thread to one other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace martlet::base {

/// Single producer, single consumer; records are byte strings, each contiguous in memory.
///
/// Who writes: the producer the bytes and `tail_`; the consumer `head_`.
/// Who reads:  the consumer the bytes up to `tail_`; the producer `head_`.
/// Orders:     Publish() stores the tail (seq_cst: it also takes part in the sleep handshake, see
///             shard/interconnect.h) after the bytes; the consumer loads it before reading them.
///             Release() stores the head (release) after the bytes were read; the producer loads
///             it (acquire) before overwriting.
/// Bound:      capacity; Prepare() says no when the record does not fit. Nothing is overwritten.
///
///   head_ ... tail_ ... write_        one record: | size : 8 | bytes, padded to 8 |
///     consumed   published  private   a size of kSkip: go on at the start of the memory
class ByteRing {
 public:
  /// `capacity` is a power of two.
  explicit ByteRing(size_t capacity)
      : capacity_(capacity), memory_(std::make_unique_for_overwrite<char[]>(capacity)) {}
  ByteRing(const ByteRing&) = delete;
  ByteRing& operator=(const ByteRing&) = delete;

  /// The largest record that is sure to fit into an empty ring.
  size_t record_bytes_max() const { return capacity_ / 2 - kHeader; }

  // Producer.

  /// Room for a record, or null when the ring is too full. Written bytes count with Commit().
  char* Prepare(size_t bytes) {
    const size_t need = kHeader + Padded(bytes);
    const size_t offset = write_ & (capacity_ - 1);
    const size_t until_end = capacity_ - offset;
    const size_t skip = need <= until_end ? 0 : until_end;
    if (!HasRoom(skip + need)) return nullptr;
    if (skip != 0) {
      SizeAt(offset) = kSkip;
      write_ += skip;
    }
    SizeAt(write_ & (capacity_ - 1)) = bytes;
    prepared_ = need;
    return memory_.get() + (write_ & (capacity_ - 1)) + kHeader;
  }
  void Commit() { write_ += prepared_; }

  /// Makes what was committed visible; true when there was something new.
  bool Publish() {
    if (write_ == published_) return false;
    published_ = write_;
    tail_.store(write_, std::memory_order_seq_cst);
    return true;
  }

  // Consumer.

  /// The next record, empty span with null data when there is none.
  std::span<const char> Front() {
    for (;;) {
      if (read_ == known_tail_) {
        known_tail_ = tail_.load(std::memory_order_acquire);
        if (read_ == known_tail_) return {};
      }
      const size_t offset = read_ & (capacity_ - 1);
      const uint64_t size = SizeAt(offset);
      if (size != kSkip) return {memory_.get() + offset + kHeader, size};
      read_ += capacity_ - offset;
    }
  }
  void Pop(std::span<const char> front) { read_ += kHeader + Padded(front.size()); }
  /// Gives the consumed space back.
  void Release() { head_.store(read_, std::memory_order_release); }
  /// Part of the sleep handshake: anything published and not consumed?
  bool HasWork() const { return tail_.load(std::memory_order_seq_cst) != read_; }

 private:
  static constexpr size_t kHeader = 8;
  static constexpr uint64_t kSkip = UINT64_MAX;

  static size_t Padded(size_t bytes) { return (bytes + 7) & ~size_t{7}; }
  uint64_t& SizeAt(size_t offset) { return *reinterpret_cast<uint64_t*>(memory_.get() + offset); }
  bool HasRoom(size_t bytes) {
    if (write_ + bytes - known_head_ <= capacity_) return true;
    known_head_ = head_.load(std::memory_order_acquire);
    return write_ + bytes - known_head_ <= capacity_;
  }

  const size_t capacity_;
  const std::unique_ptr<char[]> memory_;

  alignas(128) std::atomic<uint64_t> tail_{0};
  // Producer's own.
  alignas(128) uint64_t write_ = 0;
  uint64_t published_ = 0;
  uint64_t known_head_ = 0;
  size_t prepared_ = 0;

  alignas(128) std::atomic<uint64_t> head_{0};
  // Consumer's own.
  alignas(128) uint64_t read_ = 0;
  uint64_t known_tail_ = 0;
};

}  // namespace martlet::base
