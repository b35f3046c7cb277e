// PING and PONG on a route: whether the peer lives, how far it is, and what it knows by now.
#include <algorithm>
#include <utility>

#include "session/barriers.h"
#include "session/route_session.h"

namespace martlet::session {
namespace {

using base::LogLevel;

constexpr uint64_t kPingIntervalMaxMs = 30'000;

}  // namespace

void RouteSession::ArmPing(uint64_t delay_ms) { context_.timers.Arm(ping_timer_, delay_ms); }

// Source: spec route-protocol.md section 9; reference processPingTimer, for routes.
void RouteSession::OnPingTimer() {
  const Options& options = context_.facts->options;
  const ClusterOptions& cluster = options.cluster;
  if (Logs(LogLevel::kDebug)) Log(LogLevel::kDebug, "Router Ping Timer");
  const int max = cluster.ping_max > 0 ? cluster.ping_max : options.ping_max;
  if (pings_out_ + 1 > static_cast<uint32_t>(std::max(max, 0))) {
    if (Logs(LogLevel::kDebug)) Log(LogLevel::kDebug, "Stale Client Connection - Closing");
    context_.stats.stale_routes.Add();
    return CloseWith("Stale Connection", CloseReason::kStaleConnection);
  }
  ++pings_out_;
  ping_sent_ns_ = context_.now_ns;
  SendPing();
  const auto interval =
      cluster.ping_interval.count() > 0 ? cluster.ping_interval : options.ping_interval;
  const auto milliseconds =
      static_cast<uint64_t>(std::max<int64_t>(1, interval / std::chrono::milliseconds(1)));
  ArmPing(std::min(milliseconds, kPingIntervalMaxMs));
}

void RouteSession::SendPing() {
  ++pings_sent_;
  if (Logs(LogLevel::kTrace)) TraceOut("PING");
  SendLine("PING\r\n");
}

void RouteSession::AskPong(uint64_t barrier) {
  if (!told_all_) return barriers_to_ask_.push_back(barrier);
  SendPing();
  awaited_pongs_.push_back({pings_sent_, barrier});
}

void RouteSession::DropBarriers() {
  for (const AwaitedPong& awaited : std::exchange(awaited_pongs_, {})) {
    if (awaited.barrier != 0) context_.barriers->OnPong(awaited.barrier, false);
  }
  for (const uint64_t barrier : std::exchange(barriers_to_ask_, {})) {
    context_.barriers->OnPong(barrier, false);
  }
}

void RouteSession::OnPong() {
  pings_out_ = 0;
  ++pongs_got_;
  while (!awaited_pongs_.empty() && awaited_pongs_.front().ping <= pongs_got_) {
    const uint64_t barrier = awaited_pongs_.front().barrier;
    awaited_pongs_.pop_front();
    if (barrier == 0) {
      host_.OnRoutePong();
    } else {
      context_.barriers->OnPong(barrier, true);
    }
  }
  if (ping_sent_ns_ == 0) return;
  round_trip_ns_ = std::max<uint64_t>(1, context_.now_ns - std::exchange(ping_sent_ns_, 0));
  if (reports_round_trip_) host_.OnRouteRoundTrip(round_trip_ns_);
}

}  // namespace martlet::session
