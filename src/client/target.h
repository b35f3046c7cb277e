// Where and as whom a client connects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "base/net_address.h"

namespace martlet::client {

/// Files and switches of a TLS connection; all empty and false: none.
struct TlsOptions {
  bool required = false;         // tls:// or a file given; else only when the server asks
  bool handshake_first = false;  // before the server's INFO
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  bool skip_verify = false;
};

/// One server with what it takes to be let in. A value.
struct Target {
  std::string host = "127.0.0.1";
  uint16_t port = 4222;
  std::string user;
  std::string password;
  std::string token;
  std::string nkey_seed_file;  // sign the server's nonce with this seed
  std::string creds_file;      // user JWT and seed
  TlsOptions tls;
  std::string name = "martlet";  // client name in CONNECT

  /// "nats://host:port", without anything secret.
  std::string url() const;
};

/// Reads the `nats` command line's forms: "host", "host:port", "nats://user:pass@host:port",
/// "tls://token@host". Port 4222 unless said. A list with commas gives its first.
absl::StatusOr<Target> ParseTarget(std::string_view url);

/// Every address of the target's host, in the resolver's order; at least one. Blocks on it.
absl::StatusOr<std::vector<base::SocketAddress>> ResolveAll(const Target& target);

/// The first address of the target's host, IPv4 preferred. Blocks on the resolver.
absl::StatusOr<base::SocketAddress> Resolve(const Target& target);

}  // namespace martlet::client
