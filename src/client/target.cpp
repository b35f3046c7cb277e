#include "client/target.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <optional>
#include <sys/socket.h>

#include "base/go_text.h"

namespace martlet::client {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

/// The first of a list with commas; empty entries count as absent, as in nats.go.
std::string_view FirstOf(std::string_view list) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view entry = Trimmed(list.substr(0, comma));
    if (!entry.empty() || comma == list.npos) return entry;
    list.remove_prefix(comma + 1);
  }
  return {};
}

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = HexDigit(text[i + 1]);
    const auto low = HexDigit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return out;
}

// The text given is not shown: it may hold a password.
absl::Status Bad(const std::string& what) {
  return absl::InvalidArgumentError("bad server URL: " + what);
}

absl::Status TakeScheme(std::string_view& url, Target& target) {
  const size_t end = url.find("://");
  if (end == url.npos) return absl::OkStatus();
  const std::string_view scheme = url.substr(0, end);
  url.remove_prefix(end + 3);
  if (scheme == "tls") {
    target.tls.required = true;
  } else if (scheme != "nats") {
    return Bad("the scheme " + base::GoQuote(scheme) + " is not supported; use nats:// or tls://");
  }
  return absl::OkStatus();
}

/// "user:password@" or "token@".
absl::Status TakeUser(std::string_view& url, Target& target) {
  const size_t end = url.rfind('@');
  if (end == url.npos) return absl::OkStatus();
  const std::string_view user_info = url.substr(0, end);
  url.remove_prefix(end + 1);
  const size_t colon = user_info.find(':');
  const auto first = PercentDecoded(user_info.substr(0, colon));
  const auto second =
      PercentDecoded(colon == user_info.npos ? std::string_view() : user_info.substr(colon + 1));
  if (!first || !second) {
    return Bad("a % before the @ must be followed by two hex digits; write %25 for a plain %");
  }
  if (colon == user_info.npos) {
    target.token = *first;
  } else {
    target.user = *first;
    target.password = *second;
  }
  return absl::OkStatus();
}

absl::Status SetPort(std::string_view text, Target& target) {
  if (text.empty()) return absl::OkStatus();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target.port);
  if (error != std::errc() || end != text.data() + text.size() || target.port == 0) {
    return Bad("the port " + base::GoQuote(text) + " is not a number from 1 to 65535");
  }
  return absl::OkStatus();
}

absl::Status SetHostAndPort(std::string_view text, Target& target) {
  std::string_view host;
  std::string_view rest;  // ":port" or nothing
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return Bad("the [ has no ]; write [::1]:4222");
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
    if (rest.find(':', 1) != rest.npos) {
      return Bad("an IPv6 address needs brackets; write [::1]:4222");
    }
  }
  if (!rest.empty() && rest.front() != ':') return Bad("after the ] comes only :port");
  const auto decoded = PercentDecoded(host);
  if (!decoded || decoded->find('\0') != decoded->npos) {
    return Bad("the host is not written rightly; write %25 for a plain %");
  }
  if (decoded->empty()) return Bad("the host is missing; write nats://host:4222");
  target.host = *decoded;
  return SetPort(rest.empty() ? rest : rest.substr(1), target);
}

}  // namespace

std::string Target::url() const {
  return (tls.required ? "tls://" : "nats://") + base::JoinHostPort(host, port);
}

absl::StatusOr<Target> ParseTarget(std::string_view url) {
  Target target;
  std::string_view left = FirstOf(url);
  if (left.empty()) return Bad("it is empty; write nats://host:4222");
  if (absl::Status taken = TakeScheme(left, target); !taken.ok()) return taken;
  // A path or a query means nothing here; nats.go takes them without a word. A '/' of a password is
  // written %2F there as well.
  left = left.substr(0, left.find_first_of("/?#"));
  if (absl::Status taken = TakeUser(left, target); !taken.ok()) return taken;
  if (absl::Status set = SetHostAndPort(left, target); !set.ok()) return set;
  return target;
}

absl::StatusOr<std::vector<base::SocketAddress>> ResolveAll(const Target& target) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error =
      ::getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &list);
  if (error != 0) {
    const std::string why = error == EAI_NONAME ? "no such host" : ::gai_strerror(error);
    return absl::NotFoundError("cannot find the server " + base::GoQuote(target.host) + ": " + why);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<base::SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    base::SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.length = entry->ai_addrlen;
  }
  return addresses;
}

absl::StatusOr<base::SocketAddress> Resolve(const Target& target) {
  const absl::StatusOr<std::vector<base::SocketAddress>> addresses = ResolveAll(target);
  if (!addresses.ok()) return addresses.status();
  const auto ipv4 = std::find_if(addresses->begin(), addresses->end(),
                                 [](const auto& address) { return address.family() == AF_INET; });
  return ipv4 == addresses->end() ? addresses->front() : *ipv4;
}

}  // namespace martlet::client
