// What the monitor knows of the server: counters, and pieces of what the shards have.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <martlet/options.h>

#include "proto/route_info.h"
#include "proto/server_info.h"

namespace martlet::monitor {

/// Sums over the shards.
struct Totals {
  uint64_t connections = 0;
  uint64_t total_connections = 0;
  // Of clients.
  uint64_t in_msgs = 0;
  uint64_t in_bytes = 0;
  uint64_t out_msgs = 0;
  uint64_t out_bytes = 0;
  uint64_t slow_consumers = 0;
  uint64_t stale_connections = 0;
  uint64_t stalled_clients = 0;
  uint64_t subscriptions = 0;
  uint64_t subscriptions_made = 0;  // ever
  // Of routes.
  uint64_t route_in_msgs = 0;
  uint64_t route_in_bytes = 0;
  uint64_t route_out_msgs = 0;
  uint64_t route_out_bytes = 0;
  uint64_t slow_routes = 0;
  uint64_t stale_routes = 0;
  uint64_t remote_subscriptions = 0;
  uint64_t remote_subscriptions_made = 0;
  uint64_t interest_differences = 0;
  // Messages that came too late.
  uint64_t lost_interest = 0;
  uint64_t lost_routes = 0;
};

/// How often each endpoint was asked, by path.
using RequestCounts = std::map<std::string, uint64_t, std::less<>>;

/// What the server has of a cluster.
struct ClusterSnapshot {
  std::string name;
  uint16_t port = 0;  // bound
  uint64_t routes = 0;
  uint64_t remotes = 0;
  uint64_t member_differences = 0;
};

/// The server itself, at the moment of the answer. Borrows all but numbers.
struct ServerSnapshot {
  const Options& options;
  const proto::ServerInfo& info;
  const RequestCounts& requests;
  std::optional<ClusterSnapshot> cluster;  // none: it is in no cluster
  Totals totals;
  int64_t start_ns = 0;  // since 1970, as all times here
  int64_t now_ns = 0;
  uint64_t resident_bytes = 0;
  double cpu_percent = 0;
  unsigned cores = 0;
  unsigned shards = 0;
  bool accepts = true;  // clients can connect
  int64_t config_loaded_ns = 0;
  std::string_view config_digest;  // empty: there is no file
};

struct SubscriptionInfo {
  std::string subject;
  std::string queue;  // empty: none
  std::string sid;
  uint64_t msgs = 0;  // delivered to it
  uint64_t max = 0;   // ends after so many; 0: never
  uint64_t cid = 0;
};

struct ConnectionInfo {
  uint64_t cid = 0;
  std::string ip;
  uint16_t port = 0;
  int64_t start_ns = 0;
  int64_t last_activity_ns = 0;
  int64_t stop_ns = 0;      // 0: open
  std::string_view reason;  // why it was closed; static text
  int64_t rtt_ns = 0;       // 0: not known
  uint64_t pending_bytes = 0;
  uint64_t in_msgs = 0;
  uint64_t in_bytes = 0;
  uint64_t out_msgs = 0;
  uint64_t out_bytes = 0;
  uint64_t stalls = 0;
  uint32_t subscriptions = 0;
  std::string name;
  std::string lang;
  std::string version;
  std::string user;                                 // [REDACTED] for a token
  std::vector<SubscriptionInfo> subscription_list;  // when it was asked for
};

/// A route as the control shard knows it.
struct RouteLink {
  uint64_t rid = 0;
  std::string remote_id;
  std::string remote_name;
  bool did_solicit = false;
  bool is_configured = false;
  std::string account;  // empty: it is one of a pool, or carries all
  std::string compression;
  proto::SubjectLists import;  // the peer's
  proto::SubjectLists exports;
};

/// A route as its shard knows it.
struct RouteInfo {
  uint64_t rid = 0;
  uint32_t key = 0;  // what interest that came by it is told by
  std::string ip;
  uint16_t port = 0;
  int64_t start_ns = 0;
  int64_t last_activity_ns = 0;
  int64_t rtt_ns = 0;  // 0: not known
  uint64_t pending_bytes = 0;
  uint64_t in_msgs = 0;
  uint64_t in_bytes = 0;
  uint64_t out_msgs = 0;
  uint64_t out_bytes = 0;
  uint64_t subscriptions = 0;
};

/// What the server behind a route wants.
struct InterestInfo {
  uint32_t key = 0;          // of the route
  std::string_view account;  // static text
  std::string subject;
  std::string queue;  // empty: none
};

/// One piece of what one shard knows: the monitor asks, the shard fills in the rest.
///
/// A shard has one walk at a time. `first` begins one; without it the walk goes on where the last
/// piece ended. What comes and goes meanwhile may be in it or not.
struct Piece {
  enum class Kind : uint8_t {
    kConnections,    // open ones
    kClosed,         // those that were closed last
    kSubscriptions,  // of open connections: of all, or of `cids`, one after the other
    kCache,
    kRoutes,    // registered ones
    kInterest,  // of other servers, whichever shard has the route
  };

  // Asked.
  Kind kind = Kind::kConnections;
  bool first = true;
  uint64_t cid = 0;            // kConnections, kClosed: this one alone; 0: all
  std::vector<uint64_t> cids;  // kSubscriptions: theirs; stays as it is during a walk
  std::string test;            // kSubscriptions: those that match this subject; empty: all
  uint64_t skip = 0;           // kSubscriptions: so many of those go without saying ...
  uint64_t take = 0;           // ... and behind them so many are told

  // Answered.
  bool last = true;   // the walk is at its end
  uint64_t held = 0;  // connections or closed ones that the shard has, matching or not
  std::vector<ConnectionInfo> connections;
  std::vector<SubscriptionInfo> subscriptions;
  std::vector<RouteInfo> routes;
  std::vector<InterestInfo> interest;
  uint64_t matched = 0;  // kSubscriptions: in this piece, told or not
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  uint64_t cache_entries = 0;

  /// As the shard finds it: the answer of the last one is gone, its memory kept.
  void ClearAnswer() {
    last = true;
    held = matched = cache_hits = cache_misses = cache_entries = 0;
    connections.clear();
    subscriptions.clear();
    routes.clear();
    interest.clear();
  }
};

}  // namespace martlet::monitor
