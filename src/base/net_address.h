// Socket addresses as text and back, and the addresses of this machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include <absl/status/statusor.h>

namespace martlet::base {

/// Connections that wait to be accepted, of a listening socket of ours.
inline constexpr int kListenBacklog = 4096;

/// One IPv4 or IPv6 address with its port, in the kernel's form. A value.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);  // ready for accept(2) and getpeername(2)

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }

  /// Numeric, without port: "127.0.0.1", "::1", "fe80::1%eth0"; an IPv4 address mapped into IPv6
  /// (a client of a dual-stack listener) reads as plain IPv4, as in Go. Empty for other families.
  std::string host() const;
  uint16_t port() const;
  /// JoinHostPort of the two.
  std::string text() const;
};

/// Whether the peer of a connected socket is on this host: over loopback, or the host's own address
/// at both ends. `peer` is the text of the peer's (SocketAddress::host).
bool IsOnThisHost(int fd, std::string_view peer);

/// "127.0.0.1:4222", "[::1]:4222": a host with a colon gets brackets. Go's net.JoinHostPort.
std::string JoinHostPort(std::string_view host, int port);

/// True for the hosts that mean every interface: "", "0.0.0.0", "::".
bool IsWildcardHost(std::string_view host);

/// Where to bind for a configured host and port; port -1 asks for any free one. Blocks on the
/// resolver for a name (IPv4 is preferred), so for start-up only.
///
/// Any wildcard, 0.0.0.0 too, gives the IPv6 wildcard where this machine can take IPv4 clients
/// through it: Go listens dual-stack for each of them, so the reference does. The listener
/// therefore turns IPV6_V6ONLY off on every AF_INET6 socket before it binds.
///
/// Errors read like Go's: `listen tcp: address 70000: invalid port`,
/// `listen tcp: lookup nowhere.invalid: no such host`.
absl::StatusOr<SocketAddress> ResolveListen(const std::string& host, int port);

/// Every address of every interface, loopback and link-local ones included, without zone and in
/// the order of the interfaces: what a wildcard stands for in the ports file.
std::vector<std::string> InterfaceAddresses();

/// Of those the ones worth telling to clients: neither loopback, link-local nor multicast (Go's
/// IsGlobalUnicast, so private networks are in). Used for connect_urls.
std::vector<std::string> GlobalUnicastAddresses();

}  // namespace martlet::base
