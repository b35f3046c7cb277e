// Two Martlets compare whom they know.
#include <string>

#include <gtest/gtest.h>

#include "script.h"

namespace martlet::cluster {
namespace {

constexpr char kChecks[] = R"("martlet_checks":1)";
constexpr char kOther[] = R"(INFO {"martlet_members":2,"martlet_sum":"0123456789abcdef"})";
constexpr char kWarning[] =
    "[WRN] B knows 2 servers of the cluster, here are 3, not the same; it is told of all again";

struct WithBAndC : Script {
  WithBAndC() : Script(Plain()) {
    AcceptFrom(*this, 1, "B", kChecks);
    AcceptFrom(*this, 2, "C");
    Take();
  }
};

TEST(MemberChecks, AreSentEveryTenSecondsToThoseWhoTakeThem) {
  WithBAndC a;
  a.Pass(9999);
  EXPECT_EQ(a.Take(), Lines{});
  a.Pass(1);
  EXPECT_EQ(a.Take(), Lines{"#1 > INFO members=3"});
  a.Pass(10'000);
  EXPECT_EQ(a.Take(), Lines{"#1 > INFO members=3"});
  a.Closed(1, proto::CloseReason::kClientClosed);
  a.Take();
  a.Pass(20'000);
  EXPECT_EQ(a.TakeActions(), Lines{});
}

TEST(MemberChecks, TheSumIsTheSameWhoeverMakesIt) {
  WithBAndC a;
  a.Pass(10'000);
  const std::string sum = a.last_sent();
  Settings settings = Plain();
  settings.server_id = "ID_B";
  settings.server_name = "B";
  Script b(settings);
  AcceptFrom(b, 1, "C");
  AcceptFrom(b, 2, "A", kChecks);
  b.Pass(10'000);
  EXPECT_EQ(b.last_sent(), sum);
  b.Take();
  for (int i = 0; i < 5; ++i) {
    b.Hear(2, sum.substr(0, sum.size() - 2));
    EXPECT_EQ(b.Take(), Lines{});
    b.Pass(10'000);
    EXPECT_EQ(b.Take(), Lines{"#2 > INFO members=3"});
  }
  EXPECT_EQ(b.mesh().member_differences(), 0u);
}

TEST(MemberChecks, ADifferenceThatStaysHasAllToldAgainEverMoreSeldom) {
  WithBAndC a;
  std::string told;
  for (int i = 0; i < 100; ++i) {
    a.Pass(10'000);
    a.Take();
    a.Hear(1, kOther);
    const Lines lines = a.Take();
    a.Hear(1, kOther);  // too soon to count
    EXPECT_EQ(a.Take(), Lines{});
    if (lines.empty()) continue;
    EXPECT_EQ(lines, (Lines{kWarning, "#1 > INFO of ID_C gossip=1"})) << i;
    told += std::to_string(i) + " ";
  }
  EXPECT_EQ(told, "1 2 4 8 16 32 64 96 ");
  EXPECT_EQ(a.mesh().member_differences(), 8u);
}

TEST(MemberChecks, WhileSomebodyComesOrGoesNothingIsTold) {
  WithBAndC a;
  const auto after_a_while = [&](std::string_view check) {
    a.Pass(10'000);
    a.Take();
    a.Hear(1, check);
    return a.TakeActions();
  };
  constexpr char kMore[] = R"(INFO {"martlet_members":4,"martlet_sum":"00"})";
  after_a_while(kOther);
  AcceptFrom(a, 3, "D");
  EXPECT_EQ(after_a_while(kOther), Lines{});
  EXPECT_EQ(after_a_while(kMore), Lines{});
  EXPECT_EQ(after_a_while(kMore),
            (Lines{"#1 > INFO of ID_C gossip=1", "#1 > INFO of ID_D gossip=1"}));
}

TEST(MemberChecks, BeforeTheHandshakeIsDoneTheyAreNone) {
  Script a(Plain());
  a.Accept(1);
  a.Hear(1, ConnectOf("B"));
  a.Take();
  a.Hear(1, kOther);
  EXPECT_EQ(a.TakeActions(), (Lines{"#1 > -ERR 'Rejecting connection, its INFO has no server_id'",
                                    "#1 close Protocol Violation"}));
}

}  // namespace
}  // namespace martlet::cluster
