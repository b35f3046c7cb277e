// Two connections for one place: transcripts 20 and 21, and what the reference gets wrong.
#include <gtest/gtest.h>

#include "script.h"

namespace martlet::cluster {
namespace {

using proto::CloseReason;

// 20: the first one stays, when it still lives.
TEST(Duplicates, TheSecondIsClosedWhenTheFirstLives) {
  Script a(WithRoute(Plain()));
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("B"));
  a.Take();
  AcceptFrom(a, 2, "B");
  EXPECT_FALSE(a.proceeded(2));
  EXPECT_EQ(a.TakeActions(), (Lines{"#2 > INFO off", "#1 > PING"}));
  a.Hear(1, "PONG");
  EXPECT_EQ(a.Take(), (Lines{"[DBG] #2 - Detected duplicate remote route \"ID_B\"",
                             "#2 close Duplicate Route",
                             "[INF] #2 - Router connection closed: Duplicate Route - Remote: B"}));
  a.Pass(100'000);
  EXPECT_EQ(a.Take(), Lines{});
}

// 39: the one that was dialled is closed, and the accepted one is explicit from there on.
TEST(Duplicates, TheSurvivorInheritsThatItIsExplicit) {
  Script b(WithRoute(Plain()));
  b.Start();
  b.DialFails();
  AcceptFrom(b, 1, "B");
  b.Pass(1000);
  b.Dialed(2);
  b.Hear(2, InfoOf("B"));
  b.Take();
  b.Hear(1, "PONG");
  EXPECT_EQ(b.TakeActions(), Lines{"#2 close Duplicate Route"});
  b.Pass(5000);
  EXPECT_EQ(b.Take(), Lines{});
  b.Hear(1, "[FIN]");
  EXPECT_EQ(b.TakeLog().back(),
            "[DBG] Attempting reconnect for solicited route \"nats-route://127.0.0.1:21102\"");
  b.Pass(999);
  EXPECT_EQ(b.TakeActions(), Lines{});
  b.Pass(101);
  EXPECT_EQ(b.TakeActions(), Lines{"connect 127.0.0.1:21102"});
}

// The peer's end of the first is gone: the reference would lock it out until the first is stale.
TEST(Duplicates, TheSecondTakesThePlaceOfADeadFirst) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  a.Pass(60'000);
  AcceptFrom(a, 2, "B");
  a.Take();
  a.Pass(999);
  EXPECT_EQ(a.Take(), Lines{});
  a.Pass(1);
  EXPECT_EQ(a.Take(), (Lines{"#1 > -ERR 'Stale Connection'", "#1 close Stale Connection",
                             "#2 register ID_B all", "[DBG] #2 - Registering remote route \"ID_B\"",
                             "[INF] #1 - Router connection closed: Stale Connection - Remote: B"}));
  EXPECT_TRUE(a.proceeded(2));
  EXPECT_EQ(a.mesh().links(), 1u);
}

TEST(Duplicates, ADeadPoolIsReplacedAtOnce) {
  Script a(Pooled());
  AcceptFrom(a, 1, "B", kPool);
  AcceptFrom(a, 2, "B", std::string(kPool) + R"(,"route_pool_idx":1)");
  AcceptFrom(a, 3, "B", std::string(kPool) + R"(,"route_pool_idx":2)");
  AcceptFrom(a, 4, "B", std::string(kPool) + R"(,"route_account":"$SYS")");
  a.Pass(60'000);
  AcceptFrom(a, 5, "B", kPool);
  a.Take();
  a.Pass(1000);
  const Lines replaced = a.TakeActions();
  EXPECT_EQ(replaced,
            (Lines{"#2 > PING", "#3 > PING", "#4 > PING", "#1 > -ERR 'Stale Connection'",
                   "#1 close Stale Connection", "#5 register ID_B slot 0/3 without $SYS"}));
  a.Hear(3, "PONG");
  a.Pass(1000);
  EXPECT_EQ(a.TakeActions(), (Lines{"#2 > -ERR 'Stale Connection'", "#2 close Stale Connection",
                                    "#4 > -ERR 'Stale Connection'", "#4 close Stale Connection"}));
  EXPECT_EQ(a.mesh().links(), 2u);
}

TEST(Duplicates, TheSecondGetsThePlaceAsSoonAsItIsFree) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  AcceptFrom(a, 2, "B");
  a.Take();
  a.Closed(1, CloseReason::kReadError);
  EXPECT_EQ(a.TakeActions(), Lines{"#2 register ID_B all"});
  EXPECT_TRUE(a.proceeded(2));
  a.Pass(100'000);
  EXPECT_EQ(a.Take(), Lines{});
}

TEST(Duplicates, OnlyOneMayWait) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  AcceptFrom(a, 2, "B");
  a.Take();
  AcceptFrom(a, 3, "B");
  EXPECT_EQ(a.TakeActions(), (Lines{"#3 > INFO off", "#3 close Duplicate Route"}));
  a.Hear(2, "[FIN]");  // and it may go
  a.Hear(1, "PONG");
  EXPECT_EQ(a.TakeActions(), Lines{});
  EXPECT_EQ(a.mesh().links(), 1u);
}

/// Servers A and B dial each other; each registers the connection that it dialled, or each the one
/// that it accepted, and neither answers the other's PING. What stays?
Lines AfterMutualDial(const char* own_id, bool dialled_first) {
  Settings settings = WithRoute(Plain());
  settings.server_id = own_id;
  Script a(settings);
  a.Start();
  if (dialled_first) {
    a.Dialed(1);
    a.Hear(1, InfoOf("B"));
    AcceptFrom(a, 2, "B");
  } else {
    AcceptFrom(a, 2, "B");
    a.Dialed(1);
    a.Hear(1, InfoOf("B"));
  }
  a.Take();
  a.Pass(1000);
  return a.TakeActions();
}

TEST(Duplicates, BothSidesOfAMutualDialKeepTheSame) {
  // ID_A is smaller than ID_B: what B dialled stays.
  EXPECT_EQ(
      AfterMutualDial("ID_A", true),
      (Lines{"#1 > -ERR 'Stale Connection'", "#1 close Stale Connection", "#2 register ID_B all"}));
  EXPECT_EQ(AfterMutualDial("ID_A", false), (Lines{"#1 close Duplicate Route", "#2 > PING"}));
  // ID_C is greater: what it dialled itself stays.
  EXPECT_EQ(AfterMutualDial("ID_C", true), (Lines{"#2 close Duplicate Route", "#1 > PING"}));
  EXPECT_EQ(
      AfterMutualDial("ID_C", false),
      (Lines{"#2 > -ERR 'Stale Connection'", "#2 close Stale Connection", "#1 register ID_B all"}));
}

// What was kept though it had not answered answers now, or it has broken meanwhile.
TEST(Duplicates, WhatWasKeptHasToAnswerSoon) {
  for (const bool answers : {true, false}) {
    Script a(Plain());
    AcceptFrom(a, 1, "B");
    AcceptFrom(a, 2, "B");
    a.Pass(1000);
    a.Take();
    if (answers) a.Hear(1, "PONG");
    a.Pass(1000);
    const Lines closed = {"#1 > -ERR 'Stale Connection'", "#1 close Stale Connection",
                          "clients 127.0.0.1:21001"};
    EXPECT_EQ(a.TakeActions(), answers ? Lines{} : closed);
  }
}

/// The same with pools: what B has told the place of, it has registered.
Lines AfterMutualDialOfPools(const char* own_id, uint64_t ms_between) {
  Settings settings = WithRoute(Pooled());
  settings.server_id = own_id;
  settings.pinned_accounts.clear();
  Script a(settings);
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("B", kPool));
  a.Pass(ms_between);
  a.Take();
  AcceptFrom(a, 2, "B", kPool);
  Lines happened = a.TakeActions();
  happened.erase(happened.begin());  // the INFO at the start of each connection
  return happened;
}

TEST(Duplicates, OneSideOfAMutualDialForAPoolYieldsAtOnce) {
  EXPECT_EQ(AfterMutualDialOfPools("ID_A", 0),
            (Lines{"#1 close Duplicate Route", "#2 register ID_B slot 0/3"}));
  EXPECT_EQ(AfterMutualDialOfPools("ID_C", 0), Lines{"#1 > PING"});
  // The first is too old to be of the same time: B may have lost it and we not noticed.
  EXPECT_EQ(AfterMutualDialOfPools("ID_A", 3000), Lines{"#1 > PING"});
}

// 21: all places are taken.
TEST(Duplicates, OneMoreThanThePoolIsClosed) {
  Settings settings = WithRoute(Pooled());
  settings.pinned_accounts.clear();
  Script a(settings);
  a.Start();
  a.DialFails();
  AcceptFrom(a, 1, "B", kPool);
  AcceptFrom(a, 2, "B", std::string(kPool) + R"(,"route_pool_idx":1)");
  AcceptFrom(a, 3, "B", std::string(kPool) + R"(,"route_pool_idx":2)");
  a.Pass(1000);
  a.Dialed(4);
  a.Take();
  a.Hear(4, InfoOf("B", kPool));
  EXPECT_EQ(
      a.Take(),
      (Lines{"[DBG] #4 - Route pool size reached, closing extra connection to \"ID_B\"",
             "[DBG] #4 - Detected duplicate remote route \"ID_B\"", "#4 close Duplicate Route",
             "[INF] #4 - Router connection closed: Duplicate Route - Remote: B"}));
  a.Pass(100'000);
  EXPECT_EQ(a.Take(), Lines{});
  // All of them are explicit now.
  a.Hear(2, "[FIN]");
  EXPECT_EQ(a.TakeLog().back(),
            "[DBG] Attempting reconnect for solicited route \"nats-route://127.0.0.1:21102\"");
}

TEST(Duplicates, AreFoundForAccountsToo) {
  Script a(Pooled());
  AcceptFrom(a, 1, "B", std::string(kPool) + R"(,"route_account":"$SYS")");
  AcceptFrom(a, 2, "B", std::string(kPool) + R"(,"route_account":"$SYS")");
  a.Take();
  a.Hear(1, "PONG");
  EXPECT_EQ(a.TakeActions(), Lines{"#2 close Duplicate Route"});
}

TEST(Mending, AMissingMemberOfAPoolIsDialledAgain) {
  Script b(Pooled());
  AcceptFrom(b, 1, "B", kPool);
  b.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/","route_pool_size":3)"));
  b.Dialed(2);
  b.Hear(2, InfoOf("C", kPool));
  b.Hear(2, "PONG");
  b.Take();
  b.DialFails("dial tcp 127.0.0.1:21103: i/o timeout");  // the reference gives up here
  b.Pass(2500);
  const Lines lines = b.TakeActions();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "connect 127.0.0.1:21103"), lines.end());
}

// B tells of C, of its pool and of its connection for $SYS; both are dialled.
void HearOfC(Script& b) {
  AcceptFrom(b, 1, "B", kPool);
  const std::string where = R"("ip":"nats-route://127.0.0.1:21103/","route_pool_size":3)";
  b.Hear(1, InfoOf("C", where));
  b.Hear(1, InfoOf("C", where + R"(,"route_account":"$SYS")"));
}

TEST(Mending, WhereAnAccountGotThroughThePoolIsDialledAgainSoon) {
  Script b(Pooled());
  HearOfC(b);
  b.DialFails("dial tcp 127.0.0.1:21103: i/o timeout");
  b.Dialed(2);
  b.Hear(2, InfoOf("C", std::string(kPool) + R"(,"route_account":"$SYS")"));
  b.Take();
  b.Pass(400);
  EXPECT_EQ(b.TakeActions(), Lines{"connect 127.0.0.1:21103"});
}

// Where each of them takes long, as over an ocean, the pool still grows by their PONGs alone.
TEST(Mending, APoolThatGrowsSlowlyIsNotHelped) {
  Script b(Pooled());
  HearOfC(b);
  b.Dialed(2);
  b.Dialed(3);
  b.Hear(3, InfoOf("C", std::string(kPool) + R"(,"route_account":"$SYS")"));
  b.Pass(200);
  b.Hear(2, InfoOf("C", kPool));
  b.Take();
  b.Pass(1900);
  EXPECT_EQ(b.TakeActions(), Lines{});
  b.Pass(700);  // yet a member is not missing for ever
  EXPECT_EQ(b.TakeActions(), Lines{"connect 127.0.0.1:21103"});
}

TEST(Mending, AMemberThatTheNetworkFailedIsTriedEverySecondForAMinute) {
  Settings settings = Pooled();
  settings.pinned_accounts.clear();
  Script b(settings);
  AcceptFrom(b, 1, "B", kPool);
  b.Hear(1, InfoOf("C", R"("ip":"nats-route://127.0.0.1:21103/","route_pool_size":2)"));
  b.Dialed(2);
  b.Hear(2, InfoOf("C", kPool));
  AcceptFrom(b, 3, "B", std::string(kPool) + R"(,"route_pool_idx":1)");
  AcceptFrom(b, 4, "B", std::string(kPool) + R"(,"route_pool_idx":2)");
  b.Hear(2, "PONG");
  b.Take();
  int dials = 1;
  for (int second = 0; second < 200; ++second) {
    b.Pass(1000);
    b.DialFails("dial tcp 127.0.0.1:21103: i/o timeout");
    b.Pass(100);
    const Lines lines = b.TakeActions();
    if (lines.empty()) break;
    EXPECT_EQ(lines, Lines{"connect 127.0.0.1:21103"}) << second;
    ++dials;
  }
  EXPECT_EQ(dials, 61);
}

}  // namespace
}  // namespace martlet::cluster
