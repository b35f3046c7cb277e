#include "base/url.h"

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

TEST(ParseUrl, TakesThePartsOfARoute) {
  const std::optional<Url> url = ParseUrl("nats-route://us%20er:p%40ss@host:6222/x?y=z#f");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "nats-route");
  EXPECT_TRUE(url->has_user);
  EXPECT_TRUE(url->has_password);
  EXPECT_EQ(url->user, "us er");
  EXPECT_EQ(url->password, "p@ss");
  EXPECT_EQ(url->host, "host:6222");
  EXPECT_EQ(url->hostname(), "host");
  EXPECT_EQ(url->port(), "6222");
  EXPECT_EQ(url->path, "/x");
  EXPECT_EQ(url->query, "y=z");
  EXPECT_EQ(url->fragment, "f");
  EXPECT_EQ(url->Redacted(), "nats-route://us%20er:xxxxx@host:6222/x?y=z#f");
}

TEST(ParseUrl, KnowsIpv6AndWhatIsLeftOut) {
  EXPECT_EQ(ParseUrl("nats://[::1]:1")->hostname(), "::1");
  EXPECT_EQ(ParseUrl("nats://[::1]:1")->port(), "1");
  EXPECT_EQ(ParseUrl("nats://[::1]")->port(), "");
  EXPECT_EQ(ParseUrl("nats://h")->hostname(), "h");
  EXPECT_EQ(ParseUrl("NATS://h")->scheme, "nats");
  EXPECT_EQ(ParseUrl("nats:x")->opaque, "x");
  EXPECT_EQ(ParseUrl("")->host, "");
  EXPECT_EQ(ParseUrl("host")->path, "host");
  EXPECT_FALSE(ParseUrl("nats://user@h")->has_password);
}

TEST(ParseUrl, WritesWhatIsReadAsTheSame) {
  for (const char* text : {"nats://[fe80::1%25en0]:1", "nats://h/a%20b", "x:////a", "./a:b",
                           "nats://h/#a%25", "//h/p"}) {
    EXPECT_EQ(ParseUrl(text)->String(), text);
  }
  EXPECT_EQ(ParseUrl("%3Aa")->String(), "./:a");
  EXPECT_EQ(ParseUrl("x:/%2Fa")->String(), "x:/%2Fa");
}

TEST(ParseUrl, RefusesWhatGoRefuses) {
  for (const char* bad : {"127.0.0.1:4222", "a:b@c:1/x y\n", ":x", "nats://h:x", "nats://h:1x",
                          "nats://[::1", "nats://[::1]x", "nats://h%zz", "nats://a b",
                          "nats://u ser@h", "nats://h/%", "nats://%41"}) {
    EXPECT_FALSE(ParseUrl(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace martlet::base
