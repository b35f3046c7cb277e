// Who waits for the mesh is told when it stands, and not before.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "script.h"

namespace martlet::cluster {
namespace {

Settings Awaiting(Settings settings, const std::vector<std::string>& routes) {
  settings.awaits_mesh = true;
  for (const std::string& route : routes) settings.routes.push_back(Route(route));
  return settings;
}

bool Stands(Script& script) {
  const Lines lines = script.TakeActions();
  return std::find(lines.begin(), lines.end(), "mesh stands") != lines.end();
}

TEST(FirstMesh, StandsWhenThePeerHasAnswered) {
  Script a(Awaiting(Plain(), {"nats-route://127.0.0.1:21102"}));
  a.Start();
  a.DialFails();
  EXPECT_FALSE(Stands(a));
  a.Pass(1100);
  a.Dialed(1);
  a.Hear(1, InfoOf("B"));
  const Lines lines = a.TakeActions();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "#1 > PING"), lines.end());
  EXPECT_EQ(std::find(lines.begin(), lines.end(), "mesh stands"), lines.end());
  a.Hear(1, "PONG");
  EXPECT_TRUE(Stands(a));
  a.Hear(1, "[FIN]");
  a.Pass(1100);
  a.Dialed(2);
  a.Hear(2, InfoOf("B"));
  a.Hear(2, "PONG");
  EXPECT_FALSE(Stands(a)) << "once";
}

TEST(FirstMesh, TakesAllConnectionsOfAPool) {
  Script b(Awaiting(Pooled(), {"nats-route://127.0.0.1:21101"}));
  b.Start();
  b.Dialed(1);
  b.Dialed(2);
  b.Hear(1, InfoOf("C", kPool));
  b.Hear(2, InfoOf("C", std::string(kPool) + R"(,"route_account":"$SYS")"));
  b.Hear(1, "PONG");
  b.Hear(2, "PONG");
  EXPECT_FALSE(Stands(b));
  for (const LinkId link : {LinkId{3}, LinkId{4}}) {
    b.Dialed(link);
    b.Hear(link, InfoOf("C", kPool));
    EXPECT_FALSE(Stands(b)) << link;
    b.Hear(link, "PONG");
  }
  EXPECT_TRUE(Stands(b));
}

TEST(FirstMesh, ARouteToSelfIsNotWaitedFor) {
  Script a(Awaiting(Plain(), {"nats-route://127.0.0.1:21101", "nats-route://127.0.0.1:21102"}));
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("A"));
  EXPECT_FALSE(Stands(a));
  a.Dialed(2);
  a.Hear(2, InfoOf("B"));
  a.Hear(2, "PONG");
  EXPECT_TRUE(Stands(a));
}

TEST(FirstMesh, TwoRoutesMayLeadToTheSameServer) {
  Script a(Awaiting(Plain(), {"nats-route://127.0.0.1:21102", "nats-route://10.0.0.2:21102"}));
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("B"));
  a.Hear(1, "PONG");
  EXPECT_FALSE(Stands(a));
  a.Dialed(2);
  a.Hear(2, InfoOf("B"));
  a.Hear(1, "PONG");  // to the question whether it still lives
  EXPECT_TRUE(Stands(a));
}

TEST(FirstMesh, WhatAReloadTakesOutIsNotWaitedFor) {
  Settings settings =
      Awaiting(Plain(), {"nats-route://127.0.0.1:21102", "nats-route://127.0.0.1:21103"});
  Script a(settings);
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("B"));
  a.Hear(1, "PONG");
  EXPECT_FALSE(Stands(a));
  settings.routes.pop_back();
  a.Reload(settings);
  EXPECT_TRUE(Stands(a));
}

TEST(FirstMesh, NobodyIsToldWhoDoesNotWait) {
  Settings settings = Plain();
  settings.routes = {Route("nats-route://127.0.0.1:21102")};
  Script a(settings);
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("B"));
  a.Hear(1, "PONG");
  EXPECT_FALSE(Stands(a));
}

}  // namespace
}  // namespace martlet::cluster
