#include "session/remote_interest.h"

#include "base/check.h"
#include "session/accounts.h"

namespace martlet::session {

using subject::AccountId;
using subject::Filter;

RemoteInterest::~RemoteInterest() {
  for (AccountId account = 0; account < std::size(kAccountNames); ++account) Clear(account);
}

bool RemoteInterest::Add(AccountId account, std::string_view subject, std::string_view queue,
                         uint32_t weight) {
  if (queue.empty()) weight = 1;
  const auto known = filters_.find(Key{account, subject, queue});
  InterestSum& sum = sums_[account];
  if (known != filters_.end()) {
    Filter& filter = **known;
    sum.Remove(subject, queue, filter.weight());
    sum.Add(subject, queue, weight);
    filter.set_weight(weight);
    doubtful_.erase(&filter);
    return false;
  }
  sum.Add(subject, queue, weight);
  filters_.insert(&index_.AddRemote(shard_, account, subject, queue, route_, weight));
  return true;
}

bool RemoteInterest::Remove(AccountId account, std::string_view subject, std::string_view queue) {
  const auto known = filters_.find(Key{account, subject, queue});
  if (known == filters_.end()) return false;
  Filter& filter = **known;
  filters_.erase(known);
  Drop(filter);
  return true;
}

// It is in the table no more; with it goes its text.
void RemoteInterest::Drop(Filter& filter) {
  sums_[filter.account()].Remove(filter.text(), filter.queue(), filter.weight());
  doubtful_.erase(&filter);
  index_.RemoveRemote(shard_, filter);
}

size_t RemoteInterest::RemoveDoubtful(AccountId account) {
  return RemoveIf([this, account](const Filter& filter) {
    return filter.account() == account && doubtful_.contains(&filter);
  });
}

size_t RemoteInterest::Clear(AccountId account) {
  return RemoveIf([account](const Filter& filter) { return filter.account() == account; });
}

}  // namespace martlet::session
