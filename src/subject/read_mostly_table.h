// A hash table whose readers never wait, not even while it grows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "subject/reclaim.h"

namespace martlet::subject {

/// What a node of the table derives from. It carries two sets of links: while the table grows, the
/// new buckets are chained through the other set, so readers of the old buckets walk undisturbed.
template <class Node>
struct TableLinks {
  explicit TableLinks(uint64_t h) : hash(h) {}
  const uint64_t hash;
  std::atomic<Node*> next[2] = {nullptr, nullptr};
};

/// Chained hash table, many readers, one writer at a time.
///
/// Who writes: whoever holds the owner's lock.
/// Who reads:  any reader known to the reclaimer; wait-free: no lock, no RMW, no retry.
/// Orders:     a link or table pointer is stored with release when all behind it is complete, and
///             loaded with acquire.
/// Lifetime:   nodes belong to the caller; after Remove they must be retired, not freed. Bucket
///             arrays are retired here. A second growth while readers may still walk the links of
///             the table before waits: the chains just get longer until they are gone.
///
///   growing:  old buckets -> next[0] -> next[0] ...     (readers that loaded the old table)
///             new buckets -> next[1] -> next[1] ...     (readers that load the new one)
template <class Node>
class ReadMostlyTable {
 public:
  explicit ReadMostlyTable(Reclaimer& reclaimer) : reclaimer_(reclaimer) {
    table_.store(NewTable(kFirstBuckets, 0), std::memory_order_relaxed);
  }
  ~ReadMostlyTable() { FreeTable(table_.load(std::memory_order_relaxed)); }
  ReadMostlyTable(const ReadMostlyTable&) = delete;
  ReadMostlyTable& operator=(const ReadMostlyTable&) = delete;

  /// Calls `each(node)` for every node with this hash until it says false. Reader.
  template <class Each>
  void ForEach(uint64_t hash, Each&& each) const {
    const Table* table = table_.load(std::memory_order_acquire);
    const Node* node = table->buckets[hash & table->mask].load(std::memory_order_acquire);
    while (node != nullptr) {
      if (node->hash == hash && !each(const_cast<Node*>(node))) return;
      node = node->next[table->links].load(std::memory_order_acquire);
    }
  }

  void Insert(Node* node) {
    Table* table = table_.load(std::memory_order_relaxed);
    if (size_ >= table->mask + 1) table = Grow(table);
    Push(*table, node);
    ++size_;
  }

  void Remove(Node* node) {
    Table* table = table_.load(std::memory_order_relaxed);
    std::atomic<Node*>* link = &table->buckets[node->hash & table->mask];
    for (;;) {
      Node* at = link->load(std::memory_order_relaxed);
      CHECK(at != nullptr);
      if (at == node) break;
      link = &at->next[table->links];
    }
    // The node keeps its own link, so a reader standing on it finds the rest of the chain.
    link->store(node->next[table->links].load(std::memory_order_relaxed),
                std::memory_order_release);
    --size_;
  }

  size_t size() const { return size_; }

  /// All nodes; for the writer only.
  template <class Each>
  void ForEachNode(Each&& each) {
    Table* table = table_.load(std::memory_order_relaxed);
    for (size_t i = 0; i <= table->mask; ++i) {
      Node* node = table->buckets[i].load(std::memory_order_relaxed);
      while (node != nullptr) {
        Node* next = node->next[table->links].load(std::memory_order_relaxed);
        each(node);
        node = next;
      }
    }
  }

 private:
  static constexpr size_t kFirstBuckets = 16;

  struct Table {
    size_t mask;
    unsigned links;  // which set of links the chains use
    ReadMostlyTable* owner;
    std::atomic<Node*>* buckets;
  };

  Table* NewTable(size_t buckets, unsigned links) {
    return new Table{buckets - 1, links, this, new std::atomic<Node*>[buckets]()};
  }
  static void FreeTable(Table* table) {
    delete[] table->buckets;
    delete table;
  }

  static void Push(Table& table, Node* node) {
    std::atomic<Node*>& bucket = table.buckets[node->hash & table.mask];
    node->next[table.links].store(bucket.load(std::memory_order_relaxed),
                                  std::memory_order_relaxed);
    bucket.store(node, std::memory_order_release);
  }

  Table* Grow(Table* old) {
    // The other links may still be walked by a reader of the table before this one.
    if (old_tables_.load(std::memory_order_acquire) != 0) {
      reclaimer_.Collect();
      if (old_tables_.load(std::memory_order_acquire) != 0) return old;
    }
    Table* grown = NewTable((old->mask + 1) * 2, 1 - old->links);
    ForEachNode([&](Node* node) { Push(*grown, node); });
    table_.store(grown, std::memory_order_release);
    old_tables_.fetch_add(1, std::memory_order_relaxed);
    reclaimer_.Retire(old, [](void* p) {
      Table* table = static_cast<Table*>(p);
      table->owner->old_tables_.fetch_sub(1, std::memory_order_release);
      FreeTable(table);
    });
    return grown;
  }

  Reclaimer& reclaimer_;
  std::atomic<Table*> table_;
  std::atomic<int> old_tables_{0};  // retired and not yet freed; Reclaimer counts it down
  size_t size_ = 0;
};

}  // namespace martlet::subject
