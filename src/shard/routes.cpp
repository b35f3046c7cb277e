#include "shard/routes.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/net_address.h"
#include "shard/route_connection.h"
#include "shard/shard.h"

namespace martlet::shard {
namespace {

s2::Level LevelOf(cluster::CompressionMode mode) {
  switch (mode) {
    case cluster::CompressionMode::kS2Better:
      return s2::Level::kBetter;
    case cluster::CompressionMode::kS2Best:
      return s2::Level::kBest;
    case cluster::CompressionMode::kS2Fast:
      return s2::Level::kFast;
    default:
      return s2::Level::kUncompressed;  // of s2_auto, until the round trip is known
  }
}

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif

constexpr std::chrono::milliseconds kPingIntervalMax{30'000};

// The kernel tries ever more seldom to send again what was lost: when a cut of three seconds is
// over, a connection may stand still for three more. On a route it tries every second. It would
// also give up sooner then, after 13 s; but that is for the pings to do, as in the reference.
void HealSoon(int fd, const Options& options) {
  constexpr int kRetryMs = 1000;
  // Linux 6.15 has it; before, all stays as it was.
  if (::setsockopt(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, &kRetryMs, sizeof kRetryMs) != 0) return;
  const ClusterOptions& cluster = options.cluster;
  const auto set =
      cluster.ping_interval.count() > 0 ? cluster.ping_interval : options.ping_interval;
  const int pings = std::max(cluster.ping_max > 0 ? cluster.ping_max : options.ping_max, 0) + 1;
  const auto stale = std::min<std::chrono::nanoseconds>(set, kPingIntervalMax) * pings;
  const auto patience = static_cast<unsigned>(std::clamp<int64_t>(
      std::chrono::ceil<std::chrono::milliseconds>(stale).count(), kRetryMs, INT32_MAX));
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
}

}  // namespace

RouteConnection* Routes::Adopt(const AdoptRouteRecord& record) {
  base::UniqueFd fd(record.fd);
  HealSoon(fd.get(), shard_.context().facts->options);
  base::SocketAddress address;
  if (::getpeername(fd.get(), address.get(), &address.length) != 0) {
    Tell(cluster::LinkClosed{record.link, proto::CloseReason::kClientClosed});
    return nullptr;
  }
  auto* connection = new RouteConnection(shard_, std::move(fd), record.link,
                                         {address.host(), address.port()}, record.solicited);
  links_.emplace(record.link, connection);
  connection->Start();
  return connection;
}

// What each action means for a link that is there.
struct Routes::Performer {
  session::RouteSession& route;

  void operator()(cluster::Send& send) const { route.Send(send.bytes, send.awaits_pong); }
  void operator()(const cluster::Proceed&) const { route.Proceed(); }
  void operator()(const cluster::CompressOutput& compress) const {
    route.CompressOutput(LevelOf(compress.mode),
                         compress.mode == cluster::CompressionMode::kS2Auto);
  }
  void operator()(const cluster::DecompressInput&) const { route.DecompressInput(); }
  void operator()(cluster::Register& wish) const {
    route.Register({.peer_name = std::move(wish.peer_name),
                    .headers = wish.headers,
                    .account = std::move(wish.account),
                    .slot = wish.slot,
                    .pool_size = wish.pool_size,
                    .exports = std::move(wish.exports),
                    .without = std::move(wish.without),
                    .checks = wish.checks});
  }
  void operator()(cluster::Reassign& wish) const {
    route.OnPeerPermissions(std::move(wish.exports));
    route.Reassign(std::move(wish.account), wish.slot, wish.pool_size, std::move(wish.without));
  }
  void operator()(const cluster::Close& close) const { route.Close(close.reason); }
  template <class Other>
  void operator()(const Other&) const {
    CHECK(false);  // the control shard's own
  }
};

void Routes::Perform(const RouteActionRecord& record) {
  const std::unique_ptr<cluster::Action> action(record.action);
  const auto found = links_.find(record.link);
  if (found == links_.end()) return;  // it has gone, and said so
  std::visit(Performer{found->second->route()}, *action);
}

void Routes::Tell(cluster::Event event) {
  shard_.context().mailroom.SendPlain(
      shard_.context().mailroom.interconnect().control(),
      RouteEventRecord{session::RecordKind::kRouteEvent, new cluster::Event(std::move(event))});
}

void Routes::Left(RouteConnection& connection) { links_.erase(connection.link()); }

void Routes::CloseAll() {
  for (const auto& [link, connection] : links_) {
    connection->route().Close(proto::CloseReason::kServerShutdown);
  }
}

}  // namespace martlet::shard
