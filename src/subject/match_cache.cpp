#include "subject/match_cache.h"

#include <algorithm>
#include <memory>
#include <new>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace martlet::subject {

void MatchCache::Entry::Take(uint64_t its_serial, uint64_t its_hash, AccountId its_account,
                             std::string_view subject) {
  Forget();
  serial = its_serial;
  hash = its_hash;
  account = its_account;
  subject_bytes = static_cast<uint32_t>(subject.size());
  if (subject_bytes > kNearBytes) far = new char[subject_bytes];
  std::copy(subject.begin(), subject.end(), subject_bytes > kNearBytes ? far : near);
}

void MatchCache::Entry::Forget() {
  if (subject_bytes > kNearBytes) delete[] far;
  subject_bytes = 0;
}

// Entries end up as they are when built, so that those behind entries_used_ may be built anew;
// their serial is none that any memo has, whether or not the system takes the pages.
void MatchCache::Clear() {
  for (uint32_t i = 0; i < entries_used_; ++i) {
    std::destroy_at(&entries_[i]);
    std::construct_at(&entries_[i]);
  }
  const size_t used_bytes = std::exchange(entries_used_, 0) * sizeof(Entry);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (page <= kEntriesAlignment && used_bytes > 0) {
    (void)madvise(entries_.get(), (used_bytes + page - 1) / page * page, MADV_DONTNEED);
  }
  std::fill(sets_.begin(), sets_.end(), Set());
  std::destroy_at(&scratch_);
  std::construct_at(&scratch_);
}

void MatchCache::FreeEntries::operator()(Entry* entries) const {
  ::operator delete (entries, std::align_val_t{kEntriesAlignment});
}

MatchCache::MatchCache(const SubjectIndex& index, unsigned shard)
    : index_(index),
      shard_(shard),
      sets_(kSets),
      entries_(static_cast<Entry*>(
          ::operator new (kSets* kWays * sizeof(Entry), std::align_val_t{kEntriesAlignment}))) {}

MatchCache::~MatchCache() {
  for (uint32_t i = 0; i < entries_used_; ++i) entries_[i].~Entry();
}

const MatchResult& MatchCache::Miss(AccountId account, std::string_view subject, uint64_t hash,
                                    Set& set, Memo& memo) {
  ++stats_.misses;
  const uint16_t tag = TagOf(hash);
  if (!WasSeen(set, tag)) {
    memo = {};
    index_.Match(account, subject, hash, shard_, scratch_);
    return scratch_;
  }
  const unsigned way = WayFor(set, tag);
  Entry& entry = entries_[set.entries[way]];
  entry.Take(++serials_, hash, account, subject);
  set.Use(way);
  index_.Match(account, subject, hash, shard_, entry.result);
  memo = {&entry, entry.serial};
  return entry.result;
}

// Whether the subject was asked for of late; notes that it is now.
bool MatchCache::WasSeen(Set& set, uint16_t tag) {
  for (uint16_t& seen : set.seen) {
    if (seen != tag) continue;
    seen = 0;
    return true;
  }
  for (uint16_t& seen : set.seen) {
    if (seen != 0) continue;
    seen = tag;
    return false;
  }
  // At random: in turn, subjects that take turns would push each other out for ever.
  random_ = random_ * 1664525 + 1013904223;
  set.seen[(random_ >> 16U) % kSeen] = tag;
  return false;
}

// A free way, or the first that was not asked for since the others were.
unsigned MatchCache::WayFor(Set& set, uint16_t tag) {
  unsigned way = 0;
  if (const uint32_t free = set.tags.Find(0); free != 0) {
    way = static_cast<unsigned>(__builtin_ctz(free));
    new (&entries_[entries_used_]) Entry();
    set.entries[way] = entries_used_++;
  } else {
    way = static_cast<unsigned>(__builtin_ctz(~uint32_t{set.used}));
  }
  set.tags.at[way] = tag;
  return way;
}

}  // namespace martlet::subject
