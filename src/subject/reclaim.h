// When memory that readers may still look at can be freed: quiescent states of the shard loops.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "base/check.h"
#include "subject/sync.h"

namespace martlet::subject {

/// Frees retired objects once every reader has been outside of the index since.
///
/// Who writes: a shard announces its quiet point once per turn (Quiesce), and that it sleeps
///             (Offline, Online), in a cache line of its own. What it retires stands in a list of
///             its own. One word is shared by writers: the epoch, which goes up once per turn of a
///             shard that retired something.
/// Who reads:  a shard that has something to free looks at all announcements.
/// Orders:     the epoch goes up *after* the objects were unlinked (release). A reader that
///             announces an epoch has loaded it (acquire), so everything unlinked before that
///             epoch is out of its sight; and the announcement (release) comes after its last look
///             at what it had in sight, and before the free that follows from it (acquire).
///             Online() stores and fences before the first load of a pointer, so either who frees
///             sees the reader back, or the reader sees the unlink.
///
///   reader   look at X       seen = 7                   reader   seen = 7   fence   look
///                 |             |                                       |        x
///   writer   unlink X   epoch 6->7   seen: free X       writer   unlink X   fence   seen: free?
///
/// Bound:      what one shard may free in one quiet point is bounded, so that the end of a
///             connection with a million subscriptions does not hold up the others. A stalled shard
///             delays memory, nothing else; what a sleeping shard retired waits until it wakes.
/// Lifetime:   `owner` is handed to the functions that free.
template <class Sync>
class BasicReclaimer {
 public:
  /// Frees `object`, on the shard that retired it.
  using Free = void (*)(void* owner, unsigned shard, void* object);

  explicit BasicReclaimer(unsigned readers, void* owner = nullptr)
      : owner_(owner), readers_count_(readers), readers_(std::make_unique<Reader[]>(readers)) {}
  ~BasicReclaimer() {  // frees everything; no reader may be inside
    for (unsigned i = 0; i < readers_count_; ++i) {
      for (const Retired& item : readers_[i].retired) item.free(owner_, i, item.object);
    }
  }
  BasicReclaimer(const BasicReclaimer&) = delete;
  BasicReclaimer& operator=(const BasicReclaimer&) = delete;

  // Each of these by the shard that it names.

  /// The calling reader holds no pointer into the index now.
  void Quiesce(unsigned reader) {
    DCHECK(reader < readers_count_);
    Reader& own = readers_[reader];
    Seal(own);
    // Acquire pairs with Seal: what was unlinked before this epoch is out of our sight. Release
    // pairs with Oldest: what we looked at, we have looked at.
    own.seen.store(epoch_.load(std::memory_order_acquire), std::memory_order_release);
    if (!own.retired.empty()) FreeSome(reader, kFreedPerTurn);
  }
  /// ... and takes none until Online().
  void Offline(unsigned reader) {
    Reader& own = readers_[reader];
    Seal(own);
    own.seen.store(kOffline, std::memory_order_release);
    if (!own.retired.empty()) FreeSome(reader, kFreedBeforeSleep);
  }
  void Online(unsigned reader) {
    readers_[reader].seen.store(epoch_.load(std::memory_order_acquire), std::memory_order_relaxed);
    Sync::FullFence();  // pairs with the fence in Oldest
  }

  /// Takes over an unlinked object.
  void Retire(unsigned reader, void* object, Free free) {
    Reader& own = readers_[reader];
    own.retired.push_back({object, free});
    ++own.unsealed;
  }
  template <class T>
  void Retire(unsigned reader, T* object) {
    Retire(reader, object, [](void*, unsigned, void* p) { delete static_cast<T*>(p); });
  }

  /// Objects that the reader retired and that are not freed yet.
  size_t waiting(unsigned reader) const { return readers_[reader].retired.size(); }
  /// Frees what the reader retired and nobody can see; returns how many objects still wait.
  size_t Collect(unsigned reader) {
    Seal(readers_[reader]);
    return FreeSome(reader, SIZE_MAX);
  }
  /// The same for all, while no shard runs.
  size_t CollectAll() {
    size_t left = 0;
    for (unsigned i = 0; i < readers_count_; ++i) left += Collect(i);
    return left;
  }

 private:
  static constexpr uint64_t kOffline = UINT64_MAX;
  static constexpr size_t kFreedPerTurn = 1024;
  static constexpr size_t kFreedBeforeSleep = 16384;

  struct Retired {
    void* object;
    Free free;
  };
  // Objects, next in the list after those of the batch before, that may go when all saw `epoch`.
  struct Batch {
    uint64_t epoch;
    size_t count;
  };
  struct alignas(64) Reader {
    typename Sync::template Atomic<uint64_t> seen{kOffline};
    // Its own shard's alone.
    alignas(64) std::deque<Retired> retired;
    std::deque<Batch> batches;
    size_t unsealed = 0;  // at the end of `retired`, in no batch yet
  };

  void Seal(Reader& own) {
    if (own.unsealed == 0) return;
    // Release: ahead of it lie the unlinks; pairs with the loads of the epoch.
    const uint64_t epoch = epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
    own.batches.push_back({epoch, std::exchange(own.unsealed, 0)});
  }

  uint64_t Oldest() const {
    Sync::FullFence();  // pairs with Online: the unlinks are in its sight, or we see it back
    uint64_t oldest = kOffline;
    for (unsigned i = 0; i < readers_count_; ++i) {
      oldest = std::min(oldest, readers_[i].seen.load(std::memory_order_acquire));
    }
    return oldest;
  }

  size_t FreeSome(unsigned reader, size_t max) {
    Reader& own = readers_[reader];
    if (own.batches.empty()) return own.retired.size();
    const uint64_t oldest = Oldest();
    while (max > 0 && !own.batches.empty() && own.batches.front().epoch <= oldest) {
      Batch& batch = own.batches.front();
      for (; batch.count > 0 && max > 0; --batch.count, --max) {
        const Retired item = own.retired.front();
        own.retired.pop_front();
        item.free(owner_, reader, item.object);
      }
      if (batch.count == 0) own.batches.pop_front();
    }
    return own.retired.size();
  }

  void* const owner_;
  const unsigned readers_count_;
  std::unique_ptr<Reader[]> readers_;
  alignas(64) typename Sync::template Atomic<uint64_t> epoch_{1};
};

using Reclaimer = BasicReclaimer<StdSync>;

}  // namespace martlet::subject
