// What the server behind one route wants.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <absl/container/flat_hash_set.h>

#include "session/accounts.h"
#include "session/interest_sum.h"
#include "subject/subject_index.h"

namespace martlet::session {

/// The interest that came by one route, as filters in the index.
///
/// Ownership:  of the route's session, which clears it before it goes.
/// Thread:     its shard's, always.
/// Memory:     for each filter the index's node and 9 to 18 bytes here; as much again while it is
///             in doubt.
/// Source:     spec route-protocol.md section 4; reference processRemoteSub, processRemoteUnsub.
class RemoteInterest {
 public:
  RemoteInterest(subject::SubjectIndex& index, unsigned shard) : index_(index), shard_(shard) {}
  ~RemoteInterest();
  RemoteInterest(const RemoteInterest&) = delete;
  RemoteInterest& operator=(const RemoteInterest&) = delete;

  /// All interest that is added stands under this number.
  void set_route(subject::RouteKey route) { route_ = route; }

  /// `subject` is valid. Told again, a plain one stays as it is and a group gets the new weight:
  /// false then.
  bool Add(subject::AccountId account, std::string_view subject, std::string_view queue,
           uint32_t weight);
  /// False when it is not there.
  bool Remove(subject::AccountId account, std::string_view subject, std::string_view queue);
  /// Of one account; returns how many there were.
  size_t Clear(subject::AccountId account);
  /// Those for which `gone(filter)` says so; returns how many there were.
  template <class Gone>
  size_t RemoveIf(Gone&& gone) {
    size_t count = 0;
    for (auto it = filters_.begin(); it != filters_.end();) {
      subject::Filter& filter = **it;
      if (!gone(filter)) {
        ++it;
        continue;
      }
      filters_.erase(it++);  // before the filter goes: its text is the key
      Drop(filter);
      ++count;
    }
    return count;
  }

  size_t size() const { return filters_.size(); }
  /// Of one account's.
  const InterestSum& sum(subject::AccountId account) const { return sums_[account]; }

  /// All of it is about to be told anew: what then is not was wrong.
  void Doubt() { doubtful_.insert(filters_.begin(), filters_.end()); }
  /// Ends that for an account; returns how many were wrong, and are gone.
  size_t RemoveDoubtful(subject::AccountId account);

 private:
  struct Key {
    subject::AccountId account;
    std::string_view subject;
    std::string_view queue;
    friend bool operator==(const Key&, const Key&) = default;
  };
  static Key KeyOf(const subject::Filter* filter) {
    return {filter->account(), filter->text(), filter->queue()};
  }
  static const Key& KeyOf(const Key& key) { return key; }
  struct Hash {
    using is_transparent = void;
    template <class Of>
    size_t operator()(const Of& of) const {
      const Key key = KeyOf(of);
      return subject::HashBytes(key.subject, key.account) ^
             (key.queue.empty() ? 0 : subject::HashBytes(key.queue, 1));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return KeyOf(a) == KeyOf(b);
    }
  };

  void Drop(subject::Filter& filter);

  subject::SubjectIndex& index_;
  const unsigned shard_;
  subject::RouteKey route_ = 0;
  absl::flat_hash_set<subject::Filter*, Hash, Equal> filters_;
  std::array<InterestSum, std::size(kAccountNames)> sums_;
  absl::flat_hash_set<const subject::Filter*> doubtful_;
};

}  // namespace martlet::session
