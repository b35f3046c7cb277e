#include <gtest/gtest.h>

#include "script.h"

namespace martlet::cluster {
namespace {

constexpr char kRefused[] = "dial tcp 127.0.0.1:21102: connect: connection refused";

Settings WithRoute(const char* url) {
  Settings settings = Plain();
  settings.routes = {Route(url)};
  return settings;
}

TEST(Dialer, TriesAConfiguredRouteEverySecondForEver) {
  Script a(WithRoute("nats-route://127.0.0.1:21102"));
  a.Start();
  EXPECT_EQ(a.Take(),
            (Lines{"[DBG] Trying to connect to route on 127.0.0.1:21102 (127.0.0.1:21102)",
                   "connect 127.0.0.1:21102"}));
  a.DialFails();
  EXPECT_EQ(a.Take(), (Lines{"[ERR] Error trying to connect to route (attempt 1): dial tcp "
                             "127.0.0.1:21102: connect: connection refused"}));
  a.Pass(999);
  EXPECT_EQ(a.Take(), Lines{});
  a.Pass(1);
  EXPECT_EQ(a.TakeActions(), Lines{"connect 127.0.0.1:21102"});
  for (int attempt = 2; attempt <= 3599; ++attempt) {
    a.DialFails();
    EXPECT_EQ(a.Take().front(), "[DBG] Error trying to connect to route (attempt " +
                                    std::to_string(attempt) + "): " + kRefused);
    a.Pass(1000);
    ASSERT_EQ(a.TakeActions().size(), 1u);
  }
  a.DialFails();
  EXPECT_EQ(a.Take().front(),
            std::string("[ERR] Error trying to connect to route (attempt 3600): ") + kRefused);
}

TEST(Dialer, WhatAnAttemptTookIsPartOfTheSecond) {
  Script a(WithRoute("nats-route://127.0.0.1:21102"));
  a.Start();
  a.TakeActions();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    a.Pass(1000);
    a.DialFails("dial tcp 127.0.0.1:21102: i/o timeout");
    a.Pass(0);
    EXPECT_EQ(a.TakeActions(), Lines{"connect 127.0.0.1:21102"});
  }
  a.Pass(400);
  a.DialFails();
  a.Pass(599);
  EXPECT_EQ(a.TakeActions(), Lines{});
  a.Pass(1);
  EXPECT_EQ(a.TakeActions(), Lines{"connect 127.0.0.1:21102"});
}

TEST(Dialer, EveryFailureAfterALossIsAnError) {
  Script a(WithRoute("nats-route://127.0.0.1:21102"));
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("B"));
  a.Hear(1, "[FIN]");
  a.Take();
  a.Pass(1100);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    a.TakeActions();
    a.DialFails();
    EXPECT_EQ(a.TakeLog(), (Lines{"[ERR] Error trying to connect to route (attempt " +
                                  std::to_string(attempt) + "): " + kRefused}));
    a.Pass(1000);
  }
}

TEST(Dialer, BacksOffWhenToldTo) {
  Settings settings = WithRoute("nats-route://127.0.0.1:21102");
  settings.connect_backoff = true;
  Script a(settings);
  a.Start();
  for (const uint64_t delay_ms : {1000, 2000, 4000, 8000, 16000, 30000, 30000}) {
    a.DialFails();
    a.Take();
    a.Pass(delay_ms - 1);
    EXPECT_EQ(a.Take(), Lines{}) << delay_ms;
    a.Pass(1);
    EXPECT_EQ(a.TakeActions(), Lines{"connect 127.0.0.1:21102"}) << delay_ms;
  }
}

TEST(Dialer, GossipedServersGetAsManyRetriesAsConfigured) {
  Settings settings = Plain();
  settings.connect_retries = 2;
  Script a(settings);
  a.Accept(1);
  a.Hear(1, ConnectOf("B"));
  a.Hear(1, InfoOf("B"));
  a.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/","gossip_mode":1)"));
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_EQ(a.TakeActions().back(), "connect 127.0.0.1:21103");
    a.DialFails();
    EXPECT_EQ(a.Take().front().substr(0, 5), attempt == 1 ? "[ERR]" : "[DBG]");
    a.Pass(attempt < 3 ? 1000 : 900);
  }
  EXPECT_EQ(a.Take(), Lines{});
  // What gossip told of is not forgotten, but from here on nobody is told of failures.
  a.Pass(300);
  EXPECT_EQ(a.TakeActions(), Lines{"connect 127.0.0.1:21103"});
  a.DialFails();
  EXPECT_EQ(a.TakeLog().front().substr(0, 5), "[DBG]");
}

TEST(Dialer, RemovesOwnAddressesFromWhatANameMeans) {
  Script a(WithRoute("nats://localhost:21101"));
  a.Start();
  EXPECT_EQ(a.Take(), Lines{"resolve localhost:21101"});
  a.Resolved({{"127.0.0.1", 21101}, {"10.0.0.1", 21101}});
  a.Pass(100000);
  EXPECT_EQ(a.Take(), Lines{});  // a route to itself: not a word
}

TEST(Dialer, ChoosesAmongTheOtherAddresses) {
  bool seen[3] = {};
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Script a(WithRoute("nats://cluster:21101"), seed);
    a.Start();
    a.Take();
    a.Resolved({{"10.0.0.1", 21101}, {"10.0.0.2", 21101}, {"10.0.0.3", 21101}});
    const std::string connect = a.TakeActions().at(0);
    if (connect == "connect 10.0.0.1:21101") seen[0] = true;
    if (connect == "connect 10.0.0.2:21101") seen[1] = true;
    if (connect == "connect 10.0.0.3:21101") seen[2] = true;
  }
  EXPECT_FALSE(seen[0]);
  EXPECT_TRUE(seen[1]);
  EXPECT_TRUE(seen[2]);
}

TEST(Dialer, NamesThatCannotBeLookedUpAreTriedAgain) {
  Script a(WithRoute("nats://nowhere:21101"));
  a.Start();
  a.Take();
  a.Resolved({}, "lookup nowhere on 10.0.0.53:53: no such host");
  EXPECT_EQ(a.Take(), (Lines{"[ERR] Error trying to connect to route (attempt 1): lookup for host "
                             "\"nowhere\": lookup nowhere on 10.0.0.53:53: no such host"}));
  a.Pass(1000);
  EXPECT_EQ(a.Take(), Lines{"resolve nowhere:21101"});
}

TEST(Dialer, StopsWhenTheRouteIsRemoved) {
  Settings settings = WithRoute("nats-route://u:p@127.0.0.1:21102");
  Script a(settings);
  a.Start();
  a.DialFails();
  settings.routes.clear();
  a.Reload(settings);
  a.Take();
  a.Pass(1000);
  EXPECT_EQ(a.Take(), (Lines{"[DBG] Not attempting to connect to explicit route "
                             "\"nats-route://u:xxxxx@127.0.0.1:21102\", no longer part of "
                             "configured routes"}));
}

TEST(Dialer, StopsWithTheServer) {
  Script a(WithRoute("nats-route://127.0.0.1:21102"));
  a.Start();
  a.Take();
  a.Stop();
  EXPECT_EQ(a.Take(), Lines{"abandon"});
  EXPECT_EQ(a.mesh().NextTimer(), UINT64_MAX);
}

}  // namespace
}  // namespace martlet::cluster
