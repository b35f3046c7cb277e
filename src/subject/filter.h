// One distinct (account, filter, queue group) and who wants it.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>

#include "subject/read_mostly_table.h"

namespace martlet::subject {

using AccountId = uint32_t;

/// The default account, `$G`.
inline constexpr AccountId kGlobalAccount = 0;

/// Shards of one server at most; a set of shards is one word.
inline constexpr unsigned kShardsMax = 64;
using ShardSet = uint64_t;

class Filter;

/// What a subscription derives from to stand in the index. Owned by its session; touched by its
/// shard only.
struct Subscriber {
  Filter* filter = nullptr;  // null: not in the index
  uint32_t position = 0;     // in its shard's list of the filter
};

/// A filter as the shards share it.
///
/// Who writes: `slots[k]` belongs to shard k alone, list and count. The rest never changes, but
///             for the links of the table and the chain, under the index's lock.
/// Who reads:  every shard reads every count (relaxed: it is a weight or a hint; the generations
///             order what must be ordered). Only shard k looks at its own list.
/// Lifetime:   from the first member on any shard until the last one went and all readers moved on.
class Filter : public TableLinks<Filter> {
 public:
  static Filter* Create(uint64_t hash, AccountId account, std::string_view text,
                        std::string_view queue, unsigned shards);
  static void Destroy(Filter* filter);

  AccountId account() const { return account_; }
  std::string_view text() const { return {Chars(), text_bytes_}; }
  /// The queue group, empty for a plain filter.
  std::string_view queue() const { return {Chars() + text_bytes_, queue_bytes_}; }

  uint32_t members(unsigned shard) const {
    return SlotOf(shard).count.load(std::memory_order_relaxed);
  }
  /// The shard's own members; valid until it next adds or removes one.
  std::span<Subscriber* const> local(unsigned shard) const {
    const Slot& slot = SlotOf(shard);
    const uint32_t count = slot.count.load(std::memory_order_relaxed);
    return slot.capacity == 0 ? std::span<Subscriber* const>(&slot.one, count)
                              : std::span<Subscriber* const>(slot.many, count);
  }

  /// When the shard's interest began, in the index's count of such beginnings; its own shard only.
  uint64_t active_since(unsigned shard) const { return SlotOf(shard).active_since; }
  void set_active_since(unsigned shard, uint64_t count) { SlotOf(shard).active_since = count; }

  /// Adds to or takes from the shard's list; the new count is returned.
  uint32_t Push(unsigned shard, Subscriber& subscriber);
  uint32_t Erase(unsigned shard, Subscriber& subscriber);

 private:
  friend class SubjectIndex;
  friend class WildcardTrie;

  // One shard's members. A single one, by far the most frequent case, needs no array.
  struct Slot {
    std::atomic<uint32_t> count{0};
    uint32_t capacity = 0;  // 0: `one` is the list
    uint64_t active_since = 0;
    union {
      Subscriber* one = nullptr;
      Subscriber** many;
    };
  };

  Filter(uint64_t hash, AccountId account, std::string_view text, std::string_view queue,
         unsigned shards);
  ~Filter();

  // Behind the object lie its slots, then the characters.
  Slot& SlotOf(unsigned shard) { return reinterpret_cast<Slot*>(this + 1)[shard]; }
  const Slot& SlotOf(unsigned shard) const {
    return reinterpret_cast<const Slot*>(this + 1)[shard];
  }
  char* Chars() { return reinterpret_cast<char*>(&SlotOf(shards_)); }
  const char* Chars() const { return reinterpret_cast<const char*>(&SlotOf(shards_)); }

  const AccountId account_;
  const uint32_t shards_;
  const uint32_t text_bytes_;
  const uint32_t queue_bytes_;
  uint32_t shards_with_members_ = 0;     // under the index's lock; 0: unlinked
  std::atomic<Filter*> chain_{nullptr};  // next filter at the same trie node
};

}  // namespace martlet::subject
