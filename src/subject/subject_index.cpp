#include "subject/subject_index.h"

#include <algorithm>

#include "base/check.h"
#include "subject/subject.h"

namespace martlet::subject {

void MatchResult::Clear() {
  plain.clear();
  groups.clear();
  plain_shards = 0;
}

SubjectIndex::SubjectIndex(unsigned shards)
    : shards_(shards),
      reclaimer_(std::make_unique<Reclaimer>(shards)),
      wildcards_(std::make_unique<WildcardTrie>(*reclaimer_)),
      generations_(std::make_unique<Generations>()) {
  CHECK(shards >= 1 && shards <= kShardsMax);
  for (size_t i = 0; i < kStripes; ++i) {
    stripes_.push_back(std::make_unique<Stripe>(*reclaimer_));
  }
}

SubjectIndex::~SubjectIndex() {
  reclaimer_.reset();  // first: retired bucket arrays report to their tables
  for (auto& stripe : stripes_) {
    stripe->filters.ForEachNode([](Filter* filter) { Filter::Destroy(filter); });
  }
}

uint64_t SubjectIndex::LiteralHash(AccountId account, std::string_view text) {
  return HashBytes(text, account);
}

Filter* SubjectIndex::FindLiteral(uint64_t hash, AccountId account, std::string_view text,
                                  std::string_view queue) const {
  Filter* found = nullptr;
  StripeOf(hash).filters.ForEach(hash, [&](Filter* filter) {
    if (filter->account() != account || filter->text() != text || filter->queue() != queue) {
      return true;
    }
    found = filter;
    return false;
  });
  return found;
}

void SubjectIndex::Add(unsigned shard, AccountId account, std::string_view filter,
                       std::string_view queue, Subscriber& subscriber) {
  DCHECK(subscriber.filter == nullptr);
  if (HasWildcard(filter)) {
    wildcards_->Insert(shards_, shard, account, filter, queue, subscriber);
    if (subscriber.position != 0) return;
    Activate(shard, *subscriber.filter);
    return generations_->BumpWildcard(account, filter);
  }
  const uint64_t hash = LiteralHash(account, filter);
  Filter* entry = FindLiteral(hash, account, filter, queue);
  if (entry != nullptr && entry->members(shard) > 0) {
    // Our own members keep it alive, and nobody else's view changes.
    entry->Push(shard, subscriber);
    return;
  }
  Stripe& stripe = StripeOf(hash);
  {
    const std::lock_guard lock(stripe.mutex);
    entry = FindLiteral(hash, account, filter, queue);
    if (entry == nullptr) {
      entry = Filter::Create(hash, account, filter, queue, shards_);
      stripe.filters.Insert(entry);
    }
    ++entry->shards_with_members_;
    entry->Push(shard, subscriber);
  }
  Activate(shard, *entry);
  generations_->BumpLiteral(hash);
}

// The interest is linked and counted; whoever reads the number from now on will see it.
void SubjectIndex::Activate(unsigned shard, Filter& filter) {
  filter.set_active_since(shard, activations_.fetch_add(1, std::memory_order_acq_rel) + 1);
}

void SubjectIndex::Remove(unsigned shard, Subscriber& subscriber) {
  Filter& filter = *subscriber.filter;
  if (filter.Erase(shard, subscriber) > 0) return;
  // Unlink, bump, retire: see "Reclaim" in the header.
  bool unlinked = false;
  if (HasWildcard(filter.text())) {
    unlinked = wildcards_->Release(filter);
    generations_->BumpWildcard(filter.account(), filter.text());
  } else {
    unlinked = ReleaseLiteral(filter);
    generations_->BumpLiteral(filter.hash);
  }
  if (!unlinked) return;
  reclaimer_->Retire(&filter, [](void* p) { Filter::Destroy(static_cast<Filter*>(p)); });
}

// Takes one shard's interest away; true when it was the last and the filter is out of the table.
bool SubjectIndex::ReleaseLiteral(Filter& filter) {
  Stripe& stripe = StripeOf(filter.hash);
  const std::lock_guard lock(stripe.mutex);
  CHECK(filter.shards_with_members_ > 0);
  if (--filter.shards_with_members_ > 0) return false;
  stripe.filters.Remove(&filter);
  return true;
}

void SubjectIndex::Match(AccountId account, std::string_view subject, MatchResult& result) const {
  result.Clear();
  result.as_of = activations_.load(std::memory_order_acquire);  // pairs with Activate
  const uint64_t hash = LiteralHash(account, subject);
  result.stamp = generations_->Read(account, subject, hash);
  if (!HasNoEmptyToken(subject)) return;

  StripeOf(hash).filters.ForEach(hash, [&](const Filter* filter) {
    if (filter->account() == account && filter->text() == subject) Append(*filter, result);
    return true;
  });
  if (wildcards_->empty()) return;
  Tokens tokens;
  ForEachToken(subject, [&](std::string_view token) {
    tokens.push_back(token);
    return true;
  });
  wildcards_->Collect(account, tokens, [&](Filter& filter) { Append(filter, result); });
}

void SubjectIndex::Append(const Filter& filter, MatchResult& result) const {
  if (filter.queue().empty()) {
    result.plain.push_back(&filter);
    for (unsigned shard = 0; shard < shards_; ++shard) {
      if (filter.members(shard) > 0) result.plain_shards |= ShardSet{1} << shard;
    }
    return;
  }
  for (MatchResult::Group& group : result.groups) {
    if (group.queue == filter.queue()) {
      group.filters.push_back(&filter);
      return;
    }
  }
  result.groups.push_back({filter.queue(), {&filter}});
}

}  // namespace martlet::subject
