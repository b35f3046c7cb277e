// A hash set whose readers never wait and whose writers hold no lock.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace martlet::subject {

/// Bits of a word that leads from one element to the next.
struct LinkWord {
  // About the element that contains the word.
  static constexpr uintptr_t kRemoved = 1;                    // a node: its way onward is frozen
  static constexpr uintptr_t kClaimed = uintptr_t{1} << 62U;  // a bucket: somebody links it
  static constexpr uintptr_t kReady = uintptr_t{1} << 63U;    // a bucket: it is linked
  // About where it leads.
  static constexpr uintptr_t kToBucket = 2;
  static constexpr uintptr_t kAddress = (uintptr_t{1} << 56U) - 8;
  static constexpr uintptr_t kTarget = kAddress | kToBucket;
};

/// What an element of the set derives from.
template <class Sync>
struct BasicListNode {
  /// `interest` at the start is one: that of its maker.
  explicit BasicListNode(uint32_t k) : key(k) {}

  typename Sync::template Atomic<uintptr_t> next{0};
  const uint32_t key;  // odd
  typename Sync::template Atomic<uint32_t> interest{1};

  /// Nobody wants the node any more, and nobody will again.
  static constexpr uint32_t kDead = UINT32_MAX;
};

/// A set of nodes found by key: the split-ordered list of Shalev and Shavit with the removal of
/// Harris and Michael. All nodes form one list, sorted by key; buckets are places to enter it, and
/// elements of it themselves. Doubling adds entrances and moves nothing.
///
///     bucket 0 ----> 0x11.. ----> [bucket 2] ----> 0x51.. ----> [bucket 1] ----> 0x9f.. ---->
///     key 0                       key 0x40..                    key 0x80..
///                                   (of four: the index, its bits reversed)
///
/// Who writes: any shard, lock-free: each step is a CAS on one word, which fails only because
///             another writer's has succeeded.
///   insert    CAS of the last word before a greater key; the node behind it is complete (release).
///             All insertions of one key meet at that word, so one identity is in only once.
///   interest  counts those who want the node: from n to n+1 unless dead, from 1 to dead. So a
///             node that is found either is taken, and stays, or will never be taken again.
///   remove    the one who made it dead freezes its word (kRemoved), then walks to its key, which
///             unlinks it. Any writer who meets a dead node does the same for it: none waits.
///   bucket    0 -> claimed by one writer -> its word leads to its successor -> linked by a CAS on
///             its predecessor -> ready. Until it is ready all others go through its parent: a
///             claimant that is stopped makes one entrance longer to walk to, nothing else.
/// Who reads:  any shard, wait-free: loads (acquire) alone; the walk is bounded by the elements of
///             the bucket, and each step gets to a greater key or to a node that was inserted
///             later. A reader on a removed node goes on along its frozen word; what is in the set
///             all the while is never missed, since whatever stood between is passed or was
///             unlinked.
/// Lifetime:   a node that Release says is unlinked stays readable for the readers that may stand
///             on it: it is to be retired. Words never lead to it again: an unlinked node's
///             predecessor is unmarked at that time, and a frozen word is never stored elsewhere
///             but by the CAS that unlinks its node.
/// ABA:        cannot be, since addresses come back only after a grace period of all shards.
///
/// `Buckets` holds the entrances: zeroed words, operator[], IndexOf(word), Commit(count).
template <class Node, class Sync, class Buckets>
class SplitOrderedList {
 public:
  using Word = typename Sync::template Atomic<uintptr_t>;
  enum class Outcome : uint8_t { kHeld, kTaken, kInserted };
  struct Acquired {
    Node* node;
    Outcome outcome;
  };

  /// `first_buckets` is a power of two.
  SplitOrderedList(unsigned shards, size_t first_buckets)
      : shards_(shards), counts_(std::make_unique<Count[]>(shards)) {
    buckets_.Commit(first_buckets);
    mask_.store(static_cast<uint32_t>(first_buckets - 1), std::memory_order_relaxed);
    buckets_[0].store(LinkWord::kClaimed | LinkWord::kReady, std::memory_order_relaxed);
  }
  SplitOrderedList(const SplitOrderedList&) = delete;
  SplitOrderedList& operator=(const SplitOrderedList&) = delete;

  static uint32_t KeyOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32U) | 1U; }

  // Readers.

  /// Calls `each(node)` for every node of this key, dead ones that are still linked included.
  template <class Each>
  void ForEach(uint32_t key, Each&& each) const {
    uintptr_t word = Entrance(key);
    for (;;) {
      const uintptr_t address = word & LinkWord::kAddress;
      if (address == 0) return;
      if ((word & LinkWord::kToBucket) != 0) {
        const Word* bucket = AsBucket(address);
        if (KeyOfBucket(bucket) > key) return;
        word = bucket->load(std::memory_order_acquire);
        continue;
      }
      const Node* node = AsNode(address);
      if (node->key > key) return;
      if (node->key == key) each(*const_cast<Node*>(node));
      word = node->next.load(std::memory_order_acquire);
    }
  }

  /// Calls `each(node)` for the nodes with keys from `from` on, in the order of keys, as long as it
  /// says true. What is in the set all the while is not missed.
  template <class Each>
  void Walk(uint32_t from, Each&& each) const {
    uintptr_t word = Entrance(from);
    for (;;) {
      const uintptr_t address = word & LinkWord::kAddress;
      if (address == 0) return;
      if ((word & LinkWord::kToBucket) != 0) {
        word = AsBucket(address)->load(std::memory_order_acquire);
        continue;
      }
      Node* const node = AsNode(address);
      if (node->key >= from && !each(*node)) return;
      word = node->next.load(std::memory_order_acquire);
    }
  }

  /// Brings what ForEach will look at first closer: its bucket, and later the node behind that.
  void PrefetchBucket(uint32_t key) const {
    __builtin_prefetch(&buckets_[IndexOf(key, mask_.load(std::memory_order_relaxed))]);
  }
  void PrefetchNode(uint32_t key) const {
    const Word& bucket = buckets_[IndexOf(key, mask_.load(std::memory_order_acquire))];
    // Relaxed: only a hint, nothing is read through it.
    const uintptr_t address = bucket.load(std::memory_order_relaxed) & LinkWord::kAddress;
    const char* const node = AsPointer<const char>(address);
    __builtin_prefetch(node);
    __builtin_prefetch(node + 64);
  }

  // Writers.

  /// Finds the node that is `same(node)`, or inserts what `make()` returns, with interest 1. When
  /// `held(node)` says that the caller's shard is interested already, the count stays as it is.
  /// `discard(node)` takes back what was made and not needed.
  template <class Same, class Held, class Make, class Discard>
  Acquired Acquire(unsigned shard, uint32_t key, Same&& same, Held&& held, Make&& make,
                   Discard&& discard) {
    Node* fresh = nullptr;
    for (;;) {
      Position at = Find(EntranceForWriter(key), key, same);
      if (at.found != nullptr) {
        Outcome outcome = Outcome::kHeld;
        if (!held(*at.found)) {
          if (!TakeInterest(*at.found)) {
            Freeze(*at.found);  // somebody is removing it: help, and look again
            continue;
          }
          outcome = Outcome::kTaken;
        }
        if (fresh != nullptr) discard(fresh);
        return {at.found, outcome};
      }
      if (fresh == nullptr) fresh = make();
      if (!Link(at, fresh)) continue;
      AddTo(shard, 1);
      return {fresh, Outcome::kInserted};
    }
  }

  /// Gives one interest back. True when it was the last: the node is out of the set, and the
  /// caller retires it.
  bool Release(unsigned shard, Node& node) {
    if (!DropInterest(node)) return false;
    Freeze(node);
    Unlink(node);
    AddTo(shard, -1);
    return true;
  }

  // The steps of which those two are made.

  static bool TakeInterest(Node& node) {
    uint32_t interest = node.interest.load(std::memory_order_relaxed);
    while (interest != Node::kDead) {
      if (node.interest.compare_exchange_strong(interest, interest + 1, std::memory_order_acq_rel,
                                                std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  /// True when the node is dead now.
  static bool DropInterest(Node& node) {
    uint32_t interest = node.interest.load(std::memory_order_relaxed);
    for (;;) {
      const uint32_t left = interest == 1 ? Node::kDead : interest - 1;
      if (node.interest.compare_exchange_strong(interest, left, std::memory_order_acq_rel,
                                                std::memory_order_relaxed)) {
        return left == Node::kDead;
      }
    }
  }
  static void Freeze(Node& node) {
    node.next.fetch_or(LinkWord::kRemoved, std::memory_order_acq_rel);
  }
  /// A frozen node is not reachable from any entrance when this returns.
  void Unlink(Node& node) {
    Find(EntranceForWriter(node.key), node.key, [](const Node&) { return false; });
  }
  /// Twice as many entrances, if there is room for them.
  void Grow() {
    uint32_t mask = mask_.load(std::memory_order_relaxed);
    const size_t wanted = (size_t{mask} + 1) * 2;
    if (!buckets_.Commit(wanted)) return;
    // Release: whoever sees the new size may touch the new words.
    mask_.compare_exchange_strong(mask, static_cast<uint32_t>(wanted - 1),
                                  std::memory_order_release, std::memory_order_relaxed);
  }

  /// Nodes in the set, roughly while others write.
  size_t size() const {
    int64_t sum = 0;
    for (unsigned i = 0; i < shards_; ++i) sum += counts_[i].nodes.load(std::memory_order_relaxed);
    return sum > 0 ? static_cast<size_t>(sum) : 0;
  }
  size_t buckets() const { return size_t{mask_.load(std::memory_order_relaxed)} + 1; }

  /// All nodes; `each` may destroy its node. Only while nobody else is inside.
  template <class Each>
  void ForEachNode(Each&& each) {
    uintptr_t word = buckets_[0].load(std::memory_order_acquire);
    while ((word & LinkWord::kAddress) != 0) {
      const uintptr_t address = word & LinkWord::kAddress;
      if ((word & LinkWord::kToBucket) != 0) {
        word = AsBucket(address)->load(std::memory_order_acquire);
      } else {
        Node* node = AsNode(address);
        word = node->next.load(std::memory_order_acquire);
        each(*node);
      }
    }
  }

 private:
  // A place between two elements: the word that leads from one to the other, and what it said.
  struct Position {
    Word* at;
    uintptr_t word;
    Node* found;
  };
  struct alignas(64) Count {
    typename Sync::template Tally<int64_t> nodes{0};  // inserted minus removed by this shard
    // Its shard's own.
    uint32_t changes = 0;   // when to look at the sum
    size_t split_next = 0;  // buckets that this shard took on itself to link
    size_t split_end = 0;
  };

  static uint32_t Reverse(uint32_t bits) {
    bits = __builtin_bswap32(bits);
    bits = (bits & 0x0f0f0f0fU) << 4U | (bits >> 4U & 0x0f0f0f0fU);
    bits = (bits & 0x33333333U) << 2U | (bits >> 2U & 0x33333333U);
    return (bits & 0x55555555U) << 1U | (bits >> 1U & 0x55555555U);
  }
  static size_t IndexOf(uint32_t key, uint32_t mask) { return Reverse(key) & mask; }
  /// The bucket that it was split from: without its highest bit.
  static size_t ParentOf(size_t bucket) {
    return bucket & ~(size_t{1} << (63U - static_cast<unsigned>(__builtin_clzll(bucket))));
  }
  uint32_t KeyOfBucket(const Word* bucket) const {
    return Reverse(static_cast<uint32_t>(buckets_.IndexOf(bucket)));
  }
  /// Addresses share their word with marks, so they are numbers there.
  template <class T>
  static T* AsPointer(uintptr_t address) {
    return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr)
  }
  static const Word* AsBucket(uintptr_t address) { return AsPointer<const Word>(address); }
  static Node* AsNode(uintptr_t address) { return AsPointer<Node>(address); }
  static constexpr uintptr_t kOwn = LinkWord::kClaimed | LinkWord::kReady;

  /// The word of the nearest entrance that is ready.
  uintptr_t Entrance(uint32_t key) const {
    // Acquire: the words up to this size are there.
    size_t bucket = IndexOf(key, mask_.load(std::memory_order_acquire));
    for (;;) {
      const uintptr_t word = buckets_[bucket].load(std::memory_order_acquire);
      if ((word & LinkWord::kReady) != 0) [[likely]]
        return word;
      bucket = ParentOf(bucket);  // bucket 0 is ready from the start
    }
  }
  Word* ReadyBucket(size_t bucket) {
    while ((buckets_[bucket].load(std::memory_order_acquire) & LinkWord::kReady) == 0) {
      bucket = ParentOf(bucket);
    }
    return &buckets_[bucket];
  }
  Word* EntranceForWriter(uint32_t key) {
    const uint32_t mask = mask_.load(std::memory_order_acquire);
    const size_t bucket = IndexOf(key, mask);
    EnsureReady(bucket);
    // Its twin's nodes are at hand in the caches, so this is the cheapest moment for it, too.
    EnsureReady(bucket ^ (mask - (mask >> 1U)));
    return ReadyBucket(bucket);
  }

  void EnsureReady(size_t bucket) {
    if (buckets_[bucket].load(std::memory_order_relaxed) != 0) [[likely]]
      return;
    // Its ancestors first, from the oldest on, so that each has a short way from its parent.
    size_t ancestor = 0;
    for (size_t bits = bucket; bits != 0; bits &= bits - 1) {
      ancestor |= bits & (~bits + 1);
      if (buckets_[ancestor].load(std::memory_order_relaxed) == 0) LinkBucket(ancestor);
    }
  }
  void LinkBucket(size_t bucket) {
    Word& own = buckets_[bucket];
    uintptr_t untouched = 0;
    if (!own.compare_exchange_strong(untouched, LinkWord::kClaimed, std::memory_order_relaxed,
                                     std::memory_order_relaxed)) {
      return;
    }
    const uint32_t key = KeyOfBucket(&own);
    for (;;) {
      Position at = Find(ReadyBucket(ParentOf(bucket)), key, [](const Node&) { return false; });
      own.store((at.word & LinkWord::kTarget) | LinkWord::kClaimed, std::memory_order_relaxed);
      const uintptr_t linked = reinterpret_cast<uintptr_t>(&own) | LinkWord::kToBucket;
      if (Swing(at, linked)) break;
    }
    // Others may have inserted behind it since it was linked: only the bit is added.
    own.fetch_or(LinkWord::kReady, std::memory_order_release);
  }

  /// Makes the word of `at` lead to `target`, unless it changed. Release: what stands there is
  /// complete.
  static bool Swing(Position& at, uintptr_t target) {
    return at.at->compare_exchange_strong(at.word, target | (at.word & kOwn),
                                          std::memory_order_release, std::memory_order_relaxed);
  }
  static bool Link(Position& at, Node* fresh) {
    fresh->next.store(at.word & LinkWord::kTarget, std::memory_order_relaxed);
    return Swing(at, reinterpret_cast<uintptr_t>(fresh));
  }

  /// Walks from `entrance` to the place behind all elements up to `key`, or to a node of that key
  /// that is `same`; unlinks on its way what is frozen.
  template <class Same>
  Position Find(Word* entrance, uint32_t key, Same&& same) {
    Position at = {entrance, entrance->load(std::memory_order_acquire), nullptr};
    for (;;) {
      const uintptr_t address = at.word & LinkWord::kAddress;
      if (address == 0) return at;
      if ((at.word & LinkWord::kToBucket) != 0) {
        Word* bucket = const_cast<Word*>(AsBucket(address));
        if (KeyOfBucket(bucket) > key) return at;
        at = {bucket, bucket->load(std::memory_order_acquire), nullptr};
        continue;
      }
      Node* node = AsNode(address);
      const uintptr_t next = node->next.load(std::memory_order_acquire);
      if ((next & LinkWord::kRemoved) != 0) {
        // Release: what the next element was published with goes on to whoever reads this word.
        if (Swing(at, next & LinkWord::kTarget)) {
          at.word = (next & LinkWord::kTarget) | (at.word & kOwn);
        } else {
          at = {entrance, entrance->load(std::memory_order_acquire), nullptr};
        }
        continue;
      }
      if (node->key > key) return at;
      if (node->key == key && same(*node)) {
        at.found = node;
        return at;
      }
      at = {&node->next, next, nullptr};
    }
  }

  /// Links a few entrances that nobody has used yet, so that readers need not go through parents.
  /// Of the rest after a doubling, each shard takes a piece at a time.
  void SplitSome(Count& own) {
    for (unsigned i = 0; i < kSplitPerInsertion; ++i) {
      if (own.split_next == own.split_end) {
        if (split_cursor_.load(std::memory_order_relaxed) >= buckets()) return;
        own.split_next = split_cursor_.fetch_add(kSplitPiece, std::memory_order_relaxed);
        own.split_end = std::min(own.split_next + kSplitPiece, buckets());
        if (own.split_next >= own.split_end) {
          own.split_next = own.split_end = 0;
          return;
        }
      }
      EnsureReady(own.split_next++);
    }
  }

  void AddTo(unsigned shard, int64_t difference) {
    Count& count = counts_[shard];
    // Relaxed, and no RMW: each shard counts its own.
    count.nodes.store(count.nodes.load(std::memory_order_relaxed) + difference,
                      std::memory_order_relaxed);
    if (difference < 0) return;
    if (++count.changes % kLookEvery == 0 && 2 * size() > buckets()) Grow();
    SplitSome(count);
  }

  static constexpr uint32_t kLookEvery = 16;
  static constexpr unsigned kSplitPerInsertion = 4;
  static constexpr size_t kSplitPiece = 64;

  const unsigned shards_;
  Buckets buckets_;
  typename Sync::template Atomic<uint32_t> mask_{0};
  // All below are linked, or on some shard's list. A tally: linking twice or late does no harm.
  alignas(64) typename Sync::template Tally<size_t> split_cursor_{0};
  std::unique_ptr<Count[]> counts_;
};

}  // namespace martlet::subject
