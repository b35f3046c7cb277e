// A full memory fence that ThreadSanitizer understands.
#pragma once

#include <atomic>

#if defined(__SANITIZE_THREAD__)
#define MARTLET_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MARTLET_THREAD_SANITIZER 1
#endif
#endif

namespace martlet::base {

/// Sequentially consistent fence: no load behind it is done before a store ahead of it is visible.
inline void FullFence() {
#ifdef MARTLET_THREAD_SANITIZER
  // The sanitizer does not model fences; an RMW on one shared variable orders the same things.
  static std::atomic<int> fence{0};
  fence.fetch_add(1, std::memory_order_seq_cst);
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace martlet::base
