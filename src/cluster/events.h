// What the mesh is told, and what it wants done. Plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/log_line.h"
#include "base/url.h"
#include "cluster/compression.h"
#include "proto/close_reason.h"
#include "proto/route_info.h"

namespace martlet::cluster {

/// A route connection, by the number that log lines show as rid. From the server's one counter of
/// connections.
using LinkId = uint64_t;
/// One attempt to reach an address; given by the mesh, never twice.
using DialId = uint64_t;

/// A numeric address. A value.
struct Endpoint {
  std::string ip;
  uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// All that decides how a server behaves in its cluster. A reload gives another one.
struct Settings {
  std::string server_id;
  std::string server_name;
  std::string version;  // as INFO tells it
  std::string go;
  int64_t max_payload = 0;
  bool headers = true;

  std::string name;            // of the cluster
  bool name_dynamic = false;   // generated: it may give way to another
  std::string host;            // of the cluster listener, as configured
  uint16_t port = 0;           // of the cluster listener, bound
  std::string advertise_host;  // cluster_advertise; empty: none
  uint16_t advertise_port = 0;
  std::vector<std::string> own_ips;      // of all interfaces: what a self-route is told by
  std::vector<base::Url> routes;         // configured
  std::vector<std::string> client_urls;  // own, host:port; as clients are told
  bool no_advertise = false;
  int64_t connect_retries = 0;
  bool connect_backoff = false;
  int64_t connect_error_reports = 3600;
  int64_t reconnect_error_reports = 1;
  std::string user;  // cluster authorization; empty: none
  std::string password;
  bool password_is_hashed = false;  // bcrypt made it
  std::chrono::milliseconds auth_timeout{2000};
  proto::SubjectLists import;
  proto::SubjectLists exports;
  int64_t pool_size = 3;  // below 1: one connection, no pool
  /// Accounts with a connection of their own, the system account among them ("$SYS" by default; a
  /// pool_size below 1 wants none).
  std::vector<std::string> pinned_accounts;
  CompressionSettings compression;
  std::vector<std::string> accounts;  // that there are; empty: every one
  bool awaits_mesh = false;           // MeshStands is wanted; at the start only
};

// Events -----------------------------------------------------------------------------------------

/// A name has been looked up: all its addresses, or in `error` why not ("lookup x: no such host").
struct Resolved {
  DialId dial = 0;
  std::vector<Endpoint> addresses;
  std::string error;
};
/// The connection of a Connect action stands, and is link `link` from now on.
struct Dialed {
  DialId dial = 0;
  LinkId link = 0;
};
/// It does not: "dial tcp 127.0.0.1:6333: connect: connection refused".
struct DialFailed {
  DialId dial = 0;
  std::string error;
};
/// Somebody has connected to the cluster port.
struct Accepted {
  LinkId link = 0;
  Endpoint remote;
};
/// A CONNECT came. While its link is not registered, its input stands still until the mesh has
/// answered with Proceed (or Close); so with each INFO.
struct ConnectCame {
  LinkId link = 0;
  proto::RouteConnect connect;
};
struct InfoCame {
  LinkId link = 0;
  proto::RouteInfo info;
};
/// What a CheckPassword found.
struct PasswordChecked {
  LinkId link = 0;
  uint64_t check = 0;
  bool right = false;
};
/// `-ERR` came; the link closes by itself with kParseError.
struct ErrorCame {
  LinkId link = 0;
  std::string text;
};
/// The PONG for a PING that a Send with `awaits_pong` carried.
struct PongCame {
  LinkId link = 0;
};
/// Another reading of the round trip, for s2_auto. Only of links whose compression asked for it.
struct RoundTrip {
  LinkId link = 0;
  std::chrono::nanoseconds time{0};
};
/// Input ended, or an error, or a Close of ours was done. Comes once for each link, last.
struct LinkClosed {
  LinkId link = 0;
  proto::CloseReason reason = proto::CloseReason::kClientClosed;
};

using Event = std::variant<Resolved, Dialed, DialFailed, Accepted, ConnectCame, PasswordChecked,
                           InfoCame, ErrorCame, PongCame, RoundTrip, LinkClosed>;

// Actions ----------------------------------------------------------------------------------------

/// Look up a name; answered with Resolved. A numeric address is answered with itself.
struct Resolve {
  DialId dial = 0;
  std::string host;
  uint16_t port = 0;
};
/// Connect within a second; answered with Dialed or DialFailed.
struct Connect {
  DialId dial = 0;
  Endpoint to;
};
/// Forget a Resolve or Connect: its answer may come all the same and is to be ignored by the mesh;
/// a link that comes of it is closed without a word.
struct Abandon {
  DialId dial = 0;
};
/// Whether `hash` was made of `password`: as bcrypt takes its time, anything but here and now.
/// Answered with PasswordChecked of the same `check`.
struct CheckPassword {
  LinkId link = 0;
  uint64_t check = 0;
  std::string password;
  std::string hash;
};
/// Bytes for a link.
struct Send {
  LinkId link = 0;
  std::string bytes;
  bool awaits_pong = false;
};
/// Input may go on after ConnectCame or InfoCame.
struct Proceed {
  LinkId link = 0;
};
/// The writer of a link compresses from here on (after what was sent before), in this mode.
struct CompressOutput {
  LinkId link = 0;
  CompressionMode mode = CompressionMode::kOff;  // never kAccept; kS2Auto: see RoundTrip
};
/// Everything behind the INFO or CONNECT at which the input stands is compressed.
struct DecompressInput {
  LinkId link = 0;
};
/// The peer is known: the link carries interest and messages from now on.
struct Register {
  LinkId link = 0;
  std::string peer_id;
  std::string peer_name;
  bool headers = false;         // the peer takes HMSG
  std::string account;          // of a dedicated link; empty: it carries `slot`
  int64_t slot = 0;             // of the pool
  int64_t pool_size = 0;        // own; 0: no pool, it carries every account
  proto::SubjectLists exports;  // the peer's
  bool checks = false;          // the peer takes checks of interest
  /// Accounts that it does not carry though their slot is this one: they have, or are about to get,
  /// connections of their own. Empty where it is dedicated or there is no pool.
  std::vector<std::string> without;
};
/// Which accounts a registered link carries has changed: see Register. Interest is told anew, and
/// what the peer had told here of accounts that are `without` now is dropped. Or the peer lets pass
/// what it did not before (`exports`): then that interest alone is told.
struct Reassign {
  LinkId link = 0;
  std::string account;
  int64_t slot = 0;
  int64_t pool_size = 0;
  proto::SubjectLists exports;  // the peer's
  std::vector<std::string> without;
};
/// Close, after the bytes sent before have gone out (as far as `reason` lets output go).
struct Close {
  LinkId link = 0;
  proto::CloseReason reason = proto::CloseReason::kClientClosed;
};
/// Clients of this server are to be told these addresses, own ones first.
struct TellClients {
  std::vector<std::string> urls;
};
/// A line for the log; with a link, the glue puts "ip:port - rid:n - " in front.
struct LogLine {
  base::LogLevel level = base::LogLevel::kInfo;
  LinkId link = 0;
  std::string text;
};
/// The cluster has another name now.
struct Rename {
  std::string name;
};
/// Every configured route has been up with all its connections, and their peers have answered
/// there: what they told of their clients' wishes has come. Once, where `awaits_mesh`.
struct MeshStands {};

using Action = std::variant<Resolve, Connect, Abandon, CheckPassword, Send, Proceed, CompressOutput,
                            DecompressInput, Register, Reassign, Close, TellClients, LogLine,
                            Rename, MeshStands>;

}  // namespace martlet::cluster
