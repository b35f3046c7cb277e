// What this server says of itself to its peers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/url.h"
#include "cluster/compression.h"
#include "cluster/events.h"

namespace martlet::cluster {

/// "host:port", with brackets around IPv6. Source: Go's net.JoinHostPort.
std::string JoinHostPort(std::string_view host, int64_t port);

/// The same address, user and all. Source: reference urlsAreEqual.
bool SameUrl(const base::Url& a, const base::Url& b);

/// Whether compression may be agreed on.
bool WantsCompression(const Settings& settings);

/// What an INFO has beside that of every INFO.
struct InfoExtras {
  std::string account;
  std::string_view compression;
  int64_t slot = 0;
  int64_t gossip_mode = proto::kGossipDefault;
  bool lame_duck = false;
};

/// The INFO line. Source: reference generateRouteInitialInfoJSON; for an INFO to peers that know us
/// already nothing is in `extras` but perhaps `lame_duck`.
std::string OwnInfo(const Settings& settings, const InfoExtras& extras);
/// The CONNECT line, with user and password of `url`.
std::string OwnConnect(const Settings& settings, const base::Url& url);

}  // namespace martlet::cluster
