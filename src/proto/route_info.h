// What servers of a cluster say about themselves: INFO and CONNECT on routes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace martlet::proto {

/// Cluster permissions of one direction. Both empty: everything may pass.
struct SubjectLists {
  bool given = false;
  std::vector<std::string> allow;
  std::vector<std::string> deny;
  friend bool operator==(const SubjectLists&, const SubjectLists&) = default;
};

/// Every member of an INFO between servers that has a meaning on routes. Empty, false and zero
/// members are left out of the text, apart from those marked "always".
///
/// Source: spec route-protocol.md section 3; reference Info.
struct RouteInfo {
  std::string server_id;    // always
  std::string server_name;  // always
  std::string version;      // always
  int64_t proto = 0;        // always
  std::string git_commit;
  std::string go;        // always
  std::string host;      // always
  int64_t port = 0;      // always
  bool headers = false;  // always
  bool auth_required = false;
  bool tls_required = false;
  bool tls_verify = false;
  int64_t max_payload = 0;  // always
  bool jetstream = false;
  std::string ip;  // nats-route://host:port/
  std::string nonce;
  std::string cluster;
  bool cluster_dynamic = false;
  std::string domain;
  std::vector<std::string> connect_urls;
  std::vector<std::string> ws_connect_urls;
  bool ldm = false;
  std::string compression;
  SubjectLists import;
  SubjectLists exports;
  bool lnoc = false;
  bool lnocu = false;
  bool ln = false;
  int64_t route_pool_size = 0;
  int64_t route_pool_idx = 0;
  std::string route_account;
  std::string route_acc_add_reqid;
  int64_t gossip_mode = 0;  // 0 default, 1 disabled, 2 override
  std::string gateway;      // its INFO is not about routes
  /// Ours, not the reference's: the form of the checks below that the server understands.
  int64_t martlet_checks = 0;
  /// Ours: a check of who the cluster is; never together with the rest. 0: this is none.
  int64_t martlet_members = 0;
  std::string martlet_sum;  // of their server ids, in hexadecimal
  friend bool operator==(const RouteInfo&, const RouteInfo&) = default;
};

/// What `martlet_checks` says now: other sums would be another number.
inline constexpr int64_t kMartletChecks = 1;

/// An INFO of its own between Martlets: what its sender has told on this route so far, to be
/// compared with what has come. Not the reference's; docs/clusters.md describes it.
struct InterestCheck {
  std::string account;    // empty: none, this is another INFO
  int64_t filters = 0;    // told there
  std::string sum;        // of them, in hexadecimal
  bool replayed = false;  // all of it has been told anew since it was asked for
  bool replay = false;    // asks for that; nothing else counts then
  friend bool operator==(const InterestCheck&, const InterestCheck&) = default;
};

inline constexpr int64_t kGossipDefault = 0;
inline constexpr int64_t kGossipDisabled = 1;
inline constexpr int64_t kGossipOverride = 2;

/// Appends `INFO {json} ` and CR LF, members in the reference's order. The blank is real.
void WriteRouteInfo(const RouteInfo& info, std::string& out);
/// The same without the blank, as servers forward what they heard of others.
void WriteGossip(const RouteInfo& info, std::string& out);
/// Reads the argument of an INFO. Unknown members are skipped; an error, in Go's words, is bad JSON
/// or a wrong type.
absl::StatusOr<RouteInfo> ReadRouteInfo(std::string_view text);

/// Appends the INFO line that checks whom a server knows. Read as any other.
void WriteMembersCheck(int64_t members, std::string_view sum, std::string& out);
/// Appends the INFO line.
void WriteInterestCheck(const InterestCheck& check, std::string& out);
/// Reads the argument of any INFO; without account and `replay` it is none of these. What is of a
/// wrong type is taken for missing.
InterestCheck ReadInterestCheck(std::string_view text);

/// The CONNECT of a server that dialled. Source: spec route-protocol.md section 2.
struct RouteConnect {
  bool echo = true;
  bool verbose = false;
  bool pedantic = false;
  std::string user;
  std::string pass;
  bool tls_required = false;
  bool headers = true;
  std::string name;     // its server id
  std::string cluster;  // cluster name
  bool cluster_dynamic = false;
  bool lnoc = false;
  bool lnocu = false;
  bool ln = false;
  std::string lang;     // never of a server: a client on the wrong port
  std::string gateway;  // a gateway on the wrong port
  friend bool operator==(const RouteConnect&, const RouteConnect&) = default;
};

/// Appends `CONNECT {json}` and CR LF, members in the reference's order.
void WriteRouteConnect(const RouteConnect& connect, std::string& out);
absl::StatusOr<RouteConnect> ReadRouteConnect(std::string_view text);

}  // namespace martlet::proto
