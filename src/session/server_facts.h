// What every session of a server may know about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <martlet/options.h>

#include "proto/server_info.h"

namespace martlet::session {

/// A snapshot of the server's settings and of the texts made from them. Never changes once built,
/// so all shards read the same one; a reload builds another.
struct ServerFacts {
  /// `own_urls` are those of info.connect_urls that lead to this server.
  ServerFacts(const Options& options, const proto::ServerInfo& info, int bound_port = 0,
              const std::vector<std::string>& own_urls = {});

  const Options options;
  const int bound_port;                      // of the client listener
  const proto::ServerInfo info;              // without per-connection members
  const proto::InfoTemplate first_info;      // on accept
  const proto::InfoTemplate connect_info;    // behind the first PONG
  const proto::InfoTemplate lame_duck_info;  // with the addresses of other servers alone
};

/// How clients reach this server: the host:port of its own INFO, or for a wildcard host one for
/// each address of the interfaces that is worth telling.
std::vector<std::string> ClientUrls(const Options& options, int bound_port);

/// Sets host and port as clients are told: those of client_advertise, or of the listener.
void SetAddress(const Options& options, int bound_port, proto::ServerInfo& info);

}  // namespace martlet::session
