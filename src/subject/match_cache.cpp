#include "subject/match_cache.h"

#include "subject/subject.h"

namespace martlet::subject {

MatchCache::MatchCache(const SubjectIndex& index)
    : index_(index), entries_(kEntries), seen_(kEntries) {}

const MatchResult& MatchCache::Match(AccountId account, std::string_view subject, Memo& memo) {
  memo = {};
  const uint64_t hash = HashBytes(subject, account);
  const size_t slot = hash % kEntries;
  std::unique_ptr<Entry>& entry = entries_[slot];
  const bool known = entry != nullptr && entry->hash == hash && entry->account == account &&
                     entry->subject == subject;
  if (known && entry->result.stamp.IsCurrent()) {
    ++stats_.hits;
    memo = {entry.get(), entry->serial};
    return entry->result;
  }
  ++stats_.misses;
  if (!known) {
    const auto tag = static_cast<uint16_t>(hash >> 40);
    if (seen_[slot] != tag) {
      seen_[slot] = tag;
      index_.Match(account, subject, scratch_);
      return scratch_;
    }
    if (entry == nullptr) entry = std::make_unique<Entry>();
    ++entry->serial;
    entry->hash = hash;
    entry->account = account;
    entry->subject = subject;
  }
  index_.Match(account, subject, entry->result);
  memo = {entry.get(), entry->serial};
  return entry->result;
}

}  // namespace martlet::subject
