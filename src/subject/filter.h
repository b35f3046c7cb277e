// One distinct (account, filter, queue group) and who wants it.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "subject/node_pool.h"
#include "subject/split_ordered_list.h"
#include "subject/subject.h"
#include "subject/sync.h"

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

/// One shard's members of one filter.
///
/// Who writes: that shard.
/// Who reads:  every shard the size (relaxed: it is a weight or a hint; the generations order what
///             must be ordered); only that shard the rest.
class LocalList {
 public:
  LocalList() = default;
  ~LocalList();
  LocalList(const LocalList&) = delete;
  LocalList& operator=(const LocalList&) = delete;

  uint32_t size() const { return count_.load(std::memory_order_relaxed); }
  /// Valid until the shard next adds or removes one.
  std::span<Subscriber* const> members() const {
    return IsArray() ? std::span<Subscriber* const>(array()->at, size())
                     : std::span<Subscriber* const>(&one_, size());
  }
  /// When the shard's interest began, in the index's count of such beginnings.
  uint64_t active_since() const { return active_since_; }
  void set_active_since(uint64_t count) { active_since_ = count; }

  /// The new size is returned. Push notes the position in the subscriber, Erase goes by it.
  uint32_t Push(Subscriber& subscriber);
  uint32_t Erase(Subscriber& subscriber);

 private:
  struct Array {
    uint32_t capacity;
    Subscriber* at[1];  // `capacity` of them
  };
  static Array* NewArray(uint32_t capacity);

  // A single member, by far the most frequent case, needs no array. Its lowest bit tells which.
  bool IsArray() const { return (reinterpret_cast<uintptr_t>(one_) & 1U) != 0; }
  Array* array() const { return reinterpret_cast<Array*>(reinterpret_cast<char*>(one_) - 1); }
  void Own(Array* array) {
    one_ = reinterpret_cast<Subscriber*>(reinterpret_cast<char*>(array) + 1);
  }
  void FreeArray();

  Subscriber* one_ = nullptr;
  uint64_t active_since_ = 0;
  std::atomic<uint32_t> count_{0};
};

/// What shape a filter has; each is looked for in its own way.
enum class FilterKind : uint8_t {
  kLiteral,  // a.b
  kStar,     // a.*      `*` as last token, no other wildcard
  kTail,     // a.>      `>` alone
  kMixed,    // a.*.b    whatever has a wildcard before its last token
};

/// A filter as the shards share it.
///
/// Who writes: the list of shard k belongs to shard k alone. The first shard's list stands in the
///             filter; when another comes, a table of lists is put beside it (CAS, once), and each
///             shard enters its own (release). The link and the interest belong to
///             SplitOrderedList. The rest never changes.
/// Who reads:  every shard every size. Only shard k looks at its own members.
/// Lifetime:   from the first member on any shard until the last one went and all readers moved on.
/// Size:       54 bytes and the text; nothing for a shard without interest.
class Filter : public BasicListNode<StdSync> {
 public:
  struct Identity {
    uint32_t key;
    AccountId account;
    FilterKind kind;
    std::string_view text;
    std::string_view queue;
  };

  /// `owner`: the shard whose members stand inside. Memory comes from its pool.
  static Filter* Create(NodePool& pool, const Identity& identity, unsigned owner);
  static void Destroy(NodePool& pool, Filter* filter);
  /// The same on a thread that is not the pool's.
  static void GiveBack(NodePool& pool, Filter* filter);

  bool Is(const Identity& identity) const {
    return account_ == identity.account && kind_ == identity.kind &&
           EqualText(text(), identity.text) && queue() == identity.queue;
  }

  AccountId account() const { return account_; }
  FilterKind kind() const { return kind_; }
  std::string_view text() const { return {Chars(), text_bytes_}; }
  /// The shard that made it.
  unsigned owner() const { return owner_; }
  /// The queue group, empty for a plain filter.
  std::string_view queue() const {
    if (!queued_) return {};
    uint32_t bytes;
    std::memcpy(&bytes, Chars() + text_bytes_, sizeof bytes);
    return {Chars() + text_bytes_ + sizeof bytes, bytes};
  }
  bool queued() const { return queued_; }

  /// The shard's list; null when it never had one.
  const LocalList* list(unsigned shard) const {
    return shard == owner_ ? &own_ : ListOfOther(shard);
  }
  uint32_t members(unsigned shard) const {
    const LocalList* of = list(shard);
    return of == nullptr ? 0 : of->size();
  }
  /// Shards with at least one member.
  ShardSet Shards() const;

  /// The calling shard's own members; valid until it next adds or removes one.
  std::span<Subscriber* const> local(unsigned shard) const {
    const LocalList* of = list(shard);
    return of == nullptr ? std::span<Subscriber* const>() : of->members();
  }
  /// When the calling shard's interest began, in the index's count of such beginnings.
  uint64_t active_since(unsigned shard) const {
    const LocalList* of = list(shard);
    return of == nullptr ? 0 : of->active_since();
  }

  /// The calling shard's list, made if it has none. `shards` of them there are at most.
  LocalList& ListForWriter(unsigned shard, unsigned shards);

 private:
  // Lists of the shards but for the owner's, by shard.
  struct Others {
    uint32_t shards;
    std::atomic<LocalList*> of[1];  // `shards` of them
  };

  Filter(const Identity& identity, unsigned owner);
  ~Filter();

  const LocalList* ListOfOther(unsigned shard) const {
    const Others* others = others_.load(std::memory_order_acquire);  // pairs with ListForWriter
    return others == nullptr ? nullptr : others->of[shard].load(std::memory_order_acquire);
  }
  Others& OthersOrNew(unsigned shards);

  // The characters begin right behind the last member, in what would be padding: the text; then,
  // in a queue group, the size of its name and the name.
  static constexpr size_t kCharsAt = 54;
  static size_t Bytes(std::string_view text, std::string_view queue) {
    const size_t bytes =
        kCharsAt + text.size() + (queue.empty() ? 0 : sizeof(uint32_t) + queue.size());
    return bytes > 56 ? bytes : 56;
  }
  char* Chars() { return reinterpret_cast<char*>(this) + kCharsAt; }
  const char* Chars() const { return reinterpret_cast<const char*>(this) + kCharsAt; }

  std::atomic<Others*> others_{nullptr};
  [[no_unique_address]] LocalList own_;
  const AccountId account_;
  const uint32_t text_bytes_;
  const uint8_t owner_;
  const FilterKind kind_ : 7;
  const bool queued_ : 1;
};

}  // namespace martlet::subject
