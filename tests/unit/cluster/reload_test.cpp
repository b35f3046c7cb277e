// A changed configuration: transcripts 26, 27, 29, 35 and 37.
#include <gtest/gtest.h>

#include "script.h"

namespace martlet::cluster {
namespace {

// 26
TEST(Reload, ARemovedRouteIsClosedAndAnAddedOneDialled) {
  Script b(WithRoute(Plain()));
  b.Start();
  b.Dialed(1);
  b.Hear(1, InfoOf("B"));
  AcceptFrom(b, 2, "C");
  b.Take();
  b.Reload(Plain());
  EXPECT_EQ(b.Take(), (Lines{"#1 close Route Removed", "clients 127.0.0.1:21001 127.0.0.1:21003",
                             "[INF] #1 - Router connection closed: Route Removed - Remote: B",
                             "[INF] Removed route nats-route://127.0.0.1:21102"}));
  b.Pass(100'000);
  EXPECT_EQ(b.Take(), Lines{});
  b.Reload(WithRoute(Plain()));
  EXPECT_EQ(b.TakeActions(), Lines{"connect 127.0.0.1:21102"});
}

// 27
TEST(Reload, ARemovedRouteTakesAllItsConnections) {
  Script b(WithRoute(Pooled()));
  b.Start();
  b.Dialed(5);
  b.Dialed(6);
  b.Hear(5, InfoOf("B", kPool));
  b.Hear(6, InfoOf("B", kPool));
  b.Hear(5, "PONG");
  b.Dialed(7);
  b.Hear(7, InfoOf("B", kPool));
  b.Take();
  b.Reload(Pooled());
  EXPECT_EQ(b.TakeLog(), (Lines{"[INF] #5 - Router connection closed: Route Removed - Remote: B",
                                "[INF] Removed route nats-route://127.0.0.1:21102",
                                "[INF] #6 - Router connection closed: Route Removed - Remote: B",
                                "[INF] Removed route nats-route://127.0.0.1:21102",
                                "[INF] #7 - Router connection closed: Route Removed - Remote: B",
                                "[INF] Removed route nats-route://127.0.0.1:21102"}));
  EXPECT_EQ(b.mesh().links(), 0u);
  b.Pass(100'000);
  EXPECT_EQ(b.Take(), Lines{});
}

TEST(Reload, ANewNameIsTaken) {
  Script a(Plain());
  Settings settings = Plain();
  settings.name = "C9";
  a.Reload(settings);
  EXPECT_EQ(a.Take(), (Lines{"rename C9", "[INF] Cluster name updated to C9"}));
  a.Accept(1);
  EXPECT_NE(a.last_sent().find("\"cluster\":\"C9\""), std::string::npos);
}

TEST(Reload, AnAdoptedNameStays) {
  Settings settings = Plain();
  settings.name = "AAA";
  settings.name_dynamic = true;
  Script a(settings);
  AcceptFrom(a, 1, "B");
  a.Take();
  a.Reload(settings);
  EXPECT_EQ(a.Take(), Lines{});
  EXPECT_EQ(a.mesh().cluster_name(), "C1");
}

// 29
TEST(Reload, NewPermissionsAreToldToPeers) {
  Script a(Plain());
  AcceptFrom(a, 1, "B");
  AcceptFrom(a, 2, "C");
  a.Take();
  Settings settings = Plain();
  settings.import = {.given = true, .allow = {"other"}, .deny = {}};
  settings.exports = {.given = true, .allow = {"other"}, .deny = {}};
  a.Reload(settings);
  EXPECT_EQ(a.Take(), (Lines{"#1 > INFO", "#2 > INFO"}));
  EXPECT_NE(a.last_sent().find(R"("import":{"allow":["other"]},"export":{"allow":["other"]})"),
            std::string::npos);
}

TEST(Reload, APeersNewPermissionsMakeUsTellInterestAnew) {
  Script b(Plain());
  AcceptFrom(b, 1, "B");
  b.Take();
  const std::string info = InfoOf("B", R"("export":{"allow":["other"]})");
  b.Hear(1, info);
  EXPECT_TRUE(b.proceeded(1));
  EXPECT_EQ(b.Take(), Lines{"#1 reassign all"});
  b.Hear(1, info);
  EXPECT_EQ(b.Take(), Lines{});
}

TEST(Reload, ANewPasswordSendsAwayWhoKnowsOnlyTheOld) {
  Settings settings = Plain();
  settings.user = "u";
  settings.password = "old";
  Script a(settings);
  a.Accept(1);
  a.Hear(1, ConnectOf("B", R"("user":"u","pass":"old")"));
  a.Hear(1, InfoOf("B"));
  a.Take();
  settings.password = "new";
  a.Reload(settings);
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 > -ERR 'Authorization Violation'",
                                    "#1 close Authentication Failure", "clients 127.0.0.1:21001"}));
}

TEST(Reload, AHashedPasswordIsAskedOfEveryOneAgain) {
  Settings settings = Plain();
  settings.user = "u";
  settings.password = "old";
  Script a(settings);
  a.Accept(1);
  a.Hear(1, ConnectOf("B", R"("user":"u","pass":"old")"));
  a.Hear(1, InfoOf("B"));
  a.Take();
  settings.password = "$2a$one";
  settings.password_is_hashed = true;
  a.Reload(settings);
  EXPECT_EQ(a.TakeActions(), Lines{"#1 check old $2a$one"});
  a.Checked(1, true);
  EXPECT_EQ(a.TakeActions(), Lines{});
  a.Accept(2);
  a.Hear(2, ConnectOf("C", R"("user":"u","pass":"old")"));
  a.Take();
  settings.password = "$2a$two";
  a.Reload(settings);
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 check old $2a$two", "#2 check old $2a$two"}));
  a.Checked(1, false);
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 > -ERR 'Authorization Violation'",
                                    "#1 close Authentication Failure", "clients 127.0.0.1:21001"}));
  settings.password = "old";
  settings.password_is_hashed = false;
  a.Reload(settings);
  EXPECT_TRUE(a.proceeded(2));
  a.Checked(2, false);  // too late to matter
  EXPECT_EQ(a.TakeActions(), Lines{});
}

TEST(Reload, AnotherPoolSizeMeansNewConnections) {
  Settings settings = WithRoute(Pooled());
  Script b(settings);
  b.Start();
  b.Dialed(1);
  b.Dialed(2);
  b.Hear(1, InfoOf("B", kPool));
  b.Hear(2, InfoOf("B", kPool));
  b.Take();
  settings.pool_size = 5;
  b.Reload(settings);
  EXPECT_EQ(b.TakeActions(), (Lines{"#1 close Route Removed", "connect 127.0.0.1:21102",
                                    "clients 127.0.0.1:21001"}));
  b.Dialed(3);
  b.Hear(3, InfoOf("B", kPool));
  EXPECT_EQ(b.TakeActions().at(1), "#3 > INFO off pool=5");
}

TEST(Reload, CompressionIsAgreedOnAgain) {
  Settings settings = WithRoute(Plain());
  Script b(settings);
  b.Start();
  b.Dialed(1);
  b.Hear(1, InfoOf("B", R"("compression":"off")"));
  b.Take();
  settings.compression.mode = CompressionMode::kS2Better;
  b.Reload(settings);
  EXPECT_EQ(b.TakeActions().at(0), "#1 close Client Closed");
  b.Pass(1100);
  b.Dialed(2);
  b.Hear(2, InfoOf("B", R"("compression":"accept")"));
  b.Hear(2, InfoOf("B", R"("compression":"s2_better")"));
  b.Take();
  settings.compression.mode = CompressionMode::kS2Best;
  b.Reload(settings);
  EXPECT_EQ(b.Take(), Lines{"#2 compress s2_best"});
}

// 37: first A pins the account, then B.
TEST(Reload, APinnedAccountLeavesThePool) {
  Settings settings = Pooled();
  settings.pinned_accounts.clear();
  Script a(settings);
  AcceptFrom(a, 1, "B", kPool);
  AcceptFrom(a, 2, "B", std::string(kPool) + R"(,"route_pool_idx":1)");
  a.Take();
  settings.pinned_accounts = {"ACC"};
  a.Reload(settings);
  EXPECT_EQ(a.Take(), (Lines{"#1 reassign slot 0/3 without ACC", "#2 reassign slot 1/3 without ACC",
                             "#2 > INFO of  pool=3 ACC request", "#1 reassign slot 0/3 without ACC",
                             "#2 reassign slot 1/3 without ACC"}));
  std::string answer = a.last_sent();
  answer.erase(answer.find("\"route_account\":\"ACC\","), 22);
  a.Hear(2, answer.substr(0, answer.size() - 2));
  a.Pass(2100);
  EXPECT_EQ(a.TakeLog(), Lines{});
  // And then B.
  a.Hear(2, R"(INFO {"server_id":"","route_pool_size":3,"route_account":"ACC",)"
            R"("route_acc_add_reqid":"06EnwXwoA42fAu3CwhhAFN"})");
  EXPECT_EQ(a.TakeActions().back(), "#2 > INFO of  pool=3 request");
  EXPECT_NE(a.last_sent().find("06EnwXwoA42fAu3CwhhAFN"), std::string::npos);
  AcceptFrom(a, 6, "B", std::string(kPool) + R"(,"route_account":"ACC")");
  EXPECT_EQ(a.TakeActions().back(), "#6 register ID_B ACC");
}

TEST(Reload, APeersPinnedAccountIsLeftOutForThatPeerAlone) {
  Settings settings = Pooled();
  settings.pinned_accounts.clear();
  Script b(settings);
  AcceptFrom(b, 1, "B", kPool);
  AcceptFrom(b, 2, "C", kPool);
  b.Take();
  b.Hear(1, R"(INFO {"server_id":"","route_pool_size":3,"route_account":"ACC",)"
            R"("route_acc_add_reqid":"vAITfOBxpUUTnPxYmZccxC"})");
  EXPECT_EQ(b.TakeActions(),
            (Lines{"#1 reassign slot 0/3 without ACC", "#1 > INFO of  pool=3 request"}));
}

TEST(Reload, PeersThatDoNotAnswerAreNotWaitedForLong) {
  Settings settings = WithRoute(Pooled());
  settings.pinned_accounts.clear();
  Script a(settings);
  a.Start();
  a.Dialed(1);
  a.Hear(1, InfoOf("B", kPool));
  a.Hear(1, "PONG");
  a.Dialed(2);
  a.Hear(2, InfoOf("B", kPool));
  settings.pinned_accounts = {"ACC"};
  a.Reload(settings);
  a.Take();
  a.Pass(2000);
  const Lines lines = a.Take();
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(lines.at(0),
            "[WRN] Timed out waiting for confirmation from all routes regarding "
            "per-account routes changes");
  EXPECT_NE(std::find(lines.begin(), lines.end(), "connect 127.0.0.1:21102"), lines.end());
}

TEST(Reload, AnUnpinnedAccountGoesBackToThePool) {
  Script a(Pooled());
  AcceptFrom(a, 1, "B", kPool);
  AcceptFrom(a, 2, "B", std::string(kPool) + R"(,"route_account":"$SYS")");
  a.Take();
  Settings settings = Pooled();
  settings.pinned_accounts.clear();
  a.Reload(settings);
  EXPECT_EQ(a.TakeActions(), (Lines{"#2 close Route Removed", "#1 reassign slot 0/3"}));
}

TEST(Reload, SoDoesOneThatThePeerHadPinnedToo) {
  Settings settings = Pooled();
  settings.pinned_accounts = {"ACC"};
  Script a(settings);
  AcceptFrom(a, 1, "B", kPool);
  a.Hear(1, R"(INFO {"server_id":"","route_pool_size":3,"route_account":"ACC",)"
            R"("route_acc_add_reqid":"06EnwXwoA42fAu3CwhhAFN"})");
  a.Take();
  settings.pinned_accounts.clear();
  a.Reload(settings);
  EXPECT_EQ(a.TakeActions(), Lines{"#1 reassign slot 0/3"});
}

}  // namespace
}  // namespace martlet::cluster
