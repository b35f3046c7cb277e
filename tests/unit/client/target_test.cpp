#include "client/target.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace martlet::client {
namespace {

Target Parsed(std::string_view url) {
  const auto target = ParseTarget(url);
  EXPECT_TRUE(target.ok()) << url << ": " << target.status();
  return target.ok() ? *target : Target{.host = "failed"};
}

std::string ErrorOf(std::string_view url) {
  const auto target = ParseTarget(url);
  EXPECT_FALSE(target.ok()) << url;
  return std::string(target.status().message());
}

TEST(ParseTarget, TakesHostAndPortInEveryForm) {
  const struct {
    std::string_view url, host;
    uint16_t port;
  } cases[] = {
      {"localhost", "localhost", 4222},
      {"localhost:14222", "localhost", 14222},
      {"localhost:", "localhost", 4222},
      {"nats://10.0.0.1", "10.0.0.1", 4222},
      {"nats://10.0.0.1:1/", "10.0.0.1", 1},
      {"  nats://a:65535/path?query#fragment ", "a", 65535},
      {"[::1]", "::1", 4222},
      {"[::1]:14222", "::1", 14222},
      {"nats://[fe80::1%25eth0]:14222", "fe80::1%eth0", 14222},
      {"a:1,b:2", "a", 1},
      {" , nats://b:2 , a:1", "b", 2},
  };
  for (const auto& c : cases) {
    const Target target = Parsed(c.url);
    EXPECT_EQ(target.host, c.host) << c.url;
    EXPECT_EQ(target.port, c.port) << c.url;
    EXPECT_FALSE(target.tls.required) << c.url;
  }
}

TEST(ParseTarget, TakesUserPasswordAndToken) {
  const Target user = Parsed("nats://us%20er:pa%40ss%3A%2f:x@host:14222");
  EXPECT_EQ(user.user, "us er");
  EXPECT_EQ(user.password, "pa@ss:/:x");
  EXPECT_EQ(user.token, "");
  EXPECT_EQ(user.host, "host");
  const Target token = Parsed("t%25k@host");
  EXPECT_EQ(token.token, "t%k");
  EXPECT_EQ(token.user, "");
  EXPECT_EQ(Parsed("user:@host").user, "user");
}

TEST(ParseTarget, TlsSchemeRequiresTls) {
  const Target target = Parsed("tls://token@host");
  EXPECT_TRUE(target.tls.required);
  EXPECT_EQ(target.token, "token");
}

TEST(ParseTarget, ErrorsSayWhatToDoAndShowNoSecret) {
  EXPECT_EQ(ErrorOf(""), "bad server URL: it is empty; write nats://host:4222");
  EXPECT_EQ(ErrorOf(" , "), "bad server URL: it is empty; write nats://host:4222");
  EXPECT_EQ(ErrorOf("http://host"),
            "bad server URL: the scheme \"http\" is not supported; use nats:// or tls://");
  EXPECT_EQ(ErrorOf("nats://host:99999"),
            "bad server URL: the port \"99999\" is not a number from 1 to 65535");
  EXPECT_EQ(ErrorOf("host:0"), "bad server URL: the port \"0\" is not a number from 1 to 65535");
  EXPECT_EQ(ErrorOf("::1"), "bad server URL: an IPv6 address needs brackets; write [::1]:4222");
  EXPECT_EQ(ErrorOf("[::1"), "bad server URL: the [ has no ]; write [::1]:4222");
  EXPECT_EQ(ErrorOf("[::1]4222"), "bad server URL: after the ] comes only :port");
  EXPECT_EQ(ErrorOf("nats://secret@"),
            "bad server URL: the host is missing; write nats://host:4222");
  EXPECT_EQ(ErrorOf("nats://secret%zz@host").find("secret"), std::string::npos);
  EXPECT_EQ(ErrorOf("nats://secret:%4").find("secret"), std::string::npos);
}

TEST(Target, UrlHasNoSecrets) {
  EXPECT_EQ(Parsed("nats://user:pass@host:14222").url(), "nats://host:14222");
  EXPECT_EQ(Parsed("tls://token@[::1]").url(), "tls://[::1]:4222");
}

TEST(Resolve, TakesNumericAddressesAndPrefersIpv4) {
  const auto ipv6 = Resolve(Parsed("[::1]:14222"));
  ASSERT_TRUE(ipv6.ok()) << ipv6.status();
  EXPECT_EQ(ipv6->text(), "[::1]:14222");
  const auto name = Resolve(Parsed("localhost:1"));
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->text(), "127.0.0.1:1");
}

TEST(Resolve, SaysWhichNameItCannotFind) {
  const auto address = Resolve(Target{.host = "no.such.name.invalid"});
  ASSERT_FALSE(address.ok());
  EXPECT_TRUE(std::string(address.status().message())
                  .starts_with("cannot find the server \"no.such.name.invalid\": "))
      << address.status();
}

}  // namespace
}  // namespace martlet::client
