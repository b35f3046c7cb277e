// The paths between the threads: one bounded ring for each ordered pair.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/byte_ring.h"

namespace martlet::session {

/// Rings among S shards and the control shard, which is member number S.
///
/// Payloads that travel by reference take little room in a ring, so they are counted beside it: the
/// receiver adds what it has let go of (release), the sender compares with what it has sent.
///
/// Sleep handshake: a member that wants to sleep calls MarkSleeping(), then looks at all rings
/// towards it (HasWork), and only then sleeps. Whoever published something calls TakeSleeper();
/// true means: it slept, wake it, nobody else will. Flag and ring tail are stored and loaded
/// sequentially consistent on both sides, so one of the two sees the other.
///
///   sleeper:  flag = 1        load tail          publisher:  store tail       load flag
///   both loads seeing the old value would need a cycle in the one order of all four.
class Interconnect {
 public:
  Interconnect(unsigned shards, size_t ring_bytes);
  ~Interconnect();  // when all members have ended: lets go of what they left in the rings

  unsigned shards() const { return members_ - 1; }
  unsigned members() const { return members_; }
  unsigned control() const { return members_ - 1; }
  /// The largest record that is sure to fit into any empty ring.
  size_t record_bytes_max() const { return rings_[1]->record_bytes_max(); }
  base::ByteRing& ring(unsigned from, unsigned to) { return *rings_[from * members_ + to]; }

  /// Shared payload bytes of this path that the receiver is done with; it alone adds.
  uint64_t shared_bytes_done(unsigned from, unsigned to) const {
    return done_[from * members_ + to].bytes.load(std::memory_order_acquire);
  }
  void AddSharedBytesDone(unsigned from, unsigned to, uint64_t bytes) {
    std::atomic<uint64_t>& done = done_[from * members_ + to].bytes;
    done.store(done.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
  }

  /// The shards that have routes, and so want to hear of every change of the index.
  ///
  /// Who writes: each shard its own bit.
  /// Who reads:  every shard, after a change of its own.
  /// Order:      a shard sets its bit, then walks the index; a shard that changes the index looks
  /// at
  ///             the bits after that. With a full fence between the two steps on both sides, one of
  ///             them sees the other: no change is missed by both.
  std::atomic<uint64_t>& interest_listeners() { return interest_listeners_; }

  void MarkSleeping(unsigned member) {
    flags_[member].sleeping.store(1, std::memory_order_seq_cst);
  }
  void MarkAwake(unsigned member) { flags_[member].sleeping.store(0, std::memory_order_relaxed); }
  bool HasWork(unsigned member) const;

  /// True when the member slept; the caller must wake it.
  bool TakeSleeper(unsigned member) {
    std::atomic<int>& flag = flags_[member].sleeping;
    return flag.load(std::memory_order_seq_cst) != 0 &&
           flag.exchange(0, std::memory_order_seq_cst) != 0;
  }

 private:
  struct alignas(128) Flag {
    std::atomic<int> sleeping{0};
  };

  struct alignas(128) Done {
    std::atomic<uint64_t> bytes{0};
  };

  const unsigned members_;
  std::unique_ptr<Done[]> done_;
  std::vector<std::unique_ptr<base::ByteRing>> rings_;
  std::unique_ptr<Flag[]> flags_;
  alignas(128) std::atomic<uint64_t> interest_listeners_{0};
};

}  // namespace martlet::session
