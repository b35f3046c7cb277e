// Who wants this subject: the index that all shards share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "subject/filter.h"
#include "subject/generations.h"
#include "subject/read_mostly_table.h"
#include "subject/reclaim.h"
#include "subject/wildcard_trie.h"

namespace martlet::subject {

/// Answer to "who wants this subject": the filters that match, and what follows from them.
struct MatchResult {
  /// One queue group over all matching filters that name it.
  struct Group {
    std::string_view queue;  // points into the first filter
    std::vector<const Filter*> filters;
  };

  std::vector<const Filter*> plain;  // those without a queue group
  std::vector<Group> groups;
  ShardSet plain_shards = 0;  // shards with at least one plain member
  uint64_t as_of = 0;         // beginnings of interest that were certainly seen
  Generations::Stamp stamp;   // the state of the index it was computed under

  bool empty() const { return plain.empty() && groups.empty(); }
  void Clear();
};

/// Filters of all accounts, with the shards that want them.
///
/// Who writes: Add and Remove, by the shard that owns the subscriber, for itself. Only the first
///             member of a shard and its last take a lock (of one of kStripes for literals, of the
///             trie for wildcards); further members touch private memory alone.
/// Who reads:  Match, by any shard; wait-free.
/// Orders:     Add links the filter and counts the member (release), then bumps the generation
///             (release). Match reads the generations (acquire) before it walks. So a subject
///             matched after the bump is visible sees the subscriber; and since the PONG that a
///             subscriber waits for is sent by the same thread after Add, every PUB that is parsed
///             after that PONG was received is matched with the subscriber in sight.
/// Beginnings: the first member of a shard on a filter is linked, then gets the next number of
///             `activations_`, then the generation is bumped. Match reads the number before it
///             walks. So a result with as_of >= active_since has seen the filter, and one that was
///             made before carries a smaller number. A shard that receives a message delivers it
///             to a filter only when as_of >= active_since: the first message that a subscription
///             gets was matched with it in sight, and so were all that follow; none from before
///             the SUB slips in because something else on that shard wanted it.
/// Reclaim:    a filter without members is unlinked and retired; shards announce quiet points. A
///             MatchResult may be kept across turns, but its filters are looked at only in a turn
///             in which stamp.IsCurrent() held. Remove unlinks, then bumps, then retires: a result
///             that holds the filter was made under an older generation, and whoever is past the
///             retirement sees the newer one.
/// Stalled shard: delays memory, nothing else.
class SubjectIndex {
 public:
  /// `shards` of them, numbered from 0, each one reader of the reclaimer.
  explicit SubjectIndex(unsigned shards);
  ~SubjectIndex();

  /// Puts the subscriber into the index. `filter` is valid; REQUIRES: subscriber.filter == null.
  void Add(unsigned shard, AccountId account, std::string_view filter, std::string_view queue,
           Subscriber& subscriber);

  /// Takes it out. Not while the shard walks a list that contains it.
  void Remove(unsigned shard, Subscriber& subscriber);

  /// Finds what matches; `result` is overwritten (its memory is reused). A subject with an empty
  /// token matches nothing.
  void Match(AccountId account, std::string_view subject, MatchResult& result) const;

  Reclaimer& reclaimer() { return *reclaimer_; }
  unsigned shards() const { return shards_; }

 private:
  static constexpr size_t kStripes = 64;

  struct Stripe {
    explicit Stripe(Reclaimer& reclaimer) : filters(reclaimer) {}
    std::mutex mutex;
    ReadMostlyTable<Filter> filters;
  };

  static uint64_t LiteralHash(AccountId account, std::string_view text);
  Stripe& StripeOf(uint64_t hash) const { return *stripes_[(hash >> 48) % kStripes]; }
  Filter* FindLiteral(uint64_t hash, AccountId account, std::string_view text,
                      std::string_view queue) const;
  bool ReleaseLiteral(Filter& filter);
  void Append(const Filter& filter, MatchResult& result) const;
  void Activate(unsigned shard, Filter& filter);

  const unsigned shards_;
  std::unique_ptr<Reclaimer> reclaimer_;
  std::vector<std::unique_ptr<Stripe>> stripes_;  // filters without wildcards
  std::unique_ptr<WildcardTrie> wildcards_;
  std::unique_ptr<Generations> generations_;
  alignas(64) std::atomic<uint64_t> activations_{0};
};

}  // namespace martlet::subject
