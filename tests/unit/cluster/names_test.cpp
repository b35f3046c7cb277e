// Names of clusters: transcripts 23, 24 and 25.
#include <gtest/gtest.h>

#include "script.h"

namespace martlet::cluster {
namespace {

Settings Dynamic(const char* name, bool route = true) {
  Settings settings = Plain();
  settings.name = name;
  settings.name_dynamic = true;
  if (route) settings.routes = {Route("nats-route://127.0.0.1:21102")};
  return settings;
}

std::string Renamed(std::string line, const std::string& name) {
  line.replace(line.find("\"C1\""), 4, "\"" + name + "\"");
  return line;
}

TEST(Names, NoneIsNotTaken) {
  Script a(Dynamic("generated", false));
  a.Accept(1);
  a.Take();
  a.Hear(1, Renamed(ConnectOf("B"), ""));
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 > -ERR 'Rejecting connection, cluster name \"\" does not "
                                    "match \"generated\"'",
                                    "#1 close Cluster Name Conflict"}));
  EXPECT_EQ(a.mesh().cluster_name(), "generated");
}

TEST(Names, TwoChosenOnesDoNotMeet) {
  Script a(Plain());
  a.Accept(1);
  a.Take();
  a.Hear(1, Renamed(ConnectOf("B"), "C2"));
  EXPECT_EQ(a.Take(),
            (Lines{"#1 > -ERR 'Rejecting connection, cluster name \"C2\" does not match \"C1\"'",
                   "[ERR] #1 - Rejecting connection, cluster name \"C2\" does not match \"C1\"",
                   "#1 close Cluster Name Conflict",
                   "[INF] #1 - Router connection closed: Cluster Name Conflict",
                   "[ERR] #1 - cluster name from remote server conflicts"}));
  Settings settings = Plain();
  settings.routes = {Route("nats-route://127.0.0.1:21102")};
  Script b(settings);
  b.Start();
  b.Dialed(1);
  b.Take();
  b.Hear(1, Renamed(InfoOf("B"), "C2"));
  EXPECT_EQ(b.Take(), (Lines{"#1 close Cluster Name Conflict",
                             "[INF] #1 - Router connection closed: Cluster Name Conflict",
                             "[DBG] Attempting reconnect for solicited route "
                             "\"nats-route://127.0.0.1:21102\""}));
}

TEST(Names, AGeneratedOneGivesWay) {
  Script b(Dynamic("K6fNgWvheKXT5XgEmrfJ6K"));
  b.Start();
  b.Dialed(1);
  b.Take();
  b.Hear(1, InfoOf("B"));
  EXPECT_EQ(b.Take(), (Lines{"rename C1", "[INF] Cluster name updated to C1",
                             "#1 register ID_B all", "[DBG] #1 - Registering remote route \"ID_B\"",
                             "clients 127.0.0.1:21001 127.0.0.1:21002"}));
  EXPECT_EQ(b.mesh().cluster_name(), "C1");
  b.Hear(1, "-ERR 'Rejecting connection, cluster name \"K6f\" does not match \"C1\"'");
  b.Take();
  b.Pass(1100);
  b.Dialed(2);
  // From here on it counts as chosen. In the reference it would go on giving way.
  EXPECT_NE(b.last_sent().find("\"cluster\":\"C1\""), std::string::npos);
  EXPECT_EQ(b.last_sent().find("cluster_dynamic"), std::string::npos);
}

TEST(Names, OfTwoGeneratedOnesTheGreaterStays) {
  Script a(Dynamic("HQURABQ9WoN4hfAv9DXrUZ", false));
  a.Accept(1);
  a.Take();
  a.Hear(1, Renamed(ConnectOf("B", "\"cluster_dynamic\":true"), "OD3S6nSIszhMHrIzflPHnX"));
  EXPECT_EQ(a.Take(), (Lines{"rename OD3S6nSIszhMHrIzflPHnX",
                             "[INF] Cluster name updated to OD3S6nSIszhMHrIzflPHnX"}));
  Script b(Dynamic("OD3S6nSIszhMHrIzflPHnX"));
  b.Start();
  b.Dialed(1);
  b.Take();
  b.Hear(1, Renamed(InfoOf("B", "\"cluster_dynamic\":true"), "HQURABQ9WoN4hfAv9DXrUZ"));
  EXPECT_EQ(b.Take().at(0), "#1 close Cluster Name Conflict");
}

TEST(Names, AChosenNameInAConnectStaysChosen) {
  Script a(Dynamic("ZZZ", false));
  a.Accept(1);
  a.Hear(1, ConnectOf("B"));
  a.Accept(2);
  EXPECT_EQ(a.last_sent().find("cluster_dynamic"), std::string::npos);
}

TEST(Names, ConnectionsToOthersEndWithTheOldName) {
  Script a(Dynamic("AAA", false));
  a.Accept(1);
  a.Hear(1, Renamed(ConnectOf("B", "\"cluster_dynamic\":true"), "AAA"));
  a.Hear(1, Renamed(InfoOf("B", "\"cluster_dynamic\":true"), "AAA"));
  a.Accept(2);
  a.Take();
  a.Hear(2, ConnectOf("C"));
  EXPECT_EQ(a.Take(), (Lines{"rename C1", "[INF] Cluster name updated to C1",
                             "#1 close Cluster Name Conflict", "clients 127.0.0.1:21001",
                             "[INF] #1 - Router connection closed: Cluster Name Conflict - " +
                                 std::string("Remote: B")}));
  EXPECT_TRUE(a.proceeded(2));
}

TEST(Names, AReservedOneIsRefused) {
  Script a(Plain());
  a.Accept(1);
  a.Take();
  a.Hear(1, Renamed(ConnectOf("B"), "_"));
  EXPECT_EQ(a.TakeActions(),
            (Lines{"#1 > -ERR 'Rejecting connection, cluster name \"_\" is reserved'",
                   "#1 close Cluster Name Conflict"}));
}

}  // namespace
}  // namespace martlet::cluster
