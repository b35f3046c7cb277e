// Plain counters that one thread writes and others may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace martlet::io {

/// Adds to a counter of this thread. Relaxed: it publishes nothing but itself. Not a fetch_add:
/// with one writer a load and a store are enough, and cost what plain ones do.
inline void Count(uint64_t& counter, uint64_t by = 1) {
  const std::atomic_ref<uint64_t> shared(counter);
  shared.store(shared.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

/// Reads a counter of another thread; pairs with Count.
inline uint64_t ReadCounter(const uint64_t& counter) {
  // An atomic_ref to const comes with C++26 only; nothing is written here.
  return std::atomic_ref<uint64_t>(const_cast<uint64_t&>(counter)).load(std::memory_order_relaxed);
}

}  // namespace martlet::io
