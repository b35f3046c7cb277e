// Checks of interest: two servers that are told wrong find out, and put it right.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "route.h"
#include "session/interest_board.h"
#include "world.h"

namespace martlet::session {
namespace {

constexpr uint64_t kCheckMs = 10'000;

RouteRole OfMartlet() {
  RouteRole role = Unpooled();
  role.checks = true;
  return role;
}

// Two servers, and the route between them: what one sends reaches the other when it is moved.
class RouteChecks : public testing::Test {
 protected:
  void Connect(const RouteRole& role, const Options& here = {}, const Options& there = {}) {
    worlds.push_back(std::make_unique<World>(2, here));
    worlds.push_back(std::make_unique<World>(1, there));
    for (size_t i = 0; i < 2; ++i) {
      routes.push_back(std::make_unique<Route>(worlds[i]->context(0), 1000 + i));
      routes.back()->session.Register(role);
    }
    Move();
  }
  void Tell(World& world) {
    for (bool more = true; more;) {
      more = false;
      world.Settle();
      for (unsigned shard = 0; shard < world.shards(); ++shard) {
        more = world.context(shard).interest->Continue() || more;
      }
    }
    world.Settle();
  }
  // Everything that is under way arrives.
  void Move() {
    for (bool more = true; more;) {
      more = false;
      for (size_t i = 0; i < 2; ++i) {
        Tell(*worlds[i]);
        const std::string text = routes[i]->Take();
        sent[i] += text;
        more = more || !text.empty();
        routes[1 - i]->Feed(text);
      }
    }
  }
  void NextCheck() {
    for (auto& world : worlds) world->Advance(kCheckMs);
    Move();
  }
  uint64_t differences(size_t world) { return worlds[world]->stats(0).interest_differences.Get(); }
  size_t known_there() { return routes[1]->session.remote_interest(); }
  void TearDown() override {
    routes.clear();
    worlds.clear();
  }

  std::vector<std::unique_ptr<World>> worlds;  // here and there
  std::vector<std::unique_ptr<Route>> routes;
  std::string sent[2];
};

TEST_F(RouteChecks, NobodyElseIsTold) {
  Connect(Unpooled());
  worlds[0]->Connect(0).Feed("SUB foo 1\r\n");
  NextCheck();
  EXPECT_EQ(sent[0].find("INFO"), std::string::npos) << sent[0];
}

TEST_F(RouteChecks, WhatIsTheSameStaysSo) {
  Connect(OfMartlet());
  base::Random random(7);
  std::vector<Client*> clients = {&worlds[0]->Connect(0), &worlds[0]->Connect(1)};
  for (int step = 0; step < 2000; ++step) {
    Client& client = *clients[random.Below(2)];
    const std::string id = std::to_string(random.Below(40));
    std::string line = random.Below(2) == 0 ? "UNSUB " : "SUB foo." + id;
    if (line.starts_with("SUB")) line += random.Below(2) == 0 ? " q " : " ";
    client.Feed(line + id + "\r\n");
    if (step % 50 == 0) NextCheck();
  }
  NextCheck();
  EXPECT_GT(known_there(), 0u);
  EXPECT_NE(sent[0].find("\"martlet_check\""), std::string::npos);
  EXPECT_EQ(differences(1), 0u);
  EXPECT_EQ(sent[1].find("martlet_replay"), std::string::npos);
}

TEST_F(RouteChecks, WhatDiffersIsFoundAndMended) {
  Connect(OfMartlet());
  worlds[0]->Connect(0).Feed("SUB foo 1\r\nSUB bar 2\r\nSUB baz q 3\r\nSUB baz q 4\r\n");
  Move();
  ASSERT_EQ(known_there(), 3u);
  // One is lost, one is too many, one has another weight.
  routes[1]->Feed("RS- $G foo\r\nRS+ $G ghost\r\nRS+ $G baz q 1\r\n");
  NextCheck();
  EXPECT_EQ(differences(1), 0u) << "it may have been a change that was under way";
  sent[0].clear();
  NextCheck();
  EXPECT_EQ(differences(1), 1u);
  EXPECT_NE(worlds[1]->LogText().find("Interest differs for account $G: peer has told 3 filters, "
                                      "here are 3; all of it is asked for again"),
            std::string::npos);
  EXPECT_NE(sent[0].find("RS+ $G foo\r\n"), std::string::npos) << sent[0];
  EXPECT_NE(sent[0].find("RS+ $G baz q 2\r\n"), std::string::npos) << sent[0];
  EXPECT_EQ(known_there(), 3u);
  Client& publisher = worlds[1]->Connect(0);
  sent[1].clear();
  publisher.Feed(Pub("foo", "x") + Pub("ghost", "x"));
  Move();
  EXPECT_EQ(sent[1], "RMSG $G foo 1\r\nx\r\n");
  NextCheck();
  NextCheck();
  EXPECT_EQ(differences(1), 1u);
}

TEST_F(RouteChecks, AReplayIsNotToBeHadAllTheTime) {
  Connect(OfMartlet());
  worlds[0]->Connect(0).Feed("SUB foo 1\r\n");
  Move();
  sent[0].clear();
  for (int i = 0; i < 100; ++i) {
    routes[0]->Feed("INFO {\"martlet_replay\":true}\r\n");
    Move();
  }
  const std::string line = "RS+ $G foo\r\n";
  EXPECT_NE(sent[0].find(line), sent[0].npos);
  EXPECT_EQ(sent[0].find(line), sent[0].rfind(line));
  NextCheck();
  EXPECT_NE(sent[0].find(line), sent[0].rfind(line)) << "the next one at the next check";
}

TEST_F(RouteChecks, WhatPermissionsHoldBackIsNoDifference) {
  Options there;
  there.cluster.exports = {.given = true, .allow = {"foo"}, .deny = {}};
  Connect(OfMartlet(), {}, there);
  worlds[0]->Connect(0).Feed("SUB foo 1\r\nSUB bar 2\r\n");
  for (int i = 0; i < 3; ++i) NextCheck();
  EXPECT_EQ(known_there(), 1u);
  EXPECT_EQ(differences(1), 0u);
}

TEST_F(RouteChecks, GarbageHurtsNobody) {
  Connect(OfMartlet());
  worlds[0]->Connect(0).Feed("SUB foo 1\r\n");
  Move();
  for (const char* text :
       {R"({"martlet_check":"$G"})", R"({"martlet_check":"$G","martlet_filters":-1})",
        R"({"martlet_check":"NOBODY","martlet_filters":1,"martlet_sum":"zz"})",
        R"({"martlet_check":"$G","martlet_filters":1,"martlet_sum":"","martlet_replayed":true})",
        R"({"martlet_check":7})", R"({"martlet_replay":"yes"})"}) {
    routes[1]->Feed("INFO " + std::string(text) + "\r\n");
    Move();
  }
  NextCheck();
  NextCheck();
  EXPECT_FALSE(routes[1]->session.closing());
  EXPECT_EQ(known_there(), 1u);
}

}  // namespace
}  // namespace martlet::session
