// How the lock-free parts of the index reach shared memory.
#pragma once

#include <atomic>

#include "base/fence.h"

namespace martlet::subject {

/// What production uses. The model checker of the tests puts atomics of its own in this place,
/// which stop at every access and hand out every value that the memory model allows.
struct StdSync {
  template <class T>
  using Atomic = std::atomic<T>;

  /// For figures on which nothing depends.
  template <class T>
  using Tally = std::atomic<T>;

  /// Sequentially consistent.
  static void FullFence() { base::FullFence(); }
};

}  // namespace martlet::subject
