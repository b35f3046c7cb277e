// Servers that there should be a connection to and is none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/url.h"
#include "cluster/alarms.h"

namespace martlet::cluster {

/// Remembers servers known by gossip alone that were lost to an error (not: that left), or that
/// could not be reached when gossip told of them. The reference forgets them, so that two members
/// which a broken network had parted stay apart until a third one happens to tell of them again.
///
/// Bound: kMax servers; of more, the one told last is not kept. One that there was a connection to
///        is tried every second for a minute, then, as any other from the begin, after 1, 2, 4 ..
///        30 s. It is forgotten after a day.
class LostPeers {
 public:
  static constexpr size_t kMax = 256;

  explicit LostPeers(base::Random& random) : random_(random) {}

  /// `delay_ms`: until it is tried first. `known`: there was a connection. Nothing changes for one
  /// that is remembered already.
  void Add(const std::string& id, const base::Url& url, bool known, uint64_t delay_ms,
           uint64_t now_ms);
  /// Whether it was remembered.
  bool Remove(const std::string& id);
  void Clear();
  /// All are tried at once: one of them was found again, so the network may be whole.
  void Hurry(uint64_t now_ms);

  struct Lost {
    std::string id;
    base::Url url;
  };
  /// One that is to be tried now; its next try is set.
  std::optional<Lost> TakeDue(uint64_t now_ms);
  uint64_t NextTimer() const { return due_.next(); }
  size_t size() const { return peers_.size(); }

 private:
  struct Entry {
    base::Url url;
    uint64_t delay_ms = 1000;
    int quick_tries = 0;  // that are left
    uint64_t forget_at_ms = 0;
  };

  base::Random& random_;
  std::map<std::string, Entry> peers_;
  Alarms<std::string> due_;
};

}  // namespace martlet::cluster
