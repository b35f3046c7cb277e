#include "base/net_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <utility>

#include "base/unique_fd.h"

namespace martlet::base {
namespace {

// Copies rather than casts: the storage is no object of these types.
template <typename T>
T As(const sockaddr* address) {
  T out;
  std::memcpy(&out, address, sizeof(out));
  return out;
}

std::string Ipv4Text(const in_addr& address) {
  char text[INET_ADDRSTRLEN];
  return ::inet_ntop(AF_INET, &address, text, sizeof(text));
}

std::string Ipv6Text(const in6_addr& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    in_addr inner;
    std::memcpy(&inner, &address.s6_addr[12], sizeof(inner));
    return Ipv4Text(inner);
  }
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, &address, text, sizeof(text));
}

std::string ZoneText(uint32_t index) {
  char name[IF_NAMESIZE];
  if (::if_indextoname(index, name) != nullptr) return name;
  return std::to_string(index);
}

SocketAddress Copy(const sockaddr* address, socklen_t length) {
  SocketAddress out;
  std::memcpy(&out.storage, address, length);
  out.length = length;
  return out;
}

SocketAddress Ipv6Wildcard(uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  return Copy(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

// Go's supportsIPv4map: can an IPv6 socket here take IPv4 traffic? Only binding one tells.
bool CanListenDualStack() {
  const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int off = 0;
  const SocketAddress any = Ipv6Wildcard(0);
  return fd && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0 &&
         ::bind(fd.get(), any.get(), any.length) == 0;
}

// Called with every AF_INET and AF_INET6 address, interface by interface.
template <typename Keep>
std::vector<std::string> CollectAddresses(Keep keep) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);

  // The C library lists all IPv4 addresses before all IPv6 ones; Go goes by interface.
  std::vector<std::pair<unsigned, std::string>> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const unsigned interface = ::if_nametoindex(entry->ifa_name);
    if (entry->ifa_addr->sa_family == AF_INET) {
      const in_addr ip = As<sockaddr_in>(entry->ifa_addr).sin_addr;
      if (keep(ip)) found.emplace_back(interface, Ipv4Text(ip));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      const in6_addr ip = As<sockaddr_in6>(entry->ifa_addr).sin6_addr;
      if (keep(ip)) found.emplace_back(interface, Ipv6Text(ip));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  out.reserve(found.size());
  for (auto& [interface, text] : found) out.push_back(std::move(text));
  return out;
}

struct IsGlobalUnicast {
  bool operator()(const in_addr& ip) const {
    const uint32_t address = ntohl(ip.s_addr);
    return address != INADDR_ANY && address != INADDR_BROADCAST && (address >> 24) != 127 &&
           !IN_MULTICAST(address) && (address >> 16) != 0xA9FE;  // 169.254/16: link-local
  }
  bool operator()(const in6_addr& ip) const {
    return !IN6_IS_ADDR_UNSPECIFIED(&ip) && !IN6_IS_ADDR_LOOPBACK(&ip) &&
           !IN6_IS_ADDR_MULTICAST(&ip) && !IN6_IS_ADDR_LINKLOCAL(&ip);
  }
};

}  // namespace

std::string SocketAddress::host() const {
  if (family() == AF_INET) return Ipv4Text(As<sockaddr_in>(get()).sin_addr);
  if (family() != AF_INET6) return "";
  const auto address = As<sockaddr_in6>(get());
  std::string text = Ipv6Text(address.sin6_addr);
  if (address.sin6_scope_id != 0) text.append("%").append(ZoneText(address.sin6_scope_id));
  return text;
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(As<sockaddr_in>(get()).sin_port);
  if (family() == AF_INET6) return ntohs(As<sockaddr_in6>(get()).sin6_port);
  return 0;
}

std::string SocketAddress::text() const { return JoinHostPort(host(), port()); }

bool IsOnThisHost(int fd, std::string_view peer) {
  if (peer.starts_with("127.") || peer == "::1") return true;
  SocketAddress own;
  return ::getsockname(fd, own.get(), &own.length) == 0 && own.host() == peer;
}

std::string JoinHostPort(std::string_view host, int port) {
  std::string out;
  const bool brackets = host.find(':') != host.npos;
  if (brackets) out += '[';
  out += host;
  if (brackets) out += ']';
  return out + ":" + std::to_string(port);
}

bool IsWildcardHost(std::string_view host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

absl::StatusOr<SocketAddress> ResolveListen(const std::string& host, int port) {
  if (port < -1 || port > 65535) {
    return absl::InvalidArgumentError("listen tcp: address " + std::to_string(port) +
                                      ": invalid port");
  }
  const auto bind_port = static_cast<uint16_t>(port == -1 ? 0 : port);
  if (IsWildcardHost(host) && CanListenDualStack()) return Ipv6Wildcard(bind_port);

  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  if (host.empty()) hints.ai_family = AF_INET;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                  std::to_string(bind_port).c_str(), &hints, &list);
  if (error != 0) {
    const std::string why = error == EAI_NONAME ? "no such host" : ::gai_strerror(error);
    return absl::NotFoundError("listen tcp: lookup " + host + ": " + why);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  const addrinfo* chosen = list;
  while (chosen != nullptr && chosen->ai_family != AF_INET) chosen = chosen->ai_next;
  if (chosen == nullptr) chosen = list;
  if (chosen == nullptr)
    return absl::NotFoundError("listen tcp: lookup " + host + ": no such host");
  return Copy(chosen->ai_addr, chosen->ai_addrlen);
}

std::vector<std::string> InterfaceAddresses() {
  return CollectAddresses([](const auto&) { return true; });
}

std::vector<std::string> GlobalUnicastAddresses() { return CollectAddresses(IsGlobalUnicast()); }

}  // namespace martlet::base
