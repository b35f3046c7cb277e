// What every session of a server may know about it.
#pragma once

#include <cstdint>
#include <string>

#include <martlet/options.h>

#include "proto/server_info.h"

namespace martlet::session {

/// A snapshot of the server's settings and of the texts made from them. Never changes once built,
/// so all shards read the same one; a reload builds another.
struct ServerFacts {
  ServerFacts(const Options& options, const proto::ServerInfo& info);

  const Options options;
  const proto::ServerInfo info;            // without per-connection members
  const proto::InfoTemplate first_info;    // on accept
  const proto::InfoTemplate connect_info;  // behind the first PONG
  const proto::InfoTemplate lame_duck_info;
};

}  // namespace martlet::session
