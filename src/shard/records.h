// What the control shard and the data shards tell each other, apart from messages.
#pragma once

#include <cstdint>

#include "base/net_address.h"
#include "cluster/events.h"
#include "monitor/snapshot.h"
#include "session/record.h"
#include "session/server_facts.h"

namespace martlet::shard {

/// An accepted socket for the shard that shall serve it. The receiver owns the descriptor.
struct AdoptRecord {
  session::RecordKind kind = session::RecordKind::kAdopt;
  bool over_limit = false;
  int fd = -1;
  uint64_t client_id = 0;
};

/// Begin to accept on this socket, which stays the control shard's.
struct ListenRecord {
  session::RecordKind kind = session::RecordKind::kListen;
  int fd = -1;
};

/// New settings, for sessions that are there and those that come. They live until every shard has
/// answered with kFactsTaken that it holds the old ones no more.
struct FactsRecord {
  session::RecordKind kind = session::RecordKind::kFacts;
  const session::ServerFacts* facts = nullptr;
  /// Clients that can take it get an INFO of the new ones.
  bool tell_clients = false;
};

/// Close so many connections: there are more of them than max_connections allows now.
struct CloseSurplusRecord {
  session::RecordKind kind = session::RecordKind::kCloseSurplus;
  int64_t count = 0;
};

/// A request or an answer that says all with its kind: kStopListening, kLameDuck, kCloseOne, kStop,
/// kStopRoutes from control; kListenerClosed, kClientsGone, kStopped, kFactsTaken from a shard;
/// kPulse and its answer, which tells that the shard still turns.
struct NoticeRecord {
  session::RecordKind kind = session::RecordKind::kStop;
  uint32_t shard = 0;  // of the sender, in answers
};

/// A socket to another server, for the shard that shall serve it. The receiver owns the descriptor.
struct AdoptRouteRecord {
  session::RecordKind kind = session::RecordKind::kAdoptRoute;
  bool solicited = false;
  int fd = -1;
  cluster::LinkId link = 0;
};

/// What the control shard wants done with a route. The receiver owns the action.
struct RouteActionRecord {
  session::RecordKind kind = session::RecordKind::kRouteAction;
  cluster::LinkId link = 0;
  cluster::Action* action = nullptr;
};

/// What came of a route. The receiver, the control shard, owns the event.
struct RouteEventRecord {
  session::RecordKind kind = session::RecordKind::kRouteEvent;
  cluster::Event* event = nullptr;
};

/// The monitor asks, and the shard answers with the same record. The piece is the asker's, lent
/// until the answer has come; nobody looks at it meanwhile but the shard.
struct SnapshotRecord {
  session::RecordKind kind = session::RecordKind::kSnapshot;
  monitor::Piece* piece = nullptr;
};

}  // namespace martlet::shard
