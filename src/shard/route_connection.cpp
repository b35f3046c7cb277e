#include "shard/route_connection.h"

#include <string>
#include <utility>

#include "shard/shard.h"

namespace martlet::shard {

RouteConnection::RouteConnection(Shard& shard, base::UniqueFd fd, cluster::LinkId link,
                                 session::Peer peer, bool solicited)
    : Connection(shard, std::move(fd), session_),
      session_(shard.context(), *this, *this, link, std::move(peer), solicited) {}

void RouteConnection::Tell(cluster::Event event) { shard_.routes().Tell(std::move(event)); }

void RouteConnection::OnRouteConnect(proto::RouteConnect connect) {
  Tell(cluster::ConnectCame{link(), std::move(connect)});
}

void RouteConnection::OnRouteInfo(proto::RouteInfo info) {
  Tell(cluster::InfoCame{link(), std::move(info)});
}

void RouteConnection::OnRouteError(std::string_view text) {
  Tell(cluster::ErrorCame{link(), std::string(text)});
}

void RouteConnection::OnRoutePong() { Tell(cluster::PongCame{link()}); }

void RouteConnection::OnRouteRoundTrip(uint64_t ns) {
  Tell(cluster::RoundTrip{link(), std::chrono::nanoseconds(ns)});
}

void RouteConnection::LeaveBooks() {
  session_.Detach();
  shard_.routes().Left(*this);
  Tell(cluster::LinkClosed{link(), session_.close_reason()});
}

}  // namespace martlet::shard
