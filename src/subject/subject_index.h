// Who wants this subject: the index that all shards share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "subject/bucket_array.h"
#include "subject/filter.h"
#include "subject/generations.h"
#include "subject/index_core.h"
#include "subject/match_result.h"
#include "subject/node_pool.h"
#include "subject/reclaim.h"
#include "subject/shape.h"
#include "subject/split_ordered_list.h"

namespace martlet::subject {

/// Filters of all accounts, with the shards that want them.
///
/// All filters stand in one hash set, each under the hash that its kind says (filter.h): a literal
/// under its text, `prefix.*` and `prefix.>` under the prefix, a mixed one (`a.*.b`) under its
/// tokens with the wildcards in their places. A subject of d tokens is looked for as a literal; as
/// `prefix.*` and `prefix.>` under those of its prefixes whose length some such filter has (a bit
/// for each length, never taken back); and once under each wildcard plan that some mixed filter
/// with the same first two, one or no literal tokens has. So a match costs as many probes as there
/// are shapes of filters near the subject, whatever the number of filters. Someone who subscribes
/// to thousands of different mixed shapes makes each match below the same tokens that much longer.
///
/// Who writes: Add and Remove, by the shard that owns the subscriber, for itself; lock-free. Only
///             the first member of a shard and its last touch what is shared; further members touch
///             private memory alone.
/// Who reads:  Match, by any shard; wait-free: loads only.
/// Orders:     Add links the filter and counts the member, then takes the number of its beginning
///             (acq_rel), then bumps the generation (release). Match reads number and generations
///             (acquire) before it walks. So a subject matched after the bump is visible sees the
///             subscriber; and since the PONG that a subscriber waits for is sent by the same
///             thread after Add, every PUB that is parsed after that PONG was received is matched
///             with the subscriber in sight. A remembered match is used only while its generations
///             have not moved (acquire), so the same holds for it.
/// Beginnings: the first member of a shard on a filter is linked, then gets the next number of
///             the count of beginnings, then the generation is bumped. Match reads the number
///             before it walks. So a result with as_of >= active_since has seen the filter, and one
///             that was made before carries a smaller number. A shard that receives a message
///             delivers it to a filter only when as_of >= active_since: the first message that a
///             subscription gets was matched with it in sight, and so were all that follow; none
///             from before the SUB slips in because something else on that shard wanted it.
/// Reclaim:    a filter without members is unlinked and retired; shards announce quiet points. A
///             MatchResult may be kept across turns, but its filters are looked at only in a turn
///             in which stamp.IsCurrent() held. Remove unlinks, then bumps, then retires: a result
///             that holds the filter was made under an older generation, and whoever is past the
///             retirement sees the newer one.
/// Shapes:     a shape has an interest for each of its filters, from before the filter is linked
///             until after it is unlinked; so a filter in sight is never without its shape.
/// Stalled shard: one that stops in the middle of Add or Remove keeps no other from adding,
///             removing or matching anything; it delays memory, nothing else.
class SubjectIndex {
 public:
  /// `shards` of them, numbered from 0, each one reader of the reclaimer.
  explicit SubjectIndex(unsigned shards);
  ~SubjectIndex();
  SubjectIndex(const SubjectIndex&) = delete;
  SubjectIndex& operator=(const SubjectIndex&) = delete;

  /// Puts the subscriber into the index. `filter` is valid; REQUIRES: subscriber.filter == null.
  void Add(unsigned shard, AccountId account, std::string_view filter, std::string_view queue,
           Subscriber& subscriber);

  /// Takes it out. Not while the shard walks a list that contains it.
  void Remove(unsigned shard, Subscriber& subscriber);

  /// The same, but for a change that others are to hear of: the shard's last member of a filter
  /// went, or a queue group has one less. Then the filter is returned, pinned; else null.
  Filter* RemoveAndPin(unsigned shard, Subscriber& subscriber);

  /// Keeps a filter where it is, whether anybody wants it or not. REQUIRES: it is kept already.
  static void Pin(Filter& filter);
  /// The same for one that was found by a walk: false when it is on its way out.
  static bool TryPin(Filter& filter) { return FilterList::TakeInterest(filter); }
  /// Any shard may do that.
  void Unpin(unsigned shard, Filter& filter);

  /// What another server wants, over a route that the shard owns. REQUIRES: this is not there yet.
  Filter& AddRemote(unsigned shard, AccountId account, std::string_view filter,
                    std::string_view queue, RouteKey route, uint32_t weight);
  void RemoveRemote(unsigned shard, Filter& filter);

  /// Calls `each` for filters from the place `from` on (0: the first), those on their way out
  /// included, until it was called `filters_max` times and the next filter has another place.
  /// Returns that place, to go on in a later turn; 0: that was all. A filter that is wanted all the
  /// while is not missed, and none is told twice.
  template <class Each>
  uint32_t Walk(uint32_t from, size_t filters_max, Each&& each) {
    uint32_t place = from;
    uint32_t next = 0;
    filters_.nodes().Walk(from, [&](Filter& filter) {
      if (filters_max == 0 && filter.key != place) {
        next = filter.key;
        return false;
      }
      place = filter.key;
      if (filters_max > 0) --filters_max;
      each(filter);
      return true;
    });
    return next;
  }

  /// What Match wants to know of a subject; for a caller who has the bytes at hand.
  static uint64_t HashOf(AccountId account, std::string_view subject) {
    return LiteralHash(account, subject);
  }

  /// Finds what matches; `result` is overwritten (its memory is reused). A subject with an empty
  /// token matches nothing. `shard` asks: result.first_local is its list.
  void Match(AccountId account, std::string_view subject, uint64_t hash, unsigned shard,
             MatchResult& result) const;
  void Match(AccountId account, std::string_view subject, MatchResult& result) const {
    Match(account, subject, HashOf(account, subject), 0, result);
  }

  Reclaimer& reclaimer() { return filters_.reclaimer(); }
  unsigned shards() const { return shards_; }

  /// Distinct filters in the index; roughly while others write.
  size_t filters() const { return filters_.nodes().size(); }
  /// Memory taken for filters, without the lists of shared ones.
  size_t reserved_bytes() const;

 private:
  using FilterCore = IndexCore<Filter, StdSync, BucketArray>;
  using FilterList = FilterCore::List;
  using ShapeList = SplitOrderedList<Shape, StdSync, BucketArray>;
  class Probes;

  // Which wildcards the filters of some accounts have at all. Bits are only ever set.
  struct alignas(64) Hints {
    std::atomic<uint64_t> stars{0};  // bit i: some `prefix.*` has a prefix of i tokens
    std::atomic<uint64_t> tails{0};  // the same for `prefix.>`; bit 63 is for all longer ones
    std::atomic<uint32_t> mixed{0};  // bit l: some shape is listed under l literal tokens
  };
  struct alignas(64) Own {
    NodePool pool;
  };
  static constexpr size_t kHints = 16;

  void NoteWildcards(AccountId account, const FilterForm& form);
  Shape& AcquireShape(unsigned shard, const FilterForm& form);
  void ReleaseShape(unsigned shard, Shape& shape);
  Shape* FindShape(const FilterForm& form) const;
  void ForgetShape(unsigned shard, const Filter& gone);
  void Bump(const Filter& filter);
  static void Free(void* index, unsigned shard, void* filter);
  void CollectMixed(AccountId account, const TokenEnds& tokens, uint32_t levels,
                    std::string_view subject, Probes& probes) const;

  const unsigned shards_;
  std::unique_ptr<Own[]> own_;  // by shard
  ShapeList shapes_;
  FilterCore filters_;
  std::unique_ptr<Generations> generations_;
  std::unique_ptr<Hints[]> hints_;  // by account
};

}  // namespace martlet::subject
