#include "base/heap_trim.h"

#include <array>
#include <cstddef>
#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

// Of mimalloc, which a program is linked with or not; nobody who includes base has to know. Weak:
// without it the addresses are null.
// NOLINTBEGIN(readability-identifier-naming): they are not ours
extern "C" {
[[gnu::weak]] void mi_collect(bool force) noexcept;
[[gnu::weak]] long mi_option_get(int option) noexcept;
[[gnu::weak]] void mi_option_set(int option, long value) noexcept;
}
// NOLINTEND(readability-identifier-naming)

namespace martlet::base {
namespace {

// How many milliseconds a freed page rests before the system gets it: decommit_delay of mimalloc
// 2.0, purge_delay of 2.1.
constexpr int kDelayOption = 15;
// Each has pages of its own, and there are enough of them to come from every segment.
constexpr size_t kProbeBytes = size_t{192} << 10U;
constexpr size_t kProbes = 64;

/// A collection of mimalloc 2 leaves pages that rest to be looked at when their segment is next
/// used, which in a quiet time is never (measured: 12 of 20 MiB stay). So the segments are used
/// here, with a delay of nothing. The delay is one for the process; another thread that frees
/// meanwhile gives its pages back at once, too, and another trim ends by setting the same value.
void FlushSegments() {
  static const long kUsualDelay = mi_option_get(kDelayOption);
  mi_option_set(kDelayOption, 0);
  std::array<void*, kProbes> probes{};
  for (void*& probe : probes) probe = ::operator new(kProbeBytes, std::nothrow);  // never touched
  for (void* probe : probes) ::operator delete(probe);
  mi_collect(true);
  mi_option_set(kDelayOption, kUsualDelay);
}

}  // namespace

void TrimHeap() {
  if (mi_collect != nullptr) {
    mi_collect(true);
    if (mi_option_get != nullptr && mi_option_set != nullptr) FlushSegments();
    return;
  }
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace martlet::base
