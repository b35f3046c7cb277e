#include "cli/connection_flags.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::cli {
namespace {

client::Target First(const ConnectionFlags& flags) {
  const auto targets = flags.Targets();
  EXPECT_TRUE(targets.ok()) << targets.status();
  return targets.ok() ? targets->front() : client::Target{};
}

TEST(ConnectionFlags, EveryServerOfTheListIsATarget) {
  const auto targets = ConnectionFlags{.servers = "a, tls://b:1"}.Targets();
  ASSERT_TRUE(targets.ok());
  ASSERT_EQ(targets->size(), 2u);
  EXPECT_EQ((*targets)[0].url(), "nats://a:4222");
  EXPECT_EQ((*targets)[1].url(), "tls://b:1");
  EXPECT_FALSE(ConnectionFlags{.servers = " "}.Targets().ok());
  EXPECT_FALSE(ConnectionFlags{.servers = "a,http://b"}.Targets().ok());
}

TEST(ConnectionFlags, AUserWithoutPasswordIsAToken) {
  EXPECT_EQ(First({.user = "u"}).token, "u");
  EXPECT_EQ(First({.user = "u"}).user, "");
  const client::Target target = First({.user = "u", .password = "p"});
  EXPECT_EQ(target.user, "u");
  EXPECT_EQ(target.password, "p");
  EXPECT_EQ(target.token, "");
  EXPECT_EQ(First({.user = "u", .password = "p", .token = "t"}).token, "t");
}

TEST(ConnectionFlags, WhatTheUrlSaysWins) {
  const client::Target target = First({.servers = "x:y@a", .user = "u", .password = "p"});
  EXPECT_EQ(target.user, "x");
  EXPECT_EQ(target.password, "y");
}

TEST(ConnectionFlags, TlsFilesRequireTls) {
  EXPECT_FALSE(First({}).tls.required);
  EXPECT_TRUE(First({.tls_cert = "c", .tls_key = "k"}).tls.required);
  EXPECT_TRUE(First({.tls_ca = "ca"}).tls.required);
  EXPECT_TRUE(First({.tls_first = true}).tls.handshake_first);
}

}  // namespace
}  // namespace martlet::cli
