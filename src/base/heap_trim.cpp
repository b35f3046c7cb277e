#include "base/heap_trim.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

// Of mimalloc, which a program is linked with or not; nobody who includes base has to know. Weak:
// without it the address is null.
extern "C" [[gnu::weak]] void mi_collect(bool force) noexcept;

namespace martlet::base {

void TrimHeap() {
  if (mi_collect != nullptr) return mi_collect(true);
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace martlet::base
