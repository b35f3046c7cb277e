// Whose CONNECT is taken, and how long it is waited for: transcripts 22 and 30.
#include <string>

#include <gtest/gtest.h>

#include "script.h"

namespace martlet::cluster {
namespace {

Settings WithUser(const char* password) {
  Settings settings = Plain();
  settings.user = "ruser";
  settings.password = password;
  return settings;
}

// 22: authorization.
TEST(Handshake, ChecksUserAndPassword) {
  Script a(WithUser("rpass"));
  a.Accept(1);
  EXPECT_NE(a.last_sent().find("\"auth_required\":true"), std::string::npos);
  a.Take();
  a.Hear(1, ConnectOf("B", R"("user":"ruser","pass":"wrong")"));
  EXPECT_EQ(a.Take(),
            (Lines{"[ERR] #1 - authentication error - User \"ruser\"",
                   "#1 > -ERR 'Authorization Violation'", "#1 close Authentication Failure",
                   "[INF] #1 - Router connection closed: Authentication Failure"}));
  a.Accept(2);
  a.Hear(2, ConnectOf("B"));
  EXPECT_EQ(a.Take().at(2), "[ERR] #2 - authentication error");
  a.Accept(3);
  a.Hear(3, ConnectOf("B", R"("user":"ruser","pass":"rpass")"));
  a.Hear(3, InfoOf("B"));
  EXPECT_EQ(a.mesh().links(), 1u);
}

TEST(Handshake, AHashedPasswordIsCheckedAside) {
  Settings settings = WithUser("$2a$hash");
  settings.password_is_hashed = true;
  Script a(settings);
  a.Accept(1);
  a.Take();
  a.Hear(1, ConnectOf("B", R"("user":"ruser","pass":"rpass")"));
  EXPECT_EQ(a.Take(), Lines{"#1 check rpass $2a$hash"});
  a.Pass(10'000);
  EXPECT_FALSE(a.proceeded(1));
  a.Checked(1, true);
  EXPECT_TRUE(a.proceeded(1));
  a.Hear(1, InfoOf("B"));
  EXPECT_EQ(a.mesh().links(), 1u);

  a.Accept(2);
  a.Hear(2, ConnectOf("C", R"("user":"ruser","pass":"$2a$hash")"));
  a.Take();
  a.Checked(2, false);
  EXPECT_EQ(a.TakeActions(),
            (Lines{"#2 > -ERR 'Authorization Violation'", "#2 close Authentication Failure"}));
  a.Accept(3);
  a.Take();
  a.Hear(3, ConnectOf("C", R"("user":"other","pass":"rpass")"));
  EXPECT_EQ(a.TakeActions(),
            (Lines{"#3 > -ERR 'Authorization Violation'", "#3 close Authentication Failure"}));
  a.Accept(4);
  a.Hear(4, ConnectOf("C", R"("user":"ruser","pass":"rpass")"));
  a.Hear(4, "[FIN]");
  a.Take();
  a.Checked(4, true);
  EXPECT_EQ(a.Take(), Lines{});
}

TEST(Handshake, OfAHashedPasswordAConfiguredRouteHasTheText) {
  Settings settings = WithUser("$2a$hash");
  settings.password_is_hashed = true;
  settings.routes = {Route("nats-route://ruser:rpass@127.0.0.1:21102")};
  Script a(settings);
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("B", R"("auth_required":true)"));
  a.Hear(1, InfoOf("C", R"("auth_required":true,"ip":"nats-route://127.0.0.1:21103/")"));
  a.Dialed(2);
  EXPECT_NE(a.last_connect().find(R"("pass":"rpass")"), std::string::npos) << a.last_connect();
}

TEST(Handshake, WaitsForConnectOnlySoLong) {
  Script a(WithUser("rpass"));
  a.Accept(5);
  a.Accept(6);
  a.Hear(6, ConnectOf("B", R"("user":"ruser","pass":"rpass")"));
  a.Take();
  a.Pass(1999);
  EXPECT_EQ(a.Take(), Lines{});
  a.Pass(1);
  EXPECT_EQ(a.Take(),
            (Lines{"[DBG] #5 - Authentication Timeout", "#5 > -ERR 'Authentication Timeout'",
                   "#5 close Authentication Timeout",
                   "[INF] #5 - Router connection closed: Authentication Timeout"}));
  a.Pass(100'000);
  EXPECT_EQ(a.Take(), Lines{});
}

TEST(Handshake, OfManyStrangersTheOldestGoes) {
  Script a(Plain());
  for (LinkId link = 1; link <= 1025; ++link) {
    a.Accept(link);
    if (link != 2) continue;
    a.Hear(2, ConnectOf("B"));
    a.Hear(2, InfoOf("B"));
  }
  a.Take();
  a.Accept(1026);
  EXPECT_EQ(a.Take(),
            (Lines{"#1026 > INFO off", "[INF] #1026 - Route connection created",
                   "[DBG] #1 - Authentication Timeout", "#1 > -ERR 'Authentication Timeout'",
                   "#1 close Authentication Timeout",
                   "[INF] #1 - Router connection closed: Authentication Timeout"}));
  a.Accept(1027);
  EXPECT_EQ(a.TakeActions(), (Lines{"#1027 > INFO off", "#3 > -ERR 'Authentication Timeout'",
                                    "#3 close Authentication Timeout"}));
}

TEST(Handshake, DialsAgainAfterASecondWhereTheUserIsRefused) {
  Script b(WithRoute(Plain(), "nats-route://ruser:wrong@127.0.0.1:21102"));
  b.Start();
  b.Dialed(1);
  b.Hear(1, InfoOf("B", R"("auth_required":true)"));
  b.Take();
  b.Hear(1, "-ERR 'Authorization Violation'");
  EXPECT_EQ(b.TakeLog(), (Lines{"[ERR] #1 - Route Error 'Authorization Violation'",
                                "[INF] #1 - Router connection closed: Parse Error - Remote: B",
                                "[DBG] Attempting reconnect for solicited route "
                                "\"nats-route://ruser:xxxxx@127.0.0.1:21102\""}));
  b.Pass(999);
  EXPECT_EQ(b.Take(), Lines{});
}

TEST(Handshake, ConnectComesFirst) {
  Script a(Plain());
  a.Accept(1);
  a.Take();
  a.Hear(1, InfoOf("B"));
  EXPECT_EQ(a.Take(),
            (Lines{"[ERR] #1 - authentication error", "#1 > -ERR 'Authorization Violation'",
                   "#1 close Authentication Failure",
                   "[INF] #1 - Router connection closed: Authentication Failure"}));
}

// 30: a client on the wrong port; a gateway there.
TEST(Handshake, SendsAwayWhatIsNoRoute) {
  Script a(Plain());
  a.Accept(1);
  a.Take();
  a.Hear(1, R"(CONNECT {"verbose":false,"lang":"python3","version":"1","protocol":1})");
  EXPECT_EQ(a.Take(),
            (Lines{"#1 > -ERR 'attempted to connect to route port'",
                   "[ERR] #1 - attempted to connect to route port", "#1 close Incorrect Port",
                   "[INF] #1 - Router connection closed: Incorrect Port",
                   "[ERR] #1 - attempted to connect to route port"}));
  a.Accept(2);
  a.Take();
  a.Hear(2, ConnectOf("B", R"("gateway":"east")"));
  EXPECT_EQ(a.TakeActions(),
            (Lines{"#2 > -ERR 'Rejecting connection from gateway \"east\" on the Route port'",
                   "#2 close Wrong Gateway"}));
}

}  // namespace
}  // namespace martlet::cluster
