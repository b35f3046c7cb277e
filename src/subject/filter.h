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

/// `$SYS`: what servers tell each other about themselves.
inline constexpr AccountId kSystemAccount = 1;

/// A route connection that a message can be given to, by a number that only this process knows: the
/// shard that owns it in the upper eight bits. Never 0.
using RouteKey = uint32_t;
constexpr unsigned ShardOf(RouteKey route) { return route >> 24U; }

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

  /// Of a filter that another server wants: no members are here, but which route leads to them
  /// stands in the place of the time, their weight in that of their number.
  void BecomeRemote(RouteKey route, uint32_t weight) {
    active_since_ = route;
    set_weight(weight);
  }
  void set_weight(uint32_t weight) { count_.store(weight, std::memory_order_relaxed); }

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

/// A filter as the shards share it: what clients of this server want; or what one other server
/// wants, which is a filter of its own for each route that its interest came by.
///
/// Who writes: the list of shard k belongs to shard k alone. The first shard's list stands in the
///             filter; when another comes, a table of lists is put beside it (CAS, once), and each
///             shard enters its own (release). The link and the interest belong to
///             SplitOrderedList. The rest never changes.
///             Of a remote one, the shard that owns the route writes the weight.
/// Who reads:  every shard every size, and every weight. Only shard k looks at its own members.
/// Lifetime:   from the first member on any shard until the last one went, nobody has it pinned
///             (SubjectIndex::Pin), and all readers moved on.
/// Size:       54 bytes and the text; nothing for a shard without interest.
class Filter : public BasicListNode<StdSync> {
 public:
  struct Identity {
    uint32_t key;
    AccountId account;
    FilterKind kind;
    std::string_view text;
    std::string_view queue;
    RouteKey route = 0;  // 0: wanted by clients of this server
  };

  /// `owner`: the shard whose members stand inside. Memory comes from its pool.
  static Filter* Create(NodePool& pool, const Identity& identity, unsigned owner);
  static void Destroy(NodePool& pool, Filter* filter);
  /// The same on a thread that is not the pool's.
  static void GiveBack(NodePool& pool, Filter* filter);

  bool Is(const Identity& identity) const {
    return account_ == identity.account && kind_ == identity.kind &&
           remote_ == (identity.route != 0) && (!remote_ || route() == identity.route) &&
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

  /// Wanted by another server, over this route; `weight` is the number of its members of the group.
  bool remote() const { return remote_; }
  RouteKey route() const { return static_cast<RouteKey>(own_.active_since()); }
  uint32_t weight() const { return own_.size(); }
  void set_weight(uint32_t weight) { own_.set_weight(weight); }

  /// The shard's list; null when it never had one.
  const LocalList* list(unsigned shard) const {
    return shard == owner_ ? &own_ : ListOfOther(shard);
  }
  uint32_t members(unsigned shard) const {
    const LocalList* of = list(shard);
    return of == nullptr ? 0 : of->size();
  }
  /// Shards with at least one member. Not of a remote filter.
  ShardSet Shards() const;
  /// Members on all shards.
  uint32_t TotalMembers() const;

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
  const FilterKind kind_ : 6;
  const bool queued_ : 1;
  const bool remote_ : 1;
};

}  // namespace martlet::subject
