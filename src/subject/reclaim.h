// When memory that readers may still look at can be freed: quiescent states of the shard loops.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace martlet::subject {

/// Frees retired objects once every reader has been outside of the index since.
///
/// Who writes: a shard announces its quiet point once per turn (Quiesce), and that it sleeps
///             (Offline, Online), each into a cache line of its own; writers of the index Retire.
/// Who reads:  Retire and Collect look at all announcements.
/// Orders:     the epoch goes up *after* the object was unlinked (seq_cst RMW). A reader that
///             announces an epoch has loaded it (acquire), so everything unlinked before that
///             epoch is out of its sight. Online() stores and fences before the first load of a
///             pointer, so either the writer sees the reader back, or the reader sees the unlink.
/// Bound:      a stalled shard delays memory, nothing else.
class Reclaimer {
 public:
  explicit Reclaimer(unsigned readers);
  ~Reclaimer();  // frees everything; no reader may be inside
  Reclaimer(const Reclaimer&) = delete;
  Reclaimer& operator=(const Reclaimer&) = delete;

  /// The calling reader holds no pointer into the index now.
  void Quiesce(unsigned reader);
  /// ... and takes none until Online().
  void Offline(unsigned reader);
  void Online(unsigned reader);

  /// Takes over an unlinked object. Any thread.
  template <class T>
  void Retire(T* object) {
    Retire(object, [](void* p) { delete static_cast<T*>(p); });
  }
  void Retire(void* object, void (*free)(void*));

  /// Frees what can be freed now; returns how many objects still wait.
  size_t Collect();

 private:
  static constexpr uint64_t kOffline = UINT64_MAX;
  static constexpr size_t kCollectEvery = 64;

  struct alignas(64) Reader {
    std::atomic<uint64_t> seen{kOffline};
  };
  struct Retired {
    uint64_t epoch;
    void* object;
    void (*free)(void*);
  };
  size_t CollectLocked();

  const unsigned readers_count_;
  std::unique_ptr<Reader[]> readers_;
  alignas(64) std::atomic<uint64_t> epoch_{1};
  std::mutex mutex_;
  std::deque<Retired> retired_;  // by rising epoch
};

}  // namespace martlet::subject
