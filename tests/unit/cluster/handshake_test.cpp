// Pools, compression and names: conversations of spec transcripts/route, by their numbers. What the
// peer says is theirs, what we say and log must be what the server there did.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/go_text.h"
#include "script.h"

namespace martlet::cluster {
namespace {

const std::string kNoDedicated =
    "Not possible to have a dedicated route for account \"$SYS\" between those servers";

// Server B connects, and its INFO is next.
void Connected(Script& script, LinkId link) {
  script.Accept(link);
  script.Hear(link, ConnectOf("B"));
  script.Take();
}

// Without accounts that have a connection of their own.
Settings PoolOf(int size) {
  Settings settings = WithRoute(Pooled());
  settings.pool_size = size;
  settings.pinned_accounts.clear();
  return settings;
}

// 02: no pool, no compression.
TEST(Handshake, AcceptsAPlainPeer) {
  Script a(Plain());
  a.Accept(1);
  EXPECT_EQ(a.Take(), (Lines{"#1 > INFO off", "[INF] #1 - Route connection created"}));
  a.Hear(1, ConnectOf("B"));
  EXPECT_TRUE(a.proceeded(1));
  EXPECT_EQ(a.Take(), Lines{});
  a.Hear(1, InfoOf("B", R"("compression":"off")"));
  EXPECT_TRUE(a.proceeded(1));
  EXPECT_EQ(a.Take(), (Lines{"#1 register ID_B all", "[DBG] #1 - Registering remote route \"ID_B\"",
                             "clients 127.0.0.1:21001 127.0.0.1:21002"}));
}

TEST(Handshake, DialsAPlainPeer) {
  Script b(WithRoute(Plain()));
  b.Start();
  b.Take();
  b.Dialed(1);
  EXPECT_EQ(b.Take(), (Lines{"[DBG] #1 - Route connect msg sent", "#1 > CONNECT", "#1 > INFO off",
                             "[INF] #1 - Route connection created"}));
  EXPECT_EQ(b.last_sent(),
            "INFO {\"server_id\":\"ID_A\",\"server_name\":\"A\",\"version\":\"2.15.1\",\"proto\":2,"
            "\"go\":\"c++20\",\"host\":\"127.0.0.1\",\"port\":21101,\"headers\":true,"
            "\"max_payload\":1048576,\"cluster\":\"C1\",\"connect_urls\":[\"127.0.0.1:21001\"],"
            "\"compression\":\"off\",\"martlet_checks\":1} \r\n");
  b.Hear(1, InfoOf("B", R"("compression":"off")"));
  EXPECT_EQ(b.TakeActions(),
            (Lines{"#1 register ID_B all", "clients 127.0.0.1:21001 127.0.0.1:21002"}));
}

// 01: a pool of three, one connection of $SYS's own.
TEST(Handshake, DialsAPooledPeer) {
  Script b(WithRoute(Pooled()));
  b.Start();
  EXPECT_EQ(b.TakeActions(), (Lines{"connect 127.0.0.1:21102", "connect 127.0.0.1:21102"}));
  b.Dialed(1);
  b.Dialed(2);
  EXPECT_EQ(b.TakeActions(), (Lines{"#1 > CONNECT", "#2 > CONNECT"}));
  const std::string info = InfoOf("B", R"("compression":"accept","route_pool_size":3)");
  b.Hear(1, info);
  EXPECT_EQ(b.Take(), (Lines{"#1 > INFO off pool=3", "#1 register ID_B slot 0/3 without $SYS",
                             "[DBG] #1 - Registering remote route \"ID_B\"", "#1 > PING",
                             "clients 127.0.0.1:21001 127.0.0.1:21002"}));
  b.Hear(2, info);
  EXPECT_EQ(b.Take(), (Lines{"#2 > INFO off pool=3 $SYS", "#2 register ID_B $SYS",
                             "[DBG] #2 - Registering remote route \"ID_B\" for account \"$SYS\""}));
  b.Hear(1, "PONG");
  EXPECT_EQ(b.TakeActions(), Lines{"connect 127.0.0.1:21102"});
  b.Dialed(3);
  b.Hear(3, info);
  EXPECT_EQ(b.TakeActions(), (Lines{"#3 > CONNECT", "#3 > INFO off pool=3 idx=1",
                                    "#3 register ID_B slot 1/3 without $SYS", "#3 > PING"}));
  b.Hear(3, "PONG");
  b.Dialed(4);
  b.Hear(4, info);
  EXPECT_EQ(b.TakeActions(),
            (Lines{"connect 127.0.0.1:21102", "#4 > CONNECT", "#4 > INFO off pool=3 idx=2",
                   "#4 register ID_B slot 2/3 without $SYS"}));
  b.Pass(100'000);
  EXPECT_EQ(b.Take(), Lines{});
  EXPECT_EQ(b.mesh().links(), 4u);
  EXPECT_EQ(b.mesh().remotes(), 1u);
}

TEST(Handshake, AcceptsAPooledPeer) {
  Script a(Pooled());
  for (const LinkId link : {1, 2, 3, 4}) {
    a.Accept(link);
    a.Hear(link, ConnectOf("B"));
  }
  EXPECT_EQ(a.Take().at(0), "#1 > INFO accept pool=3");
  const std::string more = R"("compression":"off","route_pool_size":3)";
  a.Hear(2, InfoOf("B", more));
  a.Hear(1, InfoOf("B", more + R"(,"route_account":"$SYS")"));
  a.Hear(3, InfoOf("B", more + R"(,"route_pool_idx":1)"));
  a.Hear(4, InfoOf("B", more + R"(,"route_pool_idx":2)"));
  EXPECT_EQ(
      a.TakeActions(),
      (Lines{"#2 register ID_B slot 0/3 without $SYS", "clients 127.0.0.1:21001 127.0.0.1:21002",
             "#1 register ID_B $SYS", "#3 register ID_B slot 1/3 without $SYS",
             "#4 register ID_B slot 2/3 without $SYS"}));
}

// 05: 2.9.10 dials.
TEST(Handshake, APeerWithoutPoolCarriesEveryAccount) {
  Script a(Pooled());
  AcceptFrom(a, 5, "B");
  EXPECT_EQ(a.TakeActions(), (Lines{"#5 > INFO accept pool=3", "#5 register ID_B all",
                                    "clients 127.0.0.1:21001 127.0.0.1:21002"}));
  a.Pass(100'000);
  EXPECT_EQ(a.Take(), Lines{});
}

// 06: 2.9.10 is dialled; the connection for $SYS cannot be, in whatever order they come.
TEST(Handshake, GivesUpTheDedicatedConnectionWhereThereIsNoPool) {
  Script b(WithRoute(Pooled()));
  b.Start();
  b.Dialed(6);
  b.Dialed(5);
  b.Take();
  b.Hear(5, InfoOf("B"));
  EXPECT_EQ(b.Take(), (Lines{"#5 > -ERR '" + kNoDedicated + "'", "[ERR] #5 - " + kNoDedicated,
                             "#5 close Protocol Violation",
                             "[INF] #5 - Router connection closed: Protocol Violation - Remote: B",
                             "[DBG] #5 - Detected duplicate remote route \"ID_B\""}));
  b.Hear(6, InfoOf("B"));
  EXPECT_EQ(b.TakeActions(), (Lines{"#6 > INFO not supported pool=3", "#6 register ID_B all",
                                    "clients 127.0.0.1:21001 127.0.0.1:21002"}));
  b.Pass(100'000);
  EXPECT_EQ(b.Take(), Lines{});
}

// 2.10.27 against a server without pools: INFO with the account first, then -ERR.
TEST(Handshake, NeverTakesADedicatedConnectionForTheRoute) {
  Script a(Plain());
  a.Accept(1);
  a.Accept(2);
  a.Hear(1, ConnectOf("B"));
  a.Hear(2, ConnectOf("B"));
  a.Take();
  a.Hear(1, InfoOf("B", R"("route_pool_size":3,"route_account":"$SYS")"));
  EXPECT_EQ(a.TakeActions(),
            (Lines{"#1 > -ERR '" + kNoDedicated + "'", "#1 close Protocol Violation"}));
  a.Hear(2, InfoOf("B", R"("route_pool_size":3)"));
  EXPECT_EQ(a.TakeActions().at(0), "#2 register ID_B all");
}

// 34: the greater pool counts.
TEST(Handshake, OpensAsManyConnectionsAsTheGreaterPoolHas) {
  Script a(PoolOf(2));
  a.Start();
  for (LinkId link = 1; link <= 4; ++link) {
    a.Dialed(link);
    a.Hear(link, InfoOf("B", R"("compression":"accept","route_pool_size":4)"));
    if (link < 4) a.Hear(link, "PONG");
  }
  const Lines lines = a.TakeActions();
  EXPECT_EQ(lines.back(), "#4 register ID_B slot 3/2");
  EXPECT_EQ(a.mesh().links(), 4u);
}

// 33: 2.10.27 wants the same size.
TEST(Handshake, GoesOnTryingWhereThePoolSizeIsRefused) {
  Script b(PoolOf(1));
  b.Start();
  b.Dialed(1);
  b.Hear(1, InfoOf("B", R"("compression":"accept","route_pool_size":3)"));
  b.Take();
  b.Hear(1, "-ERR 'Mismatch route pool size: 3 vs 1'");
  EXPECT_EQ(b.TakeLog(),
            (Lines{
                "[ERR] #1 - Route Error 'Mismatch route pool size: 3 vs 1'",
                "[INF] #1 - Router connection closed: Parse Error - Remote: B",
                "[DBG] Attempting reconnect for solicited route \"nats-route://127.0.0.1:21102\"",
            }));
  b.Pass(999);
  EXPECT_EQ(b.Take(), Lines{});
  b.Pass(101);
  EXPECT_EQ(b.TakeActions(), Lines{"connect 127.0.0.1:21102"});
}

TEST(Handshake, RefusesABadPoolIndex) {
  Script a(Pooled());
  Connected(a, 1);
  a.Hear(1, InfoOf("B", R"("route_pool_size":3,"route_pool_idx":3)"));
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 > -ERR 'Invalid route pool index: 3 - pool size is 3'",
                                    "#1 close Protocol Violation"}));
  Connected(a, 2);
  a.Hear(2, InfoOf("B", R"("route_pool_size":1000000000,"route_pool_idx":999999999)"));
  EXPECT_EQ(a.TakeActions().back(), "#2 close Protocol Violation");
  Script b(WithRoute(Pooled()));
  b.Start();
  b.Dialed(1);
  b.Take();
  b.Hear(1, InfoOf("B", R"("route_pool_size":3,"route_pool_idx":1)"));
  EXPECT_EQ(b.TakeActions().at(0),
            "#1 > -ERR 'Route pool index should not be set but is set to 1'");
}

TEST(Handshake, RefusesAnAccountWithoutAConnectionOfItsOwn) {
  Script a(Pooled());
  Connected(a, 1);
  a.Hear(1, InfoOf("B", R"("route_pool_size":3,"route_account":"ACC")"));
  EXPECT_EQ(a.TakeActions(),
            (Lines{"#1 > -ERR 'No route for account \"ACC\"'", "#1 close Protocol Violation"}));
}

TEST(Handshake, ADedicatedRouteNeedsAnAccountThatIsThere) {
  Settings settings = Pooled();
  settings.accounts = {"$G", "$SYS"};
  Script a(settings);
  Connected(a, 1);
  a.Hear(1, InfoOf("B", R"("route_pool_size":3,"route_account":"ACC")"));
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 > -ERR 'Unable to lookup account \"ACC\": account missing'",
                                    "#1 close Missing Account"}));
}

// 03 and 04: compression.
TEST(Handshake, CompressesAsTheDiallingSide) {
  Settings settings = WithRoute(Plain());
  settings.compression.mode = CompressionMode::kS2Fast;
  Script b(settings);
  b.Start();
  b.Dialed(1);
  EXPECT_EQ(b.TakeActions(), (Lines{"connect 127.0.0.1:21102", "#1 > CONNECT"}));
  b.Hear(1, InfoOf("B", R"("compression":"s2_fast")"));
  EXPECT_TRUE(b.proceeded(1));
  EXPECT_EQ(b.Take(), (Lines{"#1 > INFO s2_fast", "#1 compress s2_fast", "#1 decompress"}));
  b.Hear(1, InfoOf("B", R"("compression":"s2_fast")"));
  EXPECT_EQ(b.TakeActions().at(0), "#1 > INFO s2_fast");
  EXPECT_EQ(b.mesh().links(), 1u);
}

TEST(Handshake, CompressesAsTheAcceptingSide) {
  Script a(Pooled());
  Connected(a, 1);
  a.Hear(1, InfoOf("B", R"("compression":"s2_auto","route_pool_size":3)"));
  EXPECT_TRUE(a.proceeded(1));
  EXPECT_EQ(a.Take(), (Lines{"#1 compress s2_fast", "#1 > INFO s2_fast pool=3", "#1 decompress"}));
  a.Hear(1, InfoOf("B", R"("compression":"s2_auto","route_pool_size":3,"route_pool_idx":1)"));
  EXPECT_EQ(a.TakeActions().at(0), "#1 register ID_B slot 1/3 without $SYS");
}

TEST(Handshake, AutoFollowsTheRoundTrip) {
  Settings settings = WithRoute(Plain());
  settings.compression.mode = CompressionMode::kS2Auto;
  Script b(settings);
  b.Start();
  b.Dialed(1);
  b.Take();
  b.Pass(60);
  b.Hear(1, InfoOf("B", R"("compression":"accept")"));
  EXPECT_EQ(b.Take(), (Lines{"#1 > INFO s2_auto", "#1 compress s2_auto", "#1 compress s2_better",
                             "#1 decompress"}));
  b.Hear(1, InfoOf("B", R"("compression":"s2_fast")"));
  EXPECT_EQ(b.Take().at(0), "#1 > INFO s2_auto");
  b.RoundTripIs(1, std::chrono::milliseconds(70));
  EXPECT_EQ(b.Take(), Lines{});
  b.RoundTripIs(1, std::chrono::microseconds(70));
  EXPECT_EQ(b.Take(), Lines{"#1 compress s2_uncompressed"});
}

TEST(Handshake, RefusesAnUnknownCompression) {
  Script a(Pooled());
  Connected(a, 1);
  a.Hear(1, InfoOf("B", R"("compression":"zstd","route_pool_size":3)"));
  EXPECT_EQ(a.Take(), (Lines{"#1 > -ERR 'unsupported route compression mode \"zstd\"'",
                             "[ERR] #1 - unsupported route compression mode \"zstd\"",
                             "#1 close Protocol Violation",
                             "[INF] #1 - Router connection closed: Protocol Violation"}));
}

// 19: a route to itself, by address.
TEST(Handshake, NoticesItself) {
  Script a(WithRoute(Plain(), "nats-route://127.0.0.1:21101"));
  a.Start();
  a.Accept(1);
  a.Dialed(2);
  a.Hear(1, ConnectOf("A"));
  a.Take();
  a.Hear(1, InfoOf("A"));
  a.Hear(2, InfoOf("A"));
  EXPECT_EQ(
      a.Take(),
      (Lines{"#1 close Duplicate Route", "[INF] #1 - Router connection closed: Duplicate Route",
             "#2 close Duplicate Route", "[INF] #2 - Router connection closed: Duplicate Route",
             "[DBG] Detected route to self, ignoring " +
                 base::GoQuote("nats-route://127.0.0.1:21101")}));
  a.Pass(100'000);
  EXPECT_EQ(a.Take(), Lines{});
}

TEST(Handshake, WhoHasNoIdIsNobody) {
  Script a(Plain());
  Connected(a, 1);
  a.Hear(1, "INFO {} ");
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 > -ERR 'Rejecting connection, its INFO has no server_id'",
                                    "#1 close Protocol Violation"}));
}

// 31: two servers of one name.
TEST(Handshake, RefusesItsOwnServerName) {
  Script a(Plain());
  Connected(a, 1);
  std::string info = InfoOf("B");
  info.replace(info.find("\"server_name\":\"B\""), 17, "\"server_name\":\"A\"");
  a.Hear(1, info);
  EXPECT_EQ(a.Take(), (Lines{"[ERR] #1 - Remote server has a duplicate name: \"A\"",
                             "#1 close Duplicate Server Name",
                             "[INF] #1 - Router connection closed: Duplicate Server Name"}));
}

TEST(Registered, TellsOfEachConnectionPoolsFirst) {
  Script a(Pooled());
  AcceptFrom(a, 3, "B", R"("compression":"off","route_pool_size":3,"route_account":"$SYS")");
  EXPECT_EQ(a.mesh().Registered().size(), 1u);
  a.Accept(4);
  a.Hear(4, ConnectOf("B"));
  EXPECT_EQ(a.mesh().Registered().size(), 1u);
  a.Hear(4, InfoOf("B", R"("route_pool_size":3,"route_pool_idx":1,"import":{"deny":["x"]})"));
  const std::vector<LinkView> views = a.mesh().Registered();
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].link, 4u);
  EXPECT_EQ(views[0].peer_id, "ID_B");
  EXPECT_EQ(views[0].peer_name, "B");
  EXPECT_EQ(views[0].account, "");
  EXPECT_EQ(views[0].compression, "not supported");
  EXPECT_EQ(views[0].import.deny, Lines{"x"});
  EXPECT_FALSE(views[0].solicited);
  EXPECT_EQ(views[1].link, 3u);
  EXPECT_EQ(views[1].account, "$SYS");
  EXPECT_EQ(views[1].compression, "off");
  EXPECT_FALSE(views[1].import.given);
}

}  // namespace
}  // namespace martlet::cluster
