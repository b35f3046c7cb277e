// One route connection, as the mesh sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log_line.h"
#include "base/url.h"
#include "cluster/compression.h"
#include "cluster/dialer.h"
#include "cluster/events.h"
#include "proto/route_info.h"

namespace martlet::cluster {

struct Link {
  enum class Phase : uint8_t {
    kGreeting,  // CONNECT and INFO are still to come
    kWaiting,   // its place is taken; whether the holder still lives is being asked
    kUp,        // registered
    kClosing,
  };

  LinkId id = 0;
  Endpoint remote;
  bool dialled = false;
  Phase phase = Phase::kGreeting;
  bool was_up = false;
  uint64_t began_ms = 0;
  uint64_t up_ms = 0;

  // What follows its loss. An accepted connection may inherit all of it from one that was dialled
  // and then closed as a duplicate.
  bool solicited = false;
  bool configured = false;
  bool retry = false;
  bool no_redial = false;
  bool has_url = false;
  base::Url url;
  uint64_t early_ends = 0;
  std::string sought;   // whom the dialling was for, where known
  std::string told_by;  // who had told us to dial it
  int64_t gossip_mode = 0;

  // The handshake.
  bool connect_came = false;
  bool owes_info = false;  // dialled, and what it says depends on what the peer says
  bool negotiated = false;
  CompressionMode compression = CompressionMode::kOff;  // what the own writer does
  bool follows_round_trip = false;
  std::string user;
  std::string password;
  std::optional<proto::RouteConnect> connect;  // until it is known whether it may
  uint64_t check = 0;                          // the CheckPassword under way, or 0

  // The peer.
  std::string peer_id;
  std::string peer_name;  // empty: not known yet, to the log either
  proto::RouteInfo info;  // its first
  std::string account;    // of a dedicated connection
  int64_t slot = -1;
  bool no_pool = false;
  bool answered = false;  // a PONG came since it is up
  // Once a PONG shows that the peer has taken us for what we say:
  bool dial_next = false;  // dial the next of its pool
  bool forward = false;    // tell others of it

  LinkId newcomer = 0;   // waits for the place of this one
  LinkId waits_for = 0;  // the holder
  uint64_t waits_since_ms = 0;
  bool redials_if_double = true;  // what to do when it turns out to be a duplicate
  bool peer_gave_up = false;      // it told that this connection had gone stale

  /// For the log once the connection is closed.
  std::vector<LogLine> afterwards;

  bool up() const { return phase == Phase::kUp; }
  bool closing() const { return phase == Phase::kClosing; }
  bool greeting() const { return phase == Phase::kGreeting; }
};

}  // namespace martlet::cluster
