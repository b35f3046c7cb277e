#include "base/syslog_target.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <utility>

#include "base/go_text.h"
#include "base/net_address.h"

namespace martlet::base {
namespace {

// A peer that does not even acknowledge for so long is gone.
constexpr int kTcpGoneMs = 30'000;

bool IsSchemeCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
}

absl::Status ParseError(std::string_view url, const std::string& why) {
  return absl::InvalidArgumentError("parse " + GoQuote(url) + ": " + why);
}

// What stands between "//" and the next '/', '?' or '#', without user and password.
std::string_view HostOf(std::string_view rest) {
  if (!rest.starts_with("//")) return {};
  rest.remove_prefix(2);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const size_t at = rest.rfind('@');
  return at == rest.npos ? rest : rest.substr(at + 1);
}

std::string_view PathOf(std::string_view rest) {
  rest = rest.substr(0, rest.find_first_of("?#"));
  if (!rest.starts_with("//")) return rest;
  const size_t slash = rest.find('/', 2);
  return slash == rest.npos ? std::string_view() : rest.substr(slash);
}

// The colon in front of the port, or npos.
size_t PortColon(std::string_view host) {
  const size_t bracket = host.rfind(']');
  const size_t colon = host.rfind(':');
  return bracket != host.npos && colon != host.npos && colon < bracket ? host.npos : colon;
}

// Go's Dial says which step failed.
absl::Status DialError(const std::string& what, const char* step, int error) {
  return absl::UnavailableError("dial " + what + ": " + step + ": " + GoErrno(error));
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

absl::StatusOr<Addresses> Resolve(const SyslogTarget& target, const std::string& network) {
  const std::string_view address = target.address;
  const size_t colon = PortColon(address);
  if (colon == address.npos) {
    return absl::InvalidArgumentError("dial " + network + ": address " + target.address +
                                      ": missing port in address");
  }
  std::string host(address.substr(0, colon));
  const std::string port(address.substr(colon + 1));
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = target.network == SyslogNetwork::kTcp ? SOCK_STREAM : SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int error =
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) {
    const std::string why = error == EAI_NONAME ? "no such host" : ::gai_strerror(error);
    return absl::NotFoundError("dial " + network + ": lookup " + host + ": " + why);
  }
  return Addresses(list);
}

// The answer of a connect that is on its way: an errno, 0 for success.
int WaitForConnect(int fd, std::chrono::milliseconds patience) {
  pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
  if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t bytes = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

int Connect(int fd, const sockaddr* address, socklen_t length, std::chrono::milliseconds patience) {
  if (::connect(fd, address, length) == 0) return 0;
  return errno == EINPROGRESS ? WaitForConnect(fd, patience) : errno;
}

absl::StatusOr<SyslogSocket> DialHost(const SyslogTarget& target,
                                      std::chrono::milliseconds patience) {
  const bool tcp = target.network == SyslogNetwork::kTcp;
  const std::string network = tcp ? "tcp" : "udp";
  const absl::StatusOr<Addresses> list = Resolve(target, network);
  if (!list.ok()) return list.status();

  absl::Status first = absl::OkStatus();
  for (const addrinfo* entry = list->get(); entry != nullptr; entry = entry->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.length = entry->ai_addrlen;
    UniqueFd fd(::socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int error = fd ? Connect(fd.get(), address.get(), address.length, patience) : errno;
    if (error == 0) {
      const unsigned gone_ms = kTcpGoneMs;
      const int on = 1;
      if (tcp) {
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof gone_ms);
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      }
      return SyslogSocket{std::move(fd), tcp};
    }
    const std::string what = network + " " + address.text();
    if (!first.ok()) continue;
    first = error == ETIMEDOUT ? absl::UnavailableError("dial " + what + ": i/o timeout")
                               : DialError(what, fd ? "connect" : "socket", error);
  }
  return first;
}

absl::StatusOr<SyslogSocket> DialPath(const std::string& path, int type) {
  const bool stream = type == SOCK_STREAM;
  const std::string what = (stream ? "unix " : "unixgram ") + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return DialError(what, "connect", EINVAL);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return DialError(what, "socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return DialError(what, "connect", errno);
  }
  return SyslogSocket{std::move(fd), stream};
}

absl::StatusOr<SyslogSocket> DialUnix(const std::string& path) {
  absl::StatusOr<SyslogSocket> stream = DialPath(path, SOCK_STREAM);
  if (stream.ok()) return stream;
  absl::StatusOr<SyslogSocket> datagrams = DialPath(path, SOCK_DGRAM);
  return datagrams.ok() ? std::move(datagrams) : std::move(stream);
}

// In the order of Go's log/syslog.
absl::StatusOr<SyslogSocket> DialLocal() {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    for (const char* path : {"/dev/log", "/var/run/syslog", "/var/run/log"}) {
      if (absl::StatusOr<SyslogSocket> found = DialPath(path, type); found.ok()) return found;
    }
  }
  return absl::UnavailableError("Unix syslog delivery error");
}

}  // namespace

absl::StatusOr<SyslogTarget> ParseSyslogUrl(std::string_view url) {
  const size_t colon = url.find(':');
  std::string scheme(url.substr(0, colon == url.npos ? 0 : colon));
  if (colon == 0) return ParseError(url, "missing protocol scheme");
  const bool starts_with_letter =
      !scheme.empty() && std::isalpha(static_cast<unsigned char>(scheme[0])) != 0;
  if (!scheme.empty() &&
      (!starts_with_letter || !std::all_of(scheme.begin(), scheme.end(), IsSchemeCharacter))) {
    return ParseError(url, "first path segment in URL cannot contain colon");
  }
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });

  const std::string_view rest = colon == url.npos ? std::string_view() : url.substr(colon + 1);
  if (scheme == "unix") return SyslogTarget{SyslogNetwork::kUnix, std::string(PathOf(rest))};
  if (scheme != "udp" && scheme != "tcp") {
    return absl::InvalidArgumentError("error invalid network type: " + GoQuote(scheme));
  }
  const std::string_view host = HostOf(rest);
  if (const size_t port = PortColon(host); port != host.npos) {
    const std::string_view digits = host.substr(port + 1);
    if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      return ParseError(url, "invalid port " + GoQuote(host.substr(port)) + " after host");
    }
  }
  return SyslogTarget{scheme == "udp" ? SyslogNetwork::kUdp : SyslogNetwork::kTcp,
                      std::string(host)};
}

absl::StatusOr<SyslogSocket> DialSyslog(const SyslogTarget& target,
                                        std::chrono::milliseconds patience) {
  switch (target.network) {
    case SyslogNetwork::kLocal:
      return DialLocal();
    case SyslogNetwork::kUnix:
      return DialUnix(target.address);
    case SyslogNetwork::kUdp:
    case SyslogNetwork::kTcp:
      return DialHost(target, patience);
  }
  return absl::InternalError("no such network");
}

}  // namespace martlet::base
