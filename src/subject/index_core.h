// The order of steps in which the index changes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "subject/reclaim.h"
#include "subject/split_ordered_list.h"

namespace martlet::subject {

/// A set of nodes with interest, and the order of the steps by which interest begins and ends. On
/// this order rests what subject_index.h promises; it stands here, apart from what filters are, so
/// that the model checker of the tests runs through these very lines.
///
///   begin   link or take interest, count the member | number | bump
///   end     count down | unlink                              | bump | retire
///   match               read the number, read the generations | walk
///
/// Number ahead of link would let a match that missed the node carry a number that says it did not.
/// Bump ahead of link would let a match that missed it look current for ever. Retire ahead of
/// unlink would let a reader find what is freed.
template <class Node, class Sync, class Buckets>
class IndexCore {
 public:
  using List = SplitOrderedList<Node, Sync, Buckets>;

  IndexCore(unsigned shards, size_t first_buckets, void* owner)
      : reclaimer_(shards, owner), nodes_(shards, first_buckets) {}

  /// Finds the node, or links what `make()` gives, which has its first member already; otherwise
  /// `enter(node)` counts the member. If it is the shard's first, `begun(node, number)` gets the
  /// number of its beginning, then `bump(node)` makes older matches stale. `same`, `held`,
  /// `discard`: see SplitOrderedList::Acquire.
  template <class Same, class Held, class Make, class Discard, class Enter, class Begun, class Bump>
  Node& Begin(unsigned shard, uint32_t key, Same&& same, Held&& held, Make&& make,
              Discard&& discard, Enter&& enter, Begun&& begun, Bump&& bump) {
    const auto [node, outcome] = nodes_.Acquire(shard, key, same, held, make, discard);
    if (outcome != List::Outcome::kInserted) enter(*node);
    if (outcome == List::Outcome::kHeld) return *node;
    // Release: ahead of it lie link and count. Pairs with Beginnings().
    begun(*node, beginnings_.fetch_add(1, std::memory_order_acq_rel) + 1);
    bump(*node);
    return *node;
  }

  /// The shard's last member has been counted out. `unlinked(node)` is called between unlinking and
  /// bumping, when it was the last of all; then `free` gets the node after its time.
  template <class Unlinked, class Bump>
  void End(unsigned shard, Node& node, Unlinked&& unlinked, Bump&& bump,
           typename BasicReclaimer<Sync>::Free free) {
    const bool last = nodes_.Release(shard, node);
    if (last) unlinked(node);
    bump(node);
    if (last) reclaimer_.Retire(shard, &node, free);
  }

  /// Gives back an interest that has counted for no match: nobody's view changes. `unlinked` and
  /// `free` as with End.
  template <class Unlinked>
  void Drop(unsigned shard, Node& node, Unlinked&& unlinked,
            typename BasicReclaimer<Sync>::Free free) {
    if (!nodes_.Release(shard, node)) return;
    unlinked(node);
    reclaimer_.Retire(shard, &node, free);
  }

  /// How many beginnings there were; to be read before a walk, which will see them all.
  uint64_t Beginnings() const { return beginnings_.load(std::memory_order_acquire); }

  List& nodes() { return nodes_; }
  const List& nodes() const { return nodes_; }
  BasicReclaimer<Sync>& reclaimer() { return reclaimer_; }

 private:
  BasicReclaimer<Sync> reclaimer_;
  List nodes_;
  alignas(64) typename Sync::template Atomic<uint64_t> beginnings_{0};
};

}  // namespace martlet::subject
