// A route without a socket.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "session/route_session.h"
#include "world.h"

namespace martlet::session {

/// With the control shard in small: whoever introduces itself is in.
class Route final : public FakeConnection, public RouteHost {
 public:
  Route(ShardContext& context, uint64_t id, bool solicited = true)
      : session(context, *this, *this, id, {"127.0.0.1", 6222}, solicited) {
    session.Start();
  }
  ~Route() { session.Detach(); }

  void OnRouteConnect(proto::RouteConnect) override {
    events += "connect ";
    session.Proceed();
  }
  void OnRouteInfo(proto::RouteInfo info) override {
    events += "info " + info.server_id + " ";
    session.Proceed();
  }
  void OnRouteError(std::string_view text) override { events += "error " + std::string(text); }
  void OnRoutePong() override { events += "pong "; }
  void OnRouteRoundTrip(uint64_t) override { events += "rtt "; }

  bool Settle() override { return !session.closing() && session.TakeResumeDue(); }
  void Feed(std::string_view bytes) {
    session.OnBytes(bytes, nullptr);
    if (session.TakeResumeDue()) session.OnResume();
  }
  std::string Take() {
    session.PrepareOutput();
    std::string text;
    std::array<iovec, 16> parts;
    while (const size_t count = session.outbound().Gather(parts, SIZE_MAX)) {
      size_t bytes = 0;
      for (size_t i = 0; i < count; ++i) {
        text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        bytes += parts[i].iov_len;
      }
      session.outbound().Consume(bytes);
    }
    return text;
  }

  RouteSession session;
  std::string events;
};

inline RouteRole Unpooled(bool headers = true) {
  RouteRole role;
  role.peer_name = "peer";
  role.headers = headers;
  return role;
}

}  // namespace martlet::session
