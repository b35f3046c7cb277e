// The parts of a shard that its sessions work with. No ring, no socket, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/counter.h"
#include "base/linked_list.h"
#include "base/log.h"
#include "base/random.h"
#include "base/timer_wheel.h"
#include "s2/writer.h"
#include "session/chunk_pool.h"
#include "session/mailroom.h"
#include "session/server_facts.h"
#include "subject/match_cache.h"
#include "subject/subject_index.h"

namespace martlet::session {

class ClientSession;
class Barriers;
class Delivery;
class InterestBoard;
class RouteSession;
class Session;

/// Traffic of one shard. Written by it, read by the monitor.
struct ShardStats {
  // Clients.
  base::Counter in_messages;
  base::Counter in_bytes;
  base::Counter out_messages;
  base::Counter out_bytes;
  base::Counter connections;  // open now
  base::Counter total_connections;
  base::Counter subscriptions;
  base::Counter subscriptions_made;  // ever
  base::Counter slow_consumers;
  base::Counter stale_connections;
  base::Counter stalls;  // pauses of publishers for the sake of slow subscribers

  // Routes.
  base::Counter route_in_messages;
  base::Counter route_in_bytes;
  base::Counter route_out_messages;
  base::Counter route_out_bytes;
  base::Counter routes;                     // open now
  base::Counter remote_subscriptions;       // what other servers want, now
  base::Counter remote_subscriptions_made;  // ever
  base::Counter slow_routes;
  base::Counter stale_routes;

  base::Counter interest_differences;  // found by checks of routes
  base::Counter lost_interest;         // messages from elsewhere that found no subscriber any more
  base::Counter lost_routes;  // messages for a route that was gone when they came to its shard

  uint64_t all_messages() const {
    return in_messages.Get() + out_messages.Get() + route_in_messages.Get() +
           route_out_messages.Get();
  }
  uint64_t all_out_bytes() const { return out_bytes.Get() + route_out_bytes.Get(); }
};

/// What one shard's sessions share. Plain data of one thread, but for the index, the rings behind
/// the mailroom and the log, each of which says itself how it is shared.
struct ShardContext {
  ShardContext(unsigned shard_id, subject::SubjectIndex& shared_index, Interconnect& interconnect,
               base::Log& shared_log, const ServerFacts& shared_facts, uint64_t now_ms,
               uint64_t seed)
      : shard(shard_id),
        index(shared_index),
        cache(shared_index, shard_id),
        mailroom(interconnect, shard_id),
        log(shared_log),
        facts(&shared_facts),
        timers(now_ms),
        random(seed),
        now_ns(now_ms * 1'000'000) {}

  const unsigned shard;
  subject::SubjectIndex& index;
  subject::MatchCache cache;
  Mailroom mailroom;
  base::Log& log;
  const ServerFacts* facts;
  base::TimerWheel timers;  // ticks are milliseconds of the monotonic clock
  base::Random random;
  uint64_t now_ns;  // when the turn began; the shard says so
  ChunkPool pool;
  s2::Writer s2;  // of all routes that compress
  ShardStats stats;
  uint64_t next_event_sequence = 1;  // of the server's own messages
  uint64_t next_stall_warning_ms = 0;

  Delivery* delivery = nullptr;       // set by the shard before the first session
  InterestBoard* interest = nullptr;  // the same
  Barriers* barriers = nullptr;
  std::vector<Session*> touched;            // to be looked at when the turn ends
  std::vector<Session*> waiting_for_rings;  // paused until the mailroom is not blocked
  absl::flat_hash_map<uint64_t, ClientSession*> clients;  // by client id
  /// Registered routes, by their keys; and how many keys have been given.
  absl::flat_hash_map<subject::RouteKey, RouteSession*> routes;
  uint32_t route_keys = 0;
  base::LinkedList roster;  // the same in the order in which they came; markers stand among them

  /// Handles what other shards have sent; set by the shard. Sessions call it where the order of
  /// their own input against that of other shards must hold (design ENGINE.md, "PONG is a
  /// barrier").
  std::function<void()> drain_inbound = [] {};
};

}  // namespace martlet::session
