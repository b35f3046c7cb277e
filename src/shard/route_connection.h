// A connection to another server of the cluster.
#pragma once

#include <string_view>

#include "cluster/events.h"
#include "session/route_session.h"
#include "shard/connection.h"

namespace martlet::shard {

/// Moves a route's bytes, and carries between its session and the control shard, which decides.
class RouteConnection final : public Connection, public session::RouteHost {
 public:
  RouteConnection(Shard& shard, base::UniqueFd fd, cluster::LinkId link, session::Peer peer,
                  bool solicited);

  void Start() {
    session_.Start();
    Open();
  }
  session::RouteSession& route() { return session_; }
  cluster::LinkId link() const { return session_.id(); }

  void OnRouteConnect(proto::RouteConnect connect) override;
  void OnRouteInfo(proto::RouteInfo info) override;
  void OnRouteError(std::string_view text) override;
  void OnRoutePong() override;
  void OnRouteRoundTrip(uint64_t ns) override;

 private:
  void LeaveBooks() override;
  void Tell(cluster::Event event);

  session::RouteSession session_;
};

}  // namespace martlet::shard
