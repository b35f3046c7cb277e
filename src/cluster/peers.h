// The servers of the cluster and the connections to each.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cluster/events.h"

namespace martlet::cluster {

/// A server with at least one registered connection.
struct Peer {
  /// Connections for which a peer may ask.
  static constexpr int64_t kPoolMax = 512;

  std::string id;
  bool no_pool = false;
  int64_t pool_size = 1;        // connections there should be: the greater of both sizes
  int64_t their_pool_size = 0;  // as announced
  std::map<int64_t, LinkId> slots;
  std::map<std::string, LinkId> dedicated;  // by account
  std::set<std::string> pinned_by_peer;     // accounts, told by a reload of it
  proto::RouteInfo info;                    // its first, ready for gossip
  std::vector<std::string> urls;            // of it, as counted among what clients are told
  uint64_t since_ms = 0;                    // when the first of its slots was filled
  bool joined_here = false;                 // came to us, and not because others had told of us
  bool leaving = false;                     // lame duck
  uint64_t mend_delay_ms = 0;               // until what is missing is dialled for again
  int quick_mends = 0;                      // since it was complete
  std::string difference;               // of both sums of members at its last check; empty: none
  uint64_t next_check_ms = 0;           // an earlier one does not count
  uint64_t checks_with_difference = 0;  // that found the same one

  bool known() const { return !slots.empty(); }
  /// -1: none is free.
  int64_t FreeSlot() const;
  /// Of the first slot in use; 0: none.
  LinkId AnyLink() const { return slots.empty() ? 0 : slots.begin()->second; }
  std::vector<LinkId> Links() const;
};

/// By server id.
class Peers {
 public:
  using Map = std::map<std::string, Peer>;

  Peer* Find(const std::string& id);
  Peer& Get(const std::string& id);
  /// Forgets a server without connections.
  void EraseIfUnused(const std::string& id);

  Map& all() { return peers_; }
  const Map& all() const { return peers_; }
  size_t known() const;  // with connections that are not dedicated
  size_t links() const;
  /// Connections dedicated to `account`.
  size_t DedicatedTo(const std::string& account) const;

 private:
  Map peers_;
};

}  // namespace martlet::cluster
