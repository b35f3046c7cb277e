// What one shard tells the monitor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/linked_list.h"
#include "monitor/snapshot.h"
#include "session/client_session.h"
#include "session/route_session.h"
#include "session/shard_context.h"

namespace martlet::shard {

/// Answers pieces, each with bounded work, so that a walk over a hundred thousand connections is
/// spread over many turns; and remembers clients that were closed.
///
/// A walk stands between two connections of the roster, marked by a node of its own, so it minds
/// neither who comes nor who goes. Those that came after it began it leaves out: so it ends. In the
/// midst of a connection's subscriptions it holds an iterator; when they have changed by the next
/// piece it counts its way back, and one of them may be told twice or not at all. What other
/// servers want is found by a walk through the index, which any shard can do for all routes.
///
/// Thread: its shard's.
/// Bound:  kConnectionsMax connections, kSubscriptionsMax subscriptions or filters of the index
///         looked at for a piece;
///         `closed_max` closed clients, of which the oldest goes.
class Snapshots {
 public:
  static constexpr size_t kConnectionsMax = 256;
  static constexpr size_t kSubscriptionsMax = 2048;

  /// `unix_offset_ns`: what makes a time since 1970 of one of the monotonic clock.
  Snapshots(session::ShardContext& context, size_t closed_max, int64_t unix_offset_ns)
      : context_(context), closed_max_(closed_max), unix_offset_ns_(unix_offset_ns) {}

  void Answer(monitor::Piece& piece);

  /// A client closes, and is still whole.
  void Remember(const session::ClientSession& client);

 private:
  using SubscriptionPlace = session::ClientSession::Subscriptions::const_iterator;

  void TellConnections(monitor::Piece& piece);
  void TellClosed(monitor::Piece& piece);
  void TellCache(monitor::Piece& piece) const;
  void TellRoutes(monitor::Piece& piece);
  void TellInterest(monitor::Piece& piece);
  monitor::RouteInfo Describe(const session::RouteSession& route) const;
  void TellSubscriptions(monitor::Piece& piece);
  bool TellSubscriptionsOf(const session::ClientSession& client, size_t& budget,
                           monitor::Piece& piece);
  void TellSubscription(const session::Subscription& subscription, monitor::Piece& piece) const;
  SubscriptionPlace Place(const session::ClientSession& client);
  uint64_t NextSubscriber(const monitor::Piece& piece);
  const session::ClientSession* Next();
  const session::ClientSession* Find(uint64_t cid) const;
  monitor::ConnectionInfo Describe(const session::ClientSession& client) const;
  int64_t UnixTime(uint64_t ns) const { return static_cast<int64_t>(ns) + unix_offset_ns_; }

  session::ShardContext& context_;
  const size_t closed_max_;
  const int64_t unix_offset_ns_;

  // The walk.
  base::ListNode marker_;  // behind the last connection that is done; off the list: no walk
  uint64_t began_ns_ = 0;
  size_t next_cid_ = 0;   // of those that were asked for by number
  uint64_t cid_ = 0;      // whose subscriptions are being told; 0: nobody's
  size_t told_ = 0;       // of them
  uint32_t changes_ = 0;  // of their set, when the last piece ended
  SubscriptionPlace place_;

  std::vector<subject::RouteKey> route_keys_;  // of those there were when a walk began
  size_t next_route_ = 0;
  uint32_t interest_from_ = 0;  // a place in the index

  std::deque<monitor::ConnectionInfo> closed_;  // a ring once it is full
  uint64_t closed_count_ = 0;                   // ever; the next one's place, modulo the size
  uint64_t closed_next_ = 0;                    // the walk's
  uint64_t closed_end_ = 0;                     // ... and where it ends
};

}  // namespace martlet::shard
