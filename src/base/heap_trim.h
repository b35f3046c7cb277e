// Gives memory that was freed back to the system.
#pragma once

namespace martlet::base {

/// Allocators keep freed memory for the next allocation; this lets go of what the calling thread's
/// heap keeps. It looks at each page of that heap, not at what lies in them: see Shard::Trim for
/// what it costs.
///
/// Thread: any. With mimalloc each thread has a heap of its own, and this is about the caller's.
void TrimHeap();

}  // namespace martlet::base
