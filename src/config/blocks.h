// What the blocks of a configuration say. Plain data, as the file gives it: zero means that the
// file is silent, and the default holds.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/url.h"
#include "config/value.h"

namespace martlet::config {

using std::chrono::nanoseconds;

struct Tls {
  std::string cert_file;
  std::string key_file;
  std::string ca_file;
  struct Pair {
    std::string cert_file;
    std::string key_file;
  };
  std::vector<Pair> certificates;
  bool insecure = false;
  bool verify = false;
  bool verify_and_map = false;
  bool check_known_urls = false;
  bool allow_insecure_ciphers = false;
  std::vector<std::string> cipher_suites;      // empty: the default ones
  std::vector<std::string> curve_preferences;  // likewise
  double timeout_seconds = 0;
  int64_t connections_per_second = 0;
  std::vector<std::string> pinned_certs;  // hex, in small letters
  bool handshake_first = false;
  nanoseconds handshake_first_fallback{0};
  std::string min_version;
  std::string cert_store;  // Windows
};

struct SubjectPermission {
  std::optional<std::vector<std::string>> allow;
  std::optional<std::vector<std::string>> deny;
};
struct ResponsePermission {
  int64_t messages_max = 1;
  nanoseconds expires = std::chrono::minutes(2);
};
struct Permissions {
  std::optional<SubjectPermission> publish;    // of routes: import
  std::optional<SubjectPermission> subscribe;  // of routes: export
  std::optional<ResponsePermission> response;
};

struct User {
  std::string name;
  std::string password;
  std::string nkey;  // then name and password are empty
  std::string account;
  std::optional<Permissions> permissions;
  std::vector<std::string> connection_types;
  bool proxy_required = false;
};

struct AuthCallout {
  std::string issuer;
  std::string account;
  std::vector<std::string> auth_users;
  std::string xkey;
  std::vector<std::string> allowed_accounts;
};

struct Authorization {
  std::string user;
  std::string password;
  std::string token;
  std::string nkey;     // of leaf nodes
  std::string account;  // of leaf nodes
  double timeout_seconds = 0;
  std::optional<std::vector<User>> users;  // users with nkeys apart
  std::vector<User> nkeys;
  std::optional<Permissions> default_permissions;
  std::optional<AuthCallout> callout;
  bool proxy_required = false;
};

struct Compression {
  std::string mode;
  std::vector<nanoseconds> rtt_thresholds;
};

struct Listen {
  std::string host;
  int64_t port = 0;
};

struct Cluster {
  bool given = false;
  std::string name;
  Listen listen;
  std::string user;
  std::string password;
  double auth_timeout_seconds = 0;
  std::optional<Permissions> permissions;
  std::vector<base::Url> routes;
  std::optional<Tls> tls;
  std::string advertise;
  bool no_advertise = false;
  int64_t connect_retries = 0;
  bool connect_backoff = false;
  int64_t pool_size = 0;
  std::vector<std::string> pinned_accounts;
  Compression compression;
  nanoseconds ping_interval{0};
  int64_t ping_max = 0;
  nanoseconds write_deadline{0};
  std::string write_timeout;
  nanoseconds accept_after_mesh{0};
};

/// A destination of a subject mapping.
struct MapDestination {
  std::string subject;
  int weight = 0;  // per cent
  std::string cluster;
};
struct Mapping {
  std::string source;
  std::vector<MapDestination> destinations;
  Location where;
};

struct Export {
  std::string account;  // that exports
  std::string subject;
  bool is_service = false;
  std::vector<std::string> accounts;  // empty: everybody
  std::string response_type;
  nanoseconds response_threshold{0};
  std::string latency_subject;
  int64_t latency_sampling = 0;  // 0 with a subject: headers
  uint64_t account_token_position = 0;
  bool allow_trace = false;
};
struct Import {
  std::string account;  // that imports
  std::string from;     // account that exports
  std::string subject;
  bool is_service = false;
  std::string to;
  std::string prefix;
  bool share = false;
  bool allow_trace = false;
};

struct Account {
  std::string name;
  std::string nkey;
  std::optional<Permissions> default_permissions;
  std::vector<Mapping> mappings;
  int64_t max_connections = 0;
  int64_t max_subscriptions = 0;
  int64_t max_payload_bytes = 0;
  int64_t max_leafnodes = 0;
  bool jetstream = false;
  std::string trace_destination;
  int64_t trace_sampling = 0;
};

struct Websocket {
  bool given = false;
  Listen listen;
  std::string advertise;
  bool no_tls = false;
  std::optional<Tls> tls;
  bool same_origin = false;
  std::vector<std::string> allowed_origins;
  nanoseconds handshake_timeout{0};
  bool compression = false;
  Authorization authorization;
  std::string jwt_cookie;
  std::string user_cookie;
  std::string password_cookie;
  std::string token_cookie;
  std::string no_auth_user;
  std::map<std::string, std::string> headers;
  nanoseconds ping_interval{0};
};

}  // namespace martlet::config
