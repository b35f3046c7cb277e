// What servers tell each other of others, and what clients are told: transcripts 08 to 11, 17, 32.
#include <algorithm>

#include <gtest/gtest.h>

#include "script.h"

namespace martlet::cluster {
namespace {

using proto::CloseReason;

// 08: A is the seed.
TEST(Gossip, TheSeedTellsOfANewcomer) {
  Script a(Plain());
  AcceptFrom(a, 6, "B");
  a.Take();
  AcceptFrom(a, 7, "C");
  EXPECT_EQ(a.TakeActions(),
            (Lines{"#7 > INFO off", "#7 register ID_C all", "#6 > INFO of ID_C gossip=1",
                   "clients 127.0.0.1:21001 127.0.0.1:21002 127.0.0.1:21003"}));
  EXPECT_EQ(a.last_sent(),
            "INFO {\"server_id\":\"ID_C\",\"server_name\":\"C\",\"version\":\"2.15.1\",\"proto\":3,"
            "\"go\":\"go1.27.2\",\"host\":\"127.0.0.1\",\"port\":21103,\"headers\":true,"
            "\"max_payload\":1048576,\"ip\":\"nats-route://127.0.0.1:21103/\",\"cluster\":\"C1\","
            "\"connect_urls\":[\"127.0.0.1:21003\"],\"gossip_mode\":1}\r\n");
}

TEST(Gossip, TheToldOneDialsAndTellsNobody) {
  Settings settings = Plain();
  settings.routes = {Route("nats-route://127.0.0.1:21102")};
  Script b(settings);
  b.Start();
  b.Dialed(5);
  b.Hear(5, InfoOf("B"));
  b.Take();
  const std::string gossip = InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/","gossip_mode":1)");
  b.Hear(5, gossip);
  EXPECT_TRUE(b.proceeded(5));
  EXPECT_EQ(b.TakeActions(), Lines{"connect 127.0.0.1:21103"});
  b.Hear(5, gossip);  // again, meanwhile
  EXPECT_EQ(b.Take(), Lines{});
  b.Dialed(6);
  EXPECT_EQ(b.TakeActions(), (Lines{"#6 > CONNECT", "#6 > INFO off gossip=1"}));
  b.Hear(6, InfoOf("C"));
  EXPECT_EQ(b.TakeActions(), (Lines{"#6 register ID_C all",
                                    "clients 127.0.0.1:21001 127.0.0.1:21002 127.0.0.1:21003"}));
  b.Hear(5, gossip);  // known
  EXPECT_EQ(b.Take(), Lines{});
}

TEST(Gossip, IsIgnoredForConfiguredRoutesAndOneself) {
  Settings settings = Plain();
  settings.routes = {Route("nats-route://127.0.0.1:21103"), Route("nats-route://SEED:21102")};
  Script b(settings);
  AcceptFrom(b, 1, "D");
  b.Take();
  b.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/")"));
  b.Hear(1, InfoOf("A", R"("ip":"nats-route://127.0.0.1:21101/")"));
  b.Hear(1, InfoOf("B", R"("ip":"nats-route://seed:21102/")"));
  EXPECT_EQ(b.Take(), Lines{});
}

TEST(Gossip, CarriesOwnUserWhereOneIsWanted) {
  Settings settings = Plain();
  settings.user = "u";
  settings.password = "p";
  Script b(settings);
  b.Accept(1);
  b.Hear(1, ConnectOf("B", R"("user":"u","pass":"p")"));
  b.Hear(1, InfoOf("B"));
  b.Hear(1, InfoOf("C", R"("auth_required":true,"ip":"nats-route://127.0.0.1:21103/")"));
  b.Take();
  b.Dialed(2);
  b.Take();
  b.Hear(2, "-ERR 'Authorization Violation'");
  EXPECT_EQ(b.TakeLog().back(),
            "[DBG] Attempting reconnect for solicited route "
            "\"nats-route://u:xxxxx@127.0.0.1:21103/\"");
}

// A user that is refused must not make us dial without a pause.
TEST(Gossip, ARefusedServerIsNotDialledInATightLoop) {
  Script b(Plain());
  AcceptFrom(b, 1, "B");
  b.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/")"));
  LinkId link = 1;
  for (const uint64_t began_ms = b.now_ms(); b.now_ms() < began_ms + 30'000;) {
    for (const std::string& line : b.TakeActions()) {
      if (!line.starts_with("connect")) continue;
      b.Dialed(++link);
      b.Hear(link, "-ERR 'Authorization Violation'");
    }
    b.Pass(10);
  }
  EXPECT_GE(link, 20u);
  EXPECT_LE(link, 36u);
}

// 11: the same with pools and a connection of $SYS's own.
TEST(Gossip, TellsOfEachKindOfConnectionOnce) {
  Script a(Pooled());
  AcceptFrom(a, 6, "B", kPool);
  AcceptFrom(a, 7, "B", std::string(kPool) + R"(,"route_account":"$SYS")");
  a.Take();
  AcceptFrom(a, 8, "C", std::string(kPool) + R"(,"route_account":"$SYS")");
  AcceptFrom(a, 9, "C", kPool);
  AcceptFrom(a, 10, "C", std::string(kPool) + R"(,"route_pool_idx":1)");
  Lines told;
  for (const std::string& line : a.TakeActions()) {
    if (line.find("of ID_C") != std::string::npos) told.push_back(line);
  }
  EXPECT_EQ(told, (Lines{"#7 > INFO of ID_C off pool=3 $SYS gossip=1",
                         "#6 > INFO of ID_C off pool=3 gossip=1"}));
}

// 10: the seed knows no pools, so the account is our own affair.
TEST(Gossip, OfAServerWithoutPoolsMeansDedicatedConnectionsToo) {
  Script b(Pooled());
  AcceptFrom(b, 1, "B");
  b.Take();
  b.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/","route_pool_size":3)"));
  EXPECT_EQ(b.TakeActions(), (Lines{"connect 127.0.0.1:21103", "connect 127.0.0.1:21103"}));
}

TEST(Gossip, GoesWideWhereClustersMeet) {
  // Dialled because it is configured: both ends tell all that they know.
  Settings settings = Plain();
  settings.routes = {Route("nats-route://127.0.0.1:21102")};
  Script a(settings);
  AcceptFrom(a, 1, "D");
  a.Start();
  a.Dialed(2);
  a.Take();
  a.Hear(2, InfoOf("B"));
  EXPECT_EQ(a.TakeActions().at(1), "#2 > PING");
  a.Hear(2, "PONG");  // it has not refused us
  EXPECT_EQ(a.TakeActions(), Lines{"#1 > INFO of ID_B gossip=2"});
  AcceptFrom(a, 3, "C");
  const Lines lines = a.TakeActions();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "#2 > INFO of ID_C gossip=2"), lines.end());
  EXPECT_NE(std::find(lines.begin(), lines.end(), "#1 > INFO of ID_C gossip=1"), lines.end());
  a.Pass(5000);
  a.Take();
  AcceptFrom(a, 4, "E", R"("gossip_mode":1)");
  for (const std::string& line : a.TakeActions()) {
    EXPECT_EQ(line.find("of ID_E"), std::string::npos) << line;
  }
}

// The seed told C of all that it knew, and all of C; D came here meanwhile.
TEST(Gossip, TwoThatComeAtTheSameTimeHearOfEachOther) {
  for (const uint64_t between_ms : {100, 5000}) {
    Script b(Plain());
    AcceptFrom(b, 1, "B");
    AcceptFrom(b, 2, "D");
    b.Pass(between_ms);
    b.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/","gossip_mode":1)"));
    b.Dialed(3);
    b.Hear(3, InfoOf("C"));
    b.Take();
    b.Hear(3, "PONG");
    EXPECT_EQ(b.TakeActions(), between_ms == 100 ? Lines{"#2 > INFO of ID_C gossip=1"} : Lines{});
  }
}

// The same from the other side: D has just joined here, and C, who comes because it was told of us,
// says that all know of it.
TEST(Gossip, WhoComesFromGossipIsToldOfToThoseWhoHaveJustJoined) {
  for (const uint64_t between_ms : {100, 5000}) {
    Script b(Plain());
    AcceptFrom(b, 1, "D");
    AcceptFrom(b, 2, "E", R"("gossip_mode":1)");  // of it others tell
    b.Pass(between_ms);
    b.Take();
    AcceptFrom(b, 3, "C", R"("gossip_mode":1)");
    Lines sent = b.TakeActions();
    std::erase_if(sent, [](const std::string& line) { return line.find(" of ") == line.npos; });
    EXPECT_EQ(sent, between_ms == 100 ? Lines{"#1 > INFO of ID_C gossip=1"} : Lines{});
  }
}

// B told us of C and C of us. Who has come since B went knows of neither.
TEST(Gossip, HoldsNoLongerThanTheOneWhoTold) {
  for (const bool gone : {false, true}) {
    Script a(Plain());
    AcceptFrom(a, 1, "B");
    a.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/","gossip_mode":1)"));
    if (gone) a.Hear(1, "[FIN]");
    a.Take();
    a.Dialed(2);
    EXPECT_EQ(a.TakeActions(),
              (Lines{"#2 > CONNECT", gone ? "#2 > INFO off" : "#2 > INFO off gossip=1"}));
  }
}

// Another server than the one that we were told of: all have to be told.
TEST(Gossip, IsOfAServerNotOfItsAddress) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  a.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/","gossip_mode":1)"));
  a.Dialed(2);
  a.Hear(2, InfoOf("D"));
  a.Take();
  a.Hear(2, "PONG");
  EXPECT_EQ(a.TakeActions(), Lines{"#1 > INFO of ID_D"});
}

// Broken, or closed by a peer that had another name for a while and did not take what it was told.
TEST(Gossip, AClosedConnectionOfAPoolTakesNoneWithIt) {
  for (const CloseReason reason : {CloseReason::kReadError, CloseReason::kClientClosed}) {
    Script a(Pooled());
    AcceptFrom(a, 1, "B", kPool);
    AcceptFrom(a, 2, "B", std::string(kPool) + R"(,"route_pool_idx":1)");
    AcceptFrom(a, 3, "C", kPool);
    a.Take();
    a.Closed(1, reason);
    EXPECT_EQ(a.TakeActions(), Lines{"#2 > INFO of ID_C off pool=3 gossip=1"});
  }
}

// 17: lame duck.
TEST(ClientUrls, GoAtOnceWhenAServerSaysThatItWillGo) {
  Script b(Plain());
  AcceptFrom(b, 1, "B");
  b.Take();
  b.Hear(1, InfoOf("B", R"("ldm":true)"));
  EXPECT_EQ(b.Take(), Lines{"clients 127.0.0.1:21001"});
  b.Hear(1, "[FIN]");
  EXPECT_EQ(b.TakeActions(), Lines{});
}

TEST(ClientUrls, TheLameDuckSaysSoToEachServerOnce) {
  Script a(Pooled());
  AcceptFrom(a, 1, "B", kPool);
  AcceptFrom(a, 2, "B", std::string(kPool) + R"(,"route_pool_idx":1)");
  a.Take();
  a.LameDuck();
  EXPECT_EQ(a.Take(), Lines{"#1 > INFO pool=3 ldm"});
}

TEST(ClientUrls, GoWithTheLastConnection) {
  Script a(Pooled());
  AcceptFrom(a, 1, "B", kPool);
  AcceptFrom(a, 2, "B", std::string(kPool) + R"(,"route_pool_idx":1)");
  a.Take();
  a.Hear(1, "[FIN]");
  EXPECT_EQ(a.TakeActions(), Lines{});
  a.Hear(2, "[FIN]");
  EXPECT_EQ(a.TakeActions(), Lines{"clients 127.0.0.1:21001"});
}

// 28: no_advertise hides own addresses from peers and peers' addresses from own clients.
TEST(ClientUrls, AreNotToldWithNoAdvertise) {
  Settings settings = Plain();
  settings.no_advertise = true;
  Script b(settings);
  b.Accept(1);
  EXPECT_EQ(b.last_sent().find("connect_urls"), std::string::npos);
  b.Hear(1, ConnectOf("B"));
  b.Take();
  b.Hear(1, InfoOf("B"));
  EXPECT_EQ(b.TakeActions(), Lines{"#1 register ID_B all"});
}

// 32: a server without pools goes; it may come back as one with them.
TEST(Closing, APeerWithoutPoolsIsLookedForOnce) {
  Script a(Pooled());
  AcceptFrom(a, 5, "B");
  a.Pass(1000);
  a.Take();
  a.Hear(5, "[FIN]");
  EXPECT_EQ(a.Take(),
            (Lines{"[INF] #5 - Router connection closed: Client Closed - Remote: B",
                   "[DBG] Trying to connect to route on 127.0.0.1:21102 (127.0.0.1:21102)",
                   "connect 127.0.0.1:21102",
                   "[DBG] Trying to connect to route on 127.0.0.1:21102 (127.0.0.1:21102)",
                   "connect 127.0.0.1:21102", "clients 127.0.0.1:21001"}));
  a.DialFails();
  a.DialFails();
  EXPECT_EQ(a.TakeLog().size(), 2u);
  a.Pass(200'000);
  EXPECT_EQ(a.Take(), Lines{});
}

TEST(Closing, AGossipedServerIsTriedAgainSoonAndThenForgottenIfItLeft) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  a.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/")"));
  a.Dialed(2);
  a.Hear(2, InfoOf("C"));
  a.Pass(5000);
  a.Take();
  a.Hear(2, "[FIN]");
  a.Pass(100);
  EXPECT_EQ(a.TakeActions(),
            (Lines{"clients 127.0.0.1:21001 127.0.0.1:21002", "connect 127.0.0.1:21103"}));
  a.DialFails("dial tcp 127.0.0.1:21103: connect: connection refused");
  a.Take();
  a.Pass(200'000);
  EXPECT_EQ(a.Take(), Lines{});
}

TEST(Closing, AServerLostToAnErrorIsNotForgotten) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  a.Take();
  a.Closed(1, CloseReason::kStaleConnection);
  a.Take();
  a.Pass(2999);
  EXPECT_EQ(a.TakeActions(), Lines{});
  a.Pass(101);
  EXPECT_EQ(a.TakeActions(), Lines{"connect 127.0.0.1:21102"});
  a.DialFails("dial tcp 127.0.0.1:21102: i/o timeout");
  int dials = 0;
  for (int second = 0; second < 300; ++second) {
    a.Pass(1000);
    for (const std::string& line : a.TakeActions()) {
      ++dials;
      EXPECT_EQ(line, "connect 127.0.0.1:21102");
      a.DialFails("dial tcp 127.0.0.1:21102: i/o timeout");
    }
  }
  // Every second for a minute, then ever more seldom.
  EXPECT_GE(dials, 65);
  EXPECT_LE(dials, 80);
  AcceptFrom(a, 2, "B");
  a.Take();
  a.Pass(100'000);
  EXPECT_EQ(a.Take(), Lines{});
}

TEST(Closing, ALostServerFoundAgainGetsItsAccountsConnectionAtOnce) {
  Script a(Pooled());
  AcceptFrom(a, 1, "B", kPool);
  a.Closed(1, CloseReason::kStaleConnection);
  a.Pass(3100);
  a.Take();
  a.Dialed(2);
  a.Hear(2, InfoOf("B", kPool));
  const Lines lines = a.TakeActions();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "connect 127.0.0.1:21102"), 1) << lines.size();
  a.Dialed(3);
  a.Hear(3, InfoOf("B", std::string(kPool) + R"(,"route_account":"$SYS")"));
  const Lines more = a.TakeActions();
  EXPECT_NE(std::find(more.begin(), more.end(), "#3 register ID_B $SYS"), more.end());
  a.Hear(2, "PONG");
  a.Dialed(4);
  a.Hear(4, InfoOf("B", kPool));
  a.Hear(4, "PONG");
  a.Dialed(5);
  a.Hear(5, InfoOf("B", kPool));
  a.Take();
  a.Pass(100'000);
  EXPECT_EQ(a.TakeActions(), Lines{});
  EXPECT_EQ(a.mesh().links(), 4u);
}

TEST(Closing, OneLostServerFoundAgainMakesForTheOthers) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  AcceptFrom(a, 2, "C");
  a.Closed(1, CloseReason::kStaleConnection);
  a.Closed(2, CloseReason::kStaleConnection);
  for (int second = 0; second < 300; ++second) {  // by now it takes 30 s from try to try
    a.Pass(1000);
    for (const std::string& line : a.TakeActions()) {
      if (line.starts_with("connect")) a.DialFails("dial tcp: i/o timeout");
    }
  }
  AcceptFrom(a, 3, "B");
  a.Take();
  a.Pass(100);
  EXPECT_EQ(a.TakeActions(), Lines{"connect 127.0.0.1:21103"});
}

TEST(Closing, AnExplicitRouteLostToAnErrorIsDialledAtOnce) {
  for (const bool error : {true, false}) {
    Settings settings = Plain();
    settings.routes = {Route("nats-route://127.0.0.1:21102")};
    Script a(settings);
    a.Start();
    a.Dialed(1);
    a.Hear(1, InfoOf("B"));
    a.Pass(5000);
    a.Take();
    a.Closed(1, error ? CloseReason::kReadError : CloseReason::kClientClosed);
    a.TakeActions();
    a.Pass(100);
    EXPECT_EQ(a.TakeActions(), error ? Lines{"connect 127.0.0.1:21102"} : Lines{});
    a.Pass(1000);
    EXPECT_EQ(a.TakeActions(), error ? Lines{} : Lines{"connect 127.0.0.1:21102"});
  }
}

TEST(Closing, StopEndsEverything) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  a.Accept(2);
  a.Take();
  a.Stop();
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 close Server Shutdown", "#2 close Server Shutdown"}));
  a.Accept(3);
  EXPECT_EQ(a.Take(), Lines{"#3 close Server Shutdown"});
  EXPECT_EQ(a.mesh().NextTimer(), UINT64_MAX);
}

}  // namespace
}  // namespace martlet::cluster
