// Times at which something is due, one for each key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace martlet::cluster {

/// Equal times come in the order of their keys, so that a run can be repeated.
template <typename Key>
class Alarms {
 public:
  /// In the place of the one that `key` had.
  void Set(const Key& key, uint64_t at_ms) {
    Clear(key);
    at_.emplace(key, at_ms);
    order_.emplace(at_ms, key);
  }
  void Clear(const Key& key) {
    const auto found = at_.find(key);
    if (found == at_.end()) return;
    order_.erase({found->second, key});
    at_.erase(found);
  }
  void ClearAll() {
    at_.clear();
    order_.clear();
  }
  bool IsSet(const Key& key) const { return at_.contains(key); }
  /// UINT64_MAX: none.
  uint64_t next() const { return order_.empty() ? UINT64_MAX : order_.begin()->first; }
  /// Takes out the first one that is due.
  std::optional<Key> TakeDue(uint64_t now_ms) {
    if (order_.empty() || order_.begin()->first > now_ms) return std::nullopt;
    const Key key = order_.begin()->second;
    Clear(key);
    return key;
  }
  size_t size() const { return at_.size(); }

 private:
  std::map<Key, uint64_t> at_;
  std::set<std::pair<uint64_t, Key>> order_;
};

}  // namespace martlet::cluster
