// Routes: what one server tells another, and what it does with what it is told.
#include "route.h"

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "session/interest_board.h"
#include "session/route_session.h"
#include "world.h"

namespace martlet::session {
namespace {

class RouteTest : public testing::Test {
 protected:
  void Use(unsigned shards, const Options& options = {}) {
    world = std::make_unique<World>(shards, options);
  }
  Route& Join(unsigned shard, RouteRole role = Unpooled()) {
    routes.push_back(std::make_unique<Route>(world->context(shard), 1000 + routes.size()));
    routes.back()->session.Register(std::move(role));
    Tell();
    return *routes.back();
  }
  // Lets boards tell what they have to tell.
  void Tell() {
    for (bool more = true; more;) {
      more = false;
      world->Settle();
      for (unsigned shard = 0; shard < world->shards(); ++shard) {
        more = world->context(shard).interest->Continue() || more;
      }
    }
    world->Settle();
  }
  void TearDown() override {
    routes.clear();
    world.reset();
  }

  std::unique_ptr<World> world;
  std::vector<std::unique_ptr<Route>> routes;
};

TEST_F(RouteTest, TellsFirstAndLastPlainSubscription) {
  Use(2);
  Route& route = Join(0);
  Client& one = world->Connect(0);
  Client& two = world->Connect(1);
  one.Feed("SUB foo 1\r\n");
  Tell();
  EXPECT_EQ(route.Take(), "RS+ $G foo\r\n");
  two.Feed("SUB foo 1\r\nSUB foo 2\r\n");
  Tell();
  EXPECT_EQ(route.Take(), "");
  one.Feed("UNSUB 1\r\n");
  two.Feed("UNSUB 2\r\n");
  Tell();
  EXPECT_EQ(route.Take(), "");
  two.Feed("UNSUB 1\r\n");
  Tell();
  EXPECT_EQ(route.Take(), "RS- $G foo\r\n");
}

TEST_F(RouteTest, HasAWriteLimitOfItsOwn) {
  Options options;
  Use(1, options);
  EXPECT_EQ(Join(0).session.write_limit().deadline_ms(), 10'000u);
  EXPECT_FALSE(Join(0).session.write_limit().whole);
  options.cluster.write_deadline = std::chrono::milliseconds(300);
  options.cluster.close_at_write_deadline = true;
  TearDown();
  Use(1, options);
  EXPECT_EQ(Join(0).session.write_limit().deadline_ms(), 300u);
  EXPECT_TRUE(Join(0).session.write_limit().whole);
}

TEST_F(RouteTest, TellsEveryWeightOfAGroup) {
  Use(1);
  Route& route = Join(0);
  Client& client = world->Connect(0);
  client.Feed("SUB foo q 1\r\nSUB foo q 2\r\nSUB foo q 3\r\nUNSUB 1\r\n");
  EXPECT_EQ(route.Take(),
            "RS+ $G foo q 1\r\nRS+ $G foo q 2\r\nRS+ $G foo q 3\r\nRS+ $G foo q 2\r\n");
}

TEST_F(RouteTest, AddsTheMembersOfAllShards) {
  Use(2);
  Route& route = Join(0);
  world->Connect(0).Feed("SUB foo q 1\r\n");
  world->Connect(1).Feed("SUB foo q 1\r\nSUB foo q 2\r\n");
  Tell();
  EXPECT_TRUE(route.Take().ends_with("RS+ $G foo q 3\r\n"));
}

TEST_F(RouteTest, TellsANewcomerAllThatIsThere) {
  Use(2);
  Client& client = world->Connect(1);
  std::set<std::string> wanted;
  for (int i = 0; i < 5000; ++i) {
    const std::string subject = "subject." + std::to_string(i);
    client.Feed("SUB " + subject + " " + std::to_string(i) + "\r\n");
    wanted.insert("RS+ $G " + subject);
  }
  client.Feed("SUB q.* g a\r\nSUB q.* g b\r\n");
  wanted.insert("RS+ $G q.* g 2");
  for (int round = 0; round < 2; ++round) {  // from the index, then from the board
    const std::string text = Join(0).Take();
    std::set<std::string> told;
    size_t lines = 0;
    for (size_t at = 0; at < text.size(); ++lines) {
      const size_t end = text.find("\r\n", at);
      told.insert(text.substr(at, end - at));
      at = end + 2;
    }
    EXPECT_EQ(told, wanted);
    EXPECT_EQ(lines, wanted.size());
  }
}

TEST_F(RouteTest, InterestInAReplyComesBeforeTheRequest) {
  Use(2);
  Route& route = Join(0);
  route.Feed("RS+ $G svc\r\n");
  Client& client = world->Connect(1);
  client.Feed("SUB inbox 1\r\nPUB svc inbox 1\r\nx\r\n");
  Tell();
  EXPECT_EQ(route.Take(), "RS+ $G inbox\r\nRMSG $G svc inbox 1\r\nx\r\n");
}

TEST_F(RouteTest, OneCopyForAllMatchingInterestOfAPeer) {
  Use(2);
  Route& route = Join(0);
  route.Feed("RS+ $G foo\r\nRS+ $G *\r\nRS+ $G foo q1 1\r\nRS+ $G > q2 1\r\n");
  world->Connect(1).Feed(Pub("foo", "x", "r"));
  Tell();
  const std::string text = route.Take();
  EXPECT_TRUE(text == "RMSG $G foo + r q1 q2 1\r\nx\r\n" ||
              text == "RMSG $G foo + r q2 q1 1\r\nx\r\n")
      << text;
}

TEST_F(RouteTest, CutsHeadersOffForAPeerWithoutThem) {
  Use(1);
  Route& with = Join(0);
  Route& without = Join(0, Unpooled(false));
  with.Feed("RS+ $G foo\r\n");
  without.Feed("RS+ $G foo\r\n");
  world->Connect(0, "\"headers\":true").Feed("HPUB foo 12 14\r\nNATS/1.0\r\n\r\nxy\r\n");
  EXPECT_EQ(with.Take(), "HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nxy\r\n");
  EXPECT_EQ(without.Take(), "RMSG $G foo 2\r\nxy\r\n");
}

TEST_F(RouteTest, WhatComesByARouteGoesToClientsAlone) {
  Use(2);
  Route& from = Join(0);
  Route& other = Join(1);
  other.Feed("RS+ $G foo\r\nRS+ $G foo q 5\r\n");
  Client& one = world->Connect(0);
  Client& two = world->Connect(1);
  one.Feed("SUB foo 1\r\nSUB foo q 2\r\n");
  two.Feed("SUB foo 1\r\n");
  Tell();
  other.Take();
  from.Feed("RMSG $G foo 1\r\nx\r\n");
  Tell();
  EXPECT_EQ(one.Take(), Msg("foo", "1", "x"));
  EXPECT_EQ(two.Take(), Msg("foo", "1", "x"));
  EXPECT_EQ(other.Take(), "");
  from.Feed("RMSG $G foo | q 1\r\ny\r\n");
  Tell();
  EXPECT_EQ(one.Take(), Msg("foo", "1", "y") + Msg("foo", "2", "y"));
  EXPECT_EQ(other.Take(), "");
}

TEST_F(RouteTest, PassesOnWhatAGroupWithoutMembersHereGets) {
  Use(2);
  Route& from = Join(0);
  Route& other = Join(1);
  other.Feed("RS+ $G foo q 5\r\n");
  from.Feed("RMSG $G foo + r q 1\r\nx\r\n");
  Tell();
  EXPECT_EQ(other.Take(), "RMSG $G foo + r q 1\r\nx\r\n");
}

TEST_F(RouteTest, StreamRepliesAreTakenApart) {
  Use(2);
  Route& route = Join(0);
  Client& client = world->Connect(1);
  client.Feed("SUB inbox 1\r\n");
  Tell();
  route.Take();
  route.Feed("RMSG $G inbox $JS.ACK.S.C.1.1.1.17.0@orders.1 2\r\nhi\r\n");
  Tell();
  EXPECT_EQ(client.Take(), Msg("orders.1", "1", "hi", "$JS.ACK.S.C.1.1.1.17.0"));
}

TEST_F(RouteTest, InterestGoesWithItsRoute) {
  Use(2);
  Route& route = Join(0);
  route.Feed("RS+ $G foo\r\nRS+ $G foo.* q 2\r\n");
  Client& client = world->Connect(1, "\"headers\":true,\"no_responders\":true");
  client.Feed("SUB inbox 1\r\n" + Pub("foo", "x", "inbox"));
  Tell();
  EXPECT_EQ(client.Take(), "");
  route.session.Close(CloseReason::kClientClosed);
  route.session.Detach();
  Tell();
  client.Feed(Pub("foo", "x", "inbox"));
  Tell();
  EXPECT_TRUE(client.Take().starts_with("HMSG inbox 1 ")) << "503";
}

TEST_F(RouteTest, ChoosesByWeightOverServers) {
  Use(2);
  Route& route = Join(0);
  route.Feed("RS+ $G foo q 9\r\n");
  Client& member = world->Connect(1);
  member.Feed("SUB foo q 1\r\n");
  Tell();
  route.Take();
  Client& publisher = world->Connect(1);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += Pub("foo", "x");
  publisher.Feed(text);
  Tell();
  const size_t here = member.Take().size() / Msg("foo", "1", "x").size();
  const size_t there = route.Take().size() / std::string("RMSG $G foo | q 1\r\nx\r\n").size();
  EXPECT_EQ(here + there, 1000U);
  EXPECT_NEAR(static_cast<double>(here), 100, 40);
}

TEST_F(RouteTest, APooledRouteCarriesTheAccountsOfItsSlot) {
  Use(1);
  world->Connect(0).Feed("SUB foo 1\r\n");
  RouteRole role = Unpooled();
  role.pool_size = 3;
  for (role.slot = 0; role.slot < 3; ++role.slot) {
    EXPECT_EQ(Join(0, role).Take(), role.slot == 2 ? "RS+ $G foo\r\n" : "") << role.slot;
  }
}

TEST_F(RouteTest, ADedicatedRouteNamesNoAccount) {
  Use(1);
  world->Connect(0).Feed("SUB foo 1\r\n");
  RouteRole role = Unpooled();
  role.pool_size = 3;
  role.account = "$G";
  Route& route = Join(0, role);
  EXPECT_EQ(route.Take(), "RS+ foo\r\n");
  route.Feed("RS+ bar q 2\r\nRMSG foo 1\r\nx\r\n");
  world->Connect(0).Feed(Pub("bar", "y"));
  EXPECT_EQ(route.Take(), "RMSG bar | q 1\r\ny\r\n");
}

TEST_F(RouteTest, CompressedBothWays) {
  Use(1);
  Route& route = Join(0);
  route.session.CompressOutput(s2::Level::kFast, false);
  route.session.DecompressInput();
  const std::string payload(1000, 'z');
  s2::Writer writer;
  std::string packed;
  std::string plain = "RS+ $G foo\r\n";
  iovec piece = {plain.data(), plain.size()};
  writer.Flush(s2::Level::kFast, {&piece, 1},
               [&](std::string_view bytes) { packed.append(bytes); });
  for (const char c : packed) route.Feed({&c, 1});
  world->Connect(0).Feed(Pub("foo", payload));
  const std::string sent = route.Take();
  EXPECT_LT(sent.size(), 200U);
  s2::Reader reader;
  std::string text;
  ASSERT_TRUE(reader.Read(sent, [&](std::string_view bytes) { text.append(bytes); }).ok());
  EXPECT_EQ(text, "RMSG $G foo 1000\r\n" + payload + "\r\n");
}

TEST_F(RouteTest, ABarrierIsAnsweredWhenAllRoutesKnow) {
  Use(2);
  Route& one = Join(0);
  Route& two = Join(1);
  Client& client = world->Connect(1);
  client.Feed("SUB inbox 1\r\nSUB foo 2\r\nPUB $SYS.REQ.MARTLET.BARRIER inbox 0\r\n\r\n");
  Tell();
  EXPECT_EQ(one.Take(), "RS+ $G inbox\r\nRS+ $G foo\r\nPING\r\n");
  EXPECT_EQ(two.Take(), "RS+ $G inbox\r\nRS+ $G foo\r\nPING\r\n");
  one.Feed("PONG\r\n");
  Tell();
  EXPECT_EQ(client.Take(), "");
  two.Feed("PONG\r\n");
  Tell();
  EXPECT_EQ(client.Take(), Msg("inbox", "1", R"({"server":"test","complete":true,"routes":2})"));
}

TEST_F(RouteTest, ABarrierWaitsForNoRouteThatHasGoneAndNotForEver) {
  Use(2);
  Route& one = Join(0);
  Join(1);
  Client& client = world->Connect(1);
  client.Feed("SUB inbox 1\r\nPUB $SYS.REQ.MARTLET.BARRIER inbox 0\r\n\r\n");
  Tell();
  one.session.Close(CloseReason::kClientClosed);
  one.session.Detach();
  Tell();
  EXPECT_EQ(client.Take(), "");
  world->Advance(Barriers::kPatienceMs + 100);  // the client is sent a PING meanwhile
  EXPECT_TRUE(client.Take().ends_with(
      Msg("inbox", "1", R"({"server":"test","complete":false,"routes":0})")));
}

TEST_F(RouteTest, WithoutRoutesABarrierIsNone) {
  Use(1);
  Client& client = world->Connect(0);
  client.Feed("SUB inbox 1\r\nPUB $SYS.REQ.MARTLET.BARRIER inbox 0\r\n\r\n");
  EXPECT_EQ(client.Take(), Msg("inbox", "1", R"({"server":"test","complete":true,"routes":0})"));
}

// `count` blocks of 4 MiB of junk behind a PING, and the end of the line: some hundred bytes.
std::string Bomb(size_t count) {
  s2::Writer writer;
  std::string packed;
  const auto add = [&](std::string text) {
    iovec piece = {text.data(), text.size()};
    writer.Flush(s2::Level::kFast, {&piece, 1},
                 [&](std::string_view bytes) { packed.append(bytes); });
  };
  add("PING ");
  for (size_t i = 0; i < count; ++i) add(std::string(size_t{4} << 20, 'x'));
  add("\r\n");
  return packed;
}

TEST_F(RouteTest, WhatUnfoldsToMuchLetsOthersHaveTheirTurns) {
  Use(1);
  Route& route = Join(0);
  route.session.DecompressInput();
  const std::string bomb = Bomb(6);
  EXPECT_LT(bomb.size(), size_t{2} << 20);
  route.Feed(bomb);
  EXPECT_TRUE(route.session.paused());
  size_t pauses = 0;
  while (route.session.paused()) {
    ++pauses;
    ASSERT_LT(pauses, 10U);
    world->context(0).timers.Advance(world->context(0).timers.now() + 2);
    if (route.session.TakeResumeDue()) route.session.OnResume();
  }
  EXPECT_EQ(pauses, 3U);
  EXPECT_EQ(route.Take(), "PONG\r\n");
}

TEST_F(RouteTest, WhatStandsBehindAPauseStaysCompressed) {
  Use(1);
  Route& route = Join(0);
  route.session.DecompressInput();
  const std::string bomb = Bomb(40);
  route.session.OnBytes(bomb, nullptr);
  EXPECT_TRUE(route.session.paused());
  EXPECT_LT(route.session.unread_bytes(), bomb.size() + (size_t{4} << 20));
}

// Transcript 29: what the peer let pass before it knows already.
TEST_F(RouteTest, TellsAnewWhatThePeerLetsPassNow) {
  Use(1);
  Client& client = world->Connect(0);
  client.Feed("SUB baz 1\r\nSUB other 2\r\nSUB foo.x 3\r\nSUB foo.> q 4\r\n");
  RouteRole role = Unpooled();
  role.exports = {.given = true, .allow = {"baz", "foo.*"}, .deny = {}};
  Route& route = Join(0, role);
  route.Take();
  route.session.OnPeerPermissions({.given = true, .allow = {"other", "baz"}, .deny = {}});
  EXPECT_EQ(route.Take(), "RS+ $G other\r\n");
  route.session.OnPeerPermissions({.given = true, .allow = {}, .deny = {"other"}});
  const std::string told = route.Take();
  EXPECT_NE(told.find("RS+ $G foo.x\r\n"), told.npos);
  EXPECT_NE(told.find("RS+ $G foo.> q 1\r\n"), told.npos);
  EXPECT_EQ(told.size(), std::string("RS+ $G foo.x\r\nRS+ $G foo.> q 1\r\n").size());
}

TEST_F(RouteTest, ARouteThatStaysWhatItIsTellsNothing) {
  Use(1);
  world->Connect(0).Feed("SUB foo 1\r\n");
  Route& route = Join(0);
  EXPECT_EQ(route.Take(), "RS+ $G foo\r\n");
  route.session.Reassign("", 0, 0, {});
  Tell();
  EXPECT_EQ(route.Take(), "");
}

// Pinned by a reload: its interest is told, and comes, by the account's own route from there on.
TEST_F(RouteTest, ForgetsWhatMovesToARouteOfItsOwn) {
  Use(1);
  RouteRole role = Unpooled();
  role.pool_size = 1;
  Route& route = Join(0, role);
  route.Feed("RS+ $G foo\r\nRS+ $SYS foo\r\n");
  EXPECT_EQ(route.session.remote_interest(), 2u);
  Client& client = world->Connect(0);
  client.Feed(Pub("foo", "x"));
  EXPECT_EQ(route.Take(), "RMSG $G foo 1\r\nx\r\n");
  route.session.Reassign("", 0, 1, {"$G"});
  Tell();
  EXPECT_EQ(route.session.remote_interest(), 1u);
  client.Feed("SUB bar 1\r\n" + Pub("foo", "x"));
  Tell();
  EXPECT_EQ(route.Take(), "");
}

TEST_F(RouteTest, FirstComesConnect) {
  Use(1);
  Route accepted(world->context(0), 7, false);
  accepted.Feed("PING\r\n");
  EXPECT_EQ(accepted.Take(), "-ERR 'Authorization Violation'\r\n");
  EXPECT_TRUE(accepted.session.closing());
}

TEST_F(RouteTest, WhatComesBeforeConnectIsNotEvenParsed) {
  Use(1);
  for (const char* text : {"GET / HTTP/1.1\r\n", "RS+ foo\r\n", "\x16\x03", "\r\n", "R"}) {
    Route accepted(world->context(0), 7, false);
    accepted.Feed(text);
    EXPECT_EQ(accepted.Take(), "-ERR 'Authorization Violation'\r\n") << text;
    EXPECT_EQ(accepted.session.close_reason(), CloseReason::kAuthenticationFailure);
  }
}

TEST_F(RouteTest, AnErrorEndsTheRoute) {
  Use(1);
  Route& route = Join(0);
  route.Feed("-ERR 'Stale Connection'\r\n");
  EXPECT_EQ(route.events, "error 'Stale Connection'");
  EXPECT_EQ(route.session.close_reason(), CloseReason::kParseError);
}

TEST_F(RouteTest, InterestIsCountedAsLongAsItIsThere) {
  Use(1);
  Route& route = Join(0);
  const ShardStats& stats = world->stats(0);
  route.Feed("RS+ $G a\r\nRS+ $G a\r\nRS+ $G b q 1\r\nRS+ $G b q 2\r\nRS- $G no\r\n");
  EXPECT_EQ(stats.remote_subscriptions.Get(), 2u);
  route.Feed("RS- $G a\r\nRS- $G a\r\nRS+ $SYS c\r\n");
  EXPECT_EQ(stats.remote_subscriptions.Get(), 2u);
  EXPECT_EQ(stats.remote_subscriptions_made.Get(), 3u);
  routes.clear();
  EXPECT_EQ(stats.remote_subscriptions.Get(), 0u);
  EXPECT_EQ(stats.subscriptions.Get(), 0u);
}

TEST_F(RouteTest, ItsTrafficIsCountedApartFromThatOfClients) {
  Use(1);
  Route& route = Join(0);
  Client& client = world->Connect(0);
  client.Feed("SUB in 1\r\n");
  route.Feed("RS+ $G out\r\nRMSG $G in 2\r\nok\r\n");
  client.Feed("PUB out 5\r\nhello\r\n");
  const ShardStats& stats = world->stats(0);
  EXPECT_EQ(stats.in_messages.Get(), 1u);
  EXPECT_EQ(stats.in_bytes.Get(), 5u);
  EXPECT_EQ(stats.out_messages.Get(), 1u);
  EXPECT_EQ(stats.out_bytes.Get(), 2u);
  EXPECT_EQ(stats.route_in_messages.Get(), 1u);
  EXPECT_EQ(stats.route_in_bytes.Get(), 2u);
  EXPECT_EQ(stats.route_out_messages.Get(), 1u);
  EXPECT_EQ(stats.route_out_bytes.Get(), 5u);
}

}  // namespace
}  // namespace martlet::session
