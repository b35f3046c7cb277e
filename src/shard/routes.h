// The routes of one shard.
#pragma once

#include <absl/container/flat_hash_map.h>

#include "cluster/events.h"
#include "shard/records.h"

namespace martlet::shard {

class RouteConnection;
class Shard;

/// Takes sockets of routes in, does what the control shard wants done with them, and tells it what
/// came of it.
///
/// Thread: its shard's.
class Routes {
 public:
  explicit Routes(Shard& shard) : shard_(shard) {}

  /// The socket is one of a route from now on; the shard owns the connection.
  RouteConnection* Adopt(const AdoptRouteRecord& record);
  /// Owns the action.
  void Perform(const RouteActionRecord& record);
  void Tell(cluster::Event event);
  void Left(RouteConnection& connection);
  /// All of them, for the end of the server.
  void CloseAll();

 private:
  struct Performer;

  Shard& shard_;
  absl::flat_hash_map<cluster::LinkId, RouteConnection*> links_;  // that are still in the books
};

}  // namespace martlet::shard
