#include "base/net_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.h"

namespace martlet::base {
namespace {

template <typename T>
SocketAddress FromKernel(const T& address) {
  SocketAddress out;
  std::memcpy(&out.storage, &address, sizeof(address));
  out.length = sizeof(address);
  return out;
}

SocketAddress Ipv6(const char* text, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, text, &address.sin6_addr), 1);
  return FromKernel(address);
}

TEST(SocketAddress, Ipv4IsHostAndPort) {
  sockaddr_in kernel{};
  kernel.sin_family = AF_INET;
  kernel.sin_port = htons(4222);
  kernel.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const SocketAddress address = FromKernel(kernel);
  EXPECT_EQ(address.host(), "127.0.0.1");
  EXPECT_EQ(address.port(), 4222);
  EXPECT_EQ(address.text(), "127.0.0.1:4222");
}

TEST(SocketAddress, Ipv6GetsBrackets) {
  EXPECT_EQ(Ipv6("::1", 4222).host(), "::1");
  EXPECT_EQ(Ipv6("::1", 4222).text(), "[::1]:4222");
}

TEST(SocketAddress, Ipv4InIpv6ReadsAsIpv4) {
  EXPECT_EQ(Ipv6("::ffff:10.0.0.7", 1).text(), "10.0.0.7:1");
}

TEST(SocketAddress, LinkLocalTellsItsZone) {
  const unsigned loopback = ::if_nametoindex("lo");
  if (loopback == 0) GTEST_SKIP() << "no interface named lo";
  sockaddr_in6 kernel{};
  kernel.sin6_family = AF_INET6;
  kernel.sin6_scope_id = loopback;
  ASSERT_EQ(::inet_pton(AF_INET6, "fe80::1", &kernel.sin6_addr), 1);
  EXPECT_EQ(FromKernel(kernel).host(), "fe80::1%lo");
}

TEST(SocketAddress, OtherFamiliesHaveNoText) { EXPECT_EQ(SocketAddress().host(), ""); }

TEST(JoinHostPort, BracketsWhatHasAColon) {
  EXPECT_EQ(JoinHostPort("localhost", 4222), "localhost:4222");
  EXPECT_EQ(JoinHostPort("::", 0), "[::]:0");
}

TEST(ResolveListen, KeepsNumericHostsAndPorts) {
  absl::StatusOr<SocketAddress> address = ResolveListen("127.0.0.1", 4222);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->text(), "127.0.0.1:4222");
  EXPECT_EQ(address->family(), AF_INET);
  EXPECT_EQ(address->length, sizeof(sockaddr_in));

  address = ResolveListen("::1", 4222);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->text(), "[::1]:4222");
}

TEST(ResolveListen, EveryWildcardIsTheSameOne) {
  const absl::StatusOr<SocketAddress> any = ResolveListen("::", 4222);
  ASSERT_TRUE(any.ok()) << any.status();
  if (any->family() != AF_INET6) GTEST_SKIP() << "no IPv6 here";
  for (const char* host : {"0.0.0.0", ""}) {
    const absl::StatusOr<SocketAddress> address = ResolveListen(host, 4222);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->text(), "[::]:4222") << host;
  }
}

TEST(ResolveListen, MinusOneAsksForAnyPort) {
  const absl::StatusOr<SocketAddress> address = ResolveListen("127.0.0.1", -1);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->port(), 0);
}

TEST(ResolveListen, PrefersIpv4ForNames) {
  const absl::StatusOr<SocketAddress> address = ResolveListen("localhost", 4222);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->text(), "127.0.0.1:4222");
}

TEST(ResolveListen, RefusesWhatIsNoPort) {
  for (const int port : {70000, -5}) {
    EXPECT_EQ(ResolveListen("127.0.0.1", port).status().message(),
              "listen tcp: address " + std::to_string(port) + ": invalid port");
  }
}

TEST(ResolveListen, RefusesWhatIsNoHost) {
  const absl::Status status = ResolveListen("[::1]", 4222).status();
  EXPECT_EQ(status.message().substr(0, 24), "listen tcp: lookup [::1]") << status;
}

// A connected socket and the address of its peer.
struct Connected {
  UniqueFd fd;
  SocketAddress peer;

  Connected(const std::string& host, const std::string& from) {
    SocketAddress address = *ResolveListen(host, 0);
    const UniqueFd listener(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener.get(), address.get(), address.length), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener.get(), address.get(), &address.length), 0);
    fd.Reset(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress local = *ResolveListen(from, 0);
    EXPECT_EQ(::bind(fd.get(), local.get(), local.length), 0);
    EXPECT_EQ(::connect(fd.get(), address.get(), address.length), 0);
    EXPECT_EQ(::getpeername(fd.get(), peer.get(), &peer.length), 0);
  }
};

TEST(IsOnThisHost, TellsByTheAddressesOfBothEnds) {
  const Connected loopback("127.0.0.1", "127.0.0.2");
  EXPECT_TRUE(IsOnThisHost(loopback.fd.get(), loopback.peer.host()));
  EXPECT_FALSE(IsOnThisHost(loopback.fd.get(), "192.0.2.1"));
  for (const std::string& own : GlobalUnicastAddresses()) {
    const Connected connected(own, own);
    EXPECT_TRUE(IsOnThisHost(connected.fd.get(), connected.peer.host())) << own;
  }
}

TEST(InterfaceAddresses, HoldTheGlobalOnesAndLoopback) {
  const std::vector<std::string> all = InterfaceAddresses();
  const std::vector<std::string> global = GlobalUnicastAddresses();
  EXPECT_NE(std::find(all.begin(), all.end(), "127.0.0.1"), all.end());
  EXPECT_EQ(std::find(global.begin(), global.end(), "127.0.0.1"), global.end());
  for (const std::string& address : global) {
    EXPECT_NE(std::find(all.begin(), all.end(), address), all.end()) << address;
    EXPECT_NE(address.substr(0, 4), "fe80");
  }
}

}  // namespace
}  // namespace martlet::base
