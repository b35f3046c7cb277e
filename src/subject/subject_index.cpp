#include "subject/subject_index.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "subject/subject.h"

namespace martlet::subject {
namespace {

constexpr size_t kFirstFilterBuckets = 512;
constexpr size_t kFirstShapeBuckets = 64;
constexpr unsigned kDeep = 63;  // of Hints: this depth and all below it

uint64_t DepthBit(size_t depth) { return uint64_t{1} << std::min<size_t>(depth, kDeep); }

// Set once and read for ever, so the line stays shared.
template <class Word, class Bits>
void SetBits(Word& word, Bits bits) {
  if ((word.load(std::memory_order_relaxed) & bits) == bits) return;
  // Release, before the filter is linked: whoever sees the filter's generation sees the bit.
  word.fetch_or(bits, std::memory_order_release);
}

}  // namespace

SubjectIndex::SubjectIndex(unsigned shards)
    : shards_(shards),
      own_(std::make_unique<Own[]>(shards)),
      shapes_(shards, kFirstShapeBuckets),
      filters_(shards, kFirstFilterBuckets, this),
      generations_(std::make_unique<Generations>()),
      hints_(std::make_unique<Hints[]>(kHints)) {
  CHECK(shards >= 1 && shards <= kShardsMax);
}

SubjectIndex::~SubjectIndex() {
  filters_.nodes().ForEachNode(
      [&](Filter& filter) { Filter::Destroy(own_[filter.owner()].pool, &filter); });
  shapes_.ForEachNode([](Shape& shape) { delete &shape; });
}

void SubjectIndex::Add(unsigned shard, AccountId account, std::string_view filter,
                       std::string_view queue, Subscriber& subscriber) {
  DCHECK(subscriber.filter == nullptr);
  const FilterForm form = FormOf(account, filter);
  const Filter::Identity identity = {FilterList::KeyOf(form.hash), account, form.kind, filter,
                                     queue};
  NodePool& pool = own_[shard].pool;
  Shape* shape = nullptr;
  const auto make = [&] {
    // Whatever leads to the filter is there before the filter is.
    NoteWildcards(account, form);
    if (form.kind == FilterKind::kMixed) shape = &AcquireShape(shard, form);
    Filter* made = Filter::Create(pool, identity, shard);
    made->ListForWriter(shard, shards_).Push(subscriber);
    return made;
  };
  const auto discard = [&](Filter* made) {
    if (shape != nullptr) ReleaseShape(shard, *shape);
    made->ListForWriter(shard, shards_).Erase(subscriber);
    Filter::Destroy(pool, made);
  };
  subscriber.filter = &filters_.Begin(
      shard, identity.key, [&](const Filter& entry) { return entry.Is(identity); },
      // Our own members keep it alive, and nobody else's view changes.
      [&](const Filter& entry) { return entry.members(shard) > 0; }, make, discard,
      [&](Filter& entry) { entry.ListForWriter(shard, shards_).Push(subscriber); },
      [&](Filter& entry, uint64_t number) {
        entry.ListForWriter(shard, shards_).set_active_since(number);
      },
      [&](Filter& entry) { Bump(entry); });
}

void SubjectIndex::NoteWildcards(AccountId account, const FilterForm& form) {
  Hints& hints = hints_[account % kHints];
  switch (form.kind) {
    case FilterKind::kLiteral:
      return;
    case FilterKind::kStar:
      return SetBits(hints.stars, DepthBit(form.prefix_tokens));
    case FilterKind::kTail:
      return SetBits(hints.tails, DepthBit(form.prefix_tokens));
    case FilterKind::kMixed:
      return SetBits(hints.mixed, 1U << form.level);
  }
}

Shape& SubjectIndex::AcquireShape(unsigned shard, const FilterForm& form) {
  const uint32_t key = ShapeList::KeyOf(form.level_hash);
  return *shapes_
              .Acquire(
                  shard, key, [&](const Shape& shape) { return shape.plan() == form.plan; },
                  [](const Shape&) { return false; }, [&] { return new Shape(key, form.plan); },
                  [](Shape* made) { delete made; })
              .node;
}

void SubjectIndex::ReleaseShape(unsigned shard, Shape& shape) {
  if (shapes_.Release(shard, shape)) reclaimer().Retire(shard, &shape);
}

// The shape of a filter that is in the index, or was until now: it has an interest of its own.
Shape* SubjectIndex::FindShape(const FilterForm& form) const {
  Shape* found = nullptr;
  shapes_.ForEach(ShapeList::KeyOf(form.level_hash), [&](Shape& shape) {
    if (shape.interest.load(std::memory_order_relaxed) != Shape::kDead &&
        shape.plan() == form.plan) {
      found = &shape;
    }
  });
  return found;
}

void SubjectIndex::Remove(unsigned shard, Subscriber& subscriber) {
  Filter& filter = *subscriber.filter;
  subscriber.filter = nullptr;
  if (filter.ListForWriter(shard, shards_).Erase(subscriber) > 0) return;
  filters_.End(
      shard, filter, [&](Filter& gone) { ForgetShape(shard, gone); },
      [&](Filter& gone) { Bump(gone); }, &SubjectIndex::Free);
}

Filter* SubjectIndex::RemoveAndPin(unsigned shard, Subscriber& subscriber) {
  Filter& filter = *subscriber.filter;
  subscriber.filter = nullptr;
  if (filter.ListForWriter(shard, shards_).Erase(subscriber) > 0) {
    if (!filter.queued()) return nullptr;
    Pin(filter);
    return &filter;
  }
  Bump(filter);  // the shard's interest has ended; what it held the filter with is the pin now
  return &filter;
}

void SubjectIndex::Pin(Filter& filter) { CHECK(FilterList::TakeInterest(filter)); }

void SubjectIndex::Unpin(unsigned shard, Filter& filter) {
  filters_.Drop(
      shard, filter, [&](Filter& gone) { ForgetShape(shard, gone); }, &SubjectIndex::Free);
}

Filter& SubjectIndex::AddRemote(unsigned shard, AccountId account, std::string_view filter,
                                std::string_view queue, RouteKey route, uint32_t weight) {
  const FilterForm form = FormOf(account, filter);
  const Filter::Identity identity = {
      FilterList::KeyOf(form.hash), account, form.kind, filter, queue, route};
  const auto make = [&] {
    NoteWildcards(account, form);
    if (form.kind == FilterKind::kMixed) AcquireShape(shard, form);
    Filter* made = Filter::Create(own_[shard].pool, identity, shard);
    made->set_weight(weight);
    return made;
  };
  // Only this shard speaks for the route, so nobody else can have made it.
  const auto never = [](auto&&...) { CHECK(false); };
  return filters_.Begin(
      shard, identity.key, [&](const Filter& entry) { return entry.Is(identity); },
      [](const Filter&) { return false; }, make, never, never, [](Filter&, uint64_t) {},
      [&](Filter& entry) { Bump(entry); });
}

void SubjectIndex::RemoveRemote(unsigned shard, Filter& filter) {
  filters_.End(
      shard, filter, [&](Filter& gone) { ForgetShape(shard, gone); },
      [&](Filter& gone) { Bump(gone); }, &SubjectIndex::Free);
}

// Of a filter that has just been unlinked.
void SubjectIndex::ForgetShape(unsigned shard, const Filter& gone) {
  if (gone.kind() != FilterKind::kMixed) return;
  Shape* shape = FindShape(FormOf(gone.account(), gone.text()));
  CHECK(shape != nullptr);
  ReleaseShape(shard, *shape);
}

void SubjectIndex::Free(void* index, unsigned shard, void* object) {
  auto* const filter = static_cast<Filter*>(object);
  NodePool& pool = static_cast<SubjectIndex*>(index)->own_[filter->owner()].pool;
  filter->owner() == shard ? Filter::Destroy(pool, filter) : Filter::GiveBack(pool, filter);
}

void SubjectIndex::Bump(const Filter& filter) {
  if (filter.kind() == FilterKind::kLiteral) return generations_->BumpLiteral(filter.key);
  generations_->BumpWildcard(filter.account(), filter.text());
}

/// The places in the set where a subject looks. A few at a time, so that their cache misses come
/// together and not one after the other.
class SubjectIndex::Probes {
 public:
  Probes(const SubjectIndex& index, AccountId account, std::string_view subject,
         const TokenEnds& tokens, unsigned shard, MatchResult& result)
      : index_(index),
        account_(account),
        subject_(subject),
        tokens_(tokens),
        shard_(shard),
        result_(result) {}
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;
  ~Probes() { Flush(); }

  void Add(FilterKind kind, uint64_t hash, size_t prefix_bytes) {
    if (count_ == probes_.size()) Flush();
    const uint32_t key = FilterList::KeyOf(hash);
    probes_[count_++] = {key, kind, static_cast<uint32_t>(prefix_bytes)};
    index_.filters_.nodes().PrefetchBucket(key);
  }

 private:
  struct Probe {
    uint32_t key;
    FilterKind kind;
    uint32_t prefix_bytes;  // of the subject, as far as the filter spells it out
  };

  void Flush() {
    if (count_ > 1) {
      for (size_t i = 0; i < count_; ++i) index_.filters_.nodes().PrefetchNode(probes_[i].key);
    }
    for (size_t i = 0; i < count_; ++i) {
      const Probe& probe = probes_[i];
      index_.filters_.nodes().ForEach(probe.key, [&](const Filter& filter) {
        if (Fits(filter, probe)) Append(filter);
      });
    }
    count_ = 0;
  }
  bool Fits(const Filter& filter, const Probe& probe) const {
    if (filter.kind() != probe.kind || filter.account() != account_) return false;
    if (probe.kind == FilterKind::kMixed) return MatchesTokens(filter.text(), tokens_);
    // `.*` or `.>` follows the prefix, or alone `*` or `>`.
    const size_t wildcard = probe.kind == FilterKind::kLiteral ? 0
                            : probe.prefix_bytes == 0          ? 1
                                                               : 2;
    return filter.text().size() == probe.prefix_bytes + wildcard &&
           EqualBytes(filter.text().data(), subject_.data(), probe.prefix_bytes);
  }
  void Append(const Filter& filter) {
    if (filter.remote()) return AppendRemote(filter);
    const ShardSet shards = filter.Shards();
    if (shards == 0) return;  // its last member has just gone
    if (filter.queued()) {
      GroupOf(filter).filters.push_back(&filter);
      return;
    }
    result_.plain.push_back(&filter);
    result_.plain_shards |= shards;
    if ((shards >> shard_ & 1U) != 0 && result_.local_filters++ == 0) {
      result_.first_local = filter.list(shard_);
    }
  }
  // Also with a weight of 0, for that may change without a new match.
  void AppendRemote(const Filter& filter) {
    (filter.queued() ? GroupOf(filter).remote : result_.remote).push_back(&filter);
  }
  MatchResult::Group& GroupOf(const Filter& filter) {
    const std::string_view queue = filter.queue();
    for (MatchResult::Group& group : result_.groups) {
      if (group.queue == queue) return group;
    }
    MatchResult::Group& group = result_.groups.emplace_back();
    group.queue = queue;
    return group;
  }

  const SubjectIndex& index_;
  const AccountId account_;
  const std::string_view subject_;
  const TokenEnds& tokens_;
  const unsigned shard_;
  MatchResult& result_;
  size_t count_ = 0;
  std::array<Probe, 16> probes_;
};

void SubjectIndex::Match(AccountId account, std::string_view subject, uint64_t hash, unsigned shard,
                         MatchResult& result) const {
  filters_.nodes().PrefetchBucket(FilterList::KeyOf(hash));
  result.Clear();
  result.as_of = filters_.Beginnings();
  const TokenEnds tokens(subject);
  const size_t count = tokens.count();
  result.stamp = generations_->Read(account, subject, hash, tokens.end(0),
                                    tokens.end(std::min<size_t>(count - 1, 1)));
  if (!tokens.sound()) return;

  Probes probes(*this, account, subject, tokens, shard, result);
  probes.Add(FilterKind::kLiteral, hash, subject.size());
  // Relaxed: the generations, read before, order them.
  const Hints& hints = hints_[account % kHints];
  if ((hints.stars.load(std::memory_order_relaxed) & DepthBit(count - 1)) != 0) {
    const std::string_view prefix = tokens.first(count - 1);
    probes.Add(FilterKind::kStar, StarHash(account, prefix), prefix.size());
  }
  const uint64_t tails = hints.tails.load(std::memory_order_relaxed);
  for (uint64_t depths = tails; depths != 0; depths &= depths - 1) {
    auto depth = static_cast<size_t>(__builtin_ctzll(depths));
    const size_t last = depth == kDeep ? count : depth + 1;
    for (; depth < count && depth < last; ++depth) {
      const std::string_view prefix = tokens.first(depth);
      probes.Add(FilterKind::kTail, TailHash(account, prefix), prefix.size());
    }
  }
  if (const uint32_t levels = hints.mixed.load(std::memory_order_relaxed); levels != 0) {
    CollectMixed(account, tokens, levels, subject, probes);
  }
}

size_t SubjectIndex::reserved_bytes() const {
  size_t bytes = filters_.nodes().buckets() * sizeof(BucketArray::Word);
  for (unsigned shard = 0; shard < shards_; ++shard) bytes += own_[shard].pool.reserved_bytes();
  return bytes;
}

void SubjectIndex::CollectMixed(AccountId account, const TokenEnds& tokens, uint32_t levels,
                                std::string_view subject, Probes& probes) const {
  for (; levels != 0; levels &= levels - 1) {
    const auto level = static_cast<unsigned>(__builtin_ctz(levels));
    if (level >= tokens.count()) return;
    shapes_.ForEach(ShapeList::KeyOf(LevelHash(account, tokens, level)), [&](const Shape& shape) {
      const WildcardPlan& plan = shape.plan();
      if (!plan.Fits(tokens.count())) return;
      probes.Add(FilterKind::kMixed, MixedHash(account, tokens, plan), subject.size());
    });
  }
}

}  // namespace martlet::subject
