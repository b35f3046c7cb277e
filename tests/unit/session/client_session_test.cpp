#include "session/client_session.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "world.h"

namespace martlet::session {
namespace {

using std::chrono::seconds;

TEST(ClientSession, GreetsWithItsInfo) {
  World world(1);
  Client client(world.context(0), 42);
  client.session.Start(false);
  const std::string info = client.Take();
  EXPECT_TRUE(info.starts_with("INFO {\"server_id\":\"NTEST\""));
  EXPECT_NE(info.find("\"client_id\":42,\"client_ip\":\"127.0.0.1\""), info.npos);
  EXPECT_TRUE(info.ends_with("} \r\n"));
  EXPECT_EQ(world.stats(0).connections.Get(), 1u);
}

TEST(ClientSession, SurplusConnectionIsToldAndClosed) {
  World world(1);
  Client client(world.context(0), 42);
  client.session.Start(true);
  EXPECT_TRUE(client.Take().ends_with(" \r\n-ERR 'maximum connections exceeded'\r\n"));
  EXPECT_TRUE(client.closed(CloseReason::kMaximumConnectionsExceeded));
}

TEST(ClientSession, VerboseIsOnUntilAConnectSaysOtherwise) {
  World world(1);
  Client& client = world.Accept(0);
  client.Feed("SUB a 1\r\nUNSUB 1\r\nUNSUB none\r\nPING\r\nCONNECT {}\r\n");
  EXPECT_EQ(client.Take(), "+OK\r\n+OK\r\n+OK\r\nPONG\r\n+OK\r\n");
}

TEST(ClientSession, OkComesBeforeOwnDelivery) {
  World world(1);
  Client& client = world.Accept(0);
  client.Feed("SUB a 1\r\n" + Pub("a", "hi") + "PING\r\n");
  EXPECT_EQ(client.Take(), "+OK\r\n+OK\r\n" + Msg("a", "1", "hi") + "PONG\r\n");
}

TEST(ClientSession, PedanticPublisherIsToldAndItsMessageGoesOn) {
  World world(1);
  Client& client = world.Accept(0);
  client.Feed("SUB a.* 1\r\n" + Pub("a.>", "x") + Pub("a..b", "y"));
  EXPECT_EQ(client.Take(), "+OK\r\n-ERR 'Invalid Publish Subject'\r\n+OK\r\n" +
                               Msg("a.>", "1", "x") + "-ERR 'Invalid Publish Subject'\r\n+OK\r\n");
  EXPECT_FALSE(client.session.closing());
}

TEST(ClientSession, ReservedSubjectsAndRepliesAreRefused) {
  World world(1);
  Client& client = world.Connect(0);
  client.Feed("SUB > 1\r\n" + Pub("$NRG.x", "") + Pub("_GR_.abcdef.abcdef.x", "") +
              Pub("a", "", "_R_.x") + Pub("a", "", "$JS.ACK.x") + Pub("a", "", "_GR_.x"));
  EXPECT_EQ(client.Take(),
            "-ERR 'Permissions Violation for Publish to \"$NRG.x\"'\r\n"
            "-ERR 'Permissions Violation for Publish to \"_GR_.abcdef.abcdef.x\"'\r\n"
            "-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'\r\n"
            "-ERR 'Permissions Violation for Publish with Reply of \"$JS.ACK.x\"'\r\n"
            "-ERR 'Permissions Violation for Publish with Reply of \"_GR_.x\"'\r\n");
}

TEST(ClientSession, FirstPingAfterConnectBringsAnInfo) {
  World world(1);
  Client& one = world.Connect(0, "\"protocol\":1");
  one.Feed("PING\r\nPING\r\n");
  const std::string text = one.Take();
  EXPECT_TRUE(text.starts_with("PONG\r\nINFO {"));
  EXPECT_TRUE(text.ends_with("} \r\nPONG\r\n"));
  EXPECT_NE(text.find("\"connect_info\":true,\"remote_account\":\"$G\""), text.npos);
  Client& zero = world.Connect(0);
  zero.Feed("PING\r\n");
  EXPECT_EQ(zero.Take(), "PONG\r\n");
}

TEST(ClientSession, SecondConnectDropsSubscriptionsAndKeepsWhatItDoesNotName) {
  World world(2);
  Client& client = world.Connect(0, "\"echo\":false");
  client.Feed("SUB a 1\r\nSUB b.* q 2\r\n");
  EXPECT_EQ(client.session.subscriptions(), 2u);
  client.Feed("CONNECT {\"pedantic\":true}\r\n");
  EXPECT_EQ(client.session.subscriptions(), 0u);
  EXPECT_EQ(world.stats(0).subscriptions.Get(), 0u);
  EXPECT_FALSE(client.session.echo());
  EXPECT_EQ(client.Take(), "");  // verbose stays off
  world.Connect(1).Feed(Pub("a", "x"));
  world.Settle();
  EXPECT_EQ(client.Take(), "");
  client.Feed("SUB a 1\r\n");  // the sid is free again
  world.Connect(1).Feed(Pub("a", "y"));
  world.Settle();
  EXPECT_EQ(client.Take(), Msg("a", "1", "y"));
}

TEST(ClientSession, ConnectThatCannotBeServedCloses) {
  struct Case {
    std::string_view connect;
    std::string_view answer;
    CloseReason reason;
  };
  constexpr Case kCases[] = {
      {"{\"protocol\":2}", "-ERR 'invalid client protocol'\r\n",
       CloseReason::kBadClientProtocolVersion},
      {"{\"no_responders\":true}", "-ERR 'no responders requires headers support'\r\n",
       CloseReason::kNoRespondersRequiresHeaders},
      {"{\"account\":\"a\"}", "-ERR 'Authorization Violation'\r\n",
       CloseReason::kAuthenticationFailure},
      {"{\"verbose\":1}", "", CloseReason::kProtocolViolation},
      {"[]", "", CloseReason::kProtocolViolation},
  };
  for (const Case& c : kCases) {
    World world(1);
    Client& client = world.Accept(0);
    client.Feed("CONNECT " + std::string(c.connect) + "\r\nPING\r\n");
    EXPECT_EQ(client.Take(), c.answer) << c.connect;
    EXPECT_TRUE(client.closed(c.reason)) << c.connect;
  }
}

TEST(ClientSession, BrokenInputIsAnsweredAndEndsTheConnection) {
  struct Case {
    std::string_view input;
    std::string_view answer;
    CloseReason reason;
  };
  constexpr Case kCases[] = {
      {"X", "-ERR 'Unknown Protocol Operation'\r\n", CloseReason::kProtocolViolation},
      {"PUB a 99999999\r\n", "-ERR 'Maximum Payload Violation'\r\n",
       CloseReason::kMaximumMessagePayloadExceeded},
      {"PUB a\r\n", "", CloseReason::kProtocolViolation},
      {"HPUB a 1 1\r\n", "", CloseReason::kProtocolViolation},
      {"-ERR 'bye'\r\n", "", CloseReason::kParseError},
  };
  for (const Case& c : kCases) {
    World world(1);
    Client& client = world.Connect(0);
    client.Feed(std::string(c.input) + "PING\r\n");
    EXPECT_EQ(client.Take(), c.answer) << c.input;
    EXPECT_TRUE(client.closed(c.reason)) << c.input;
    client.Feed("PING\r\n");
    EXPECT_EQ(client.Take(), "");
  }
}

TEST(ClientSession, SubscriptionLimitKeepsTheConnection) {
  Options options;
  options.max_subscriptions = 2;
  World world(1, options);
  Client& client = world.Connect(0);
  client.Feed("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nSUB a 1\r\n");
  EXPECT_EQ(client.Take(),
            "-ERR 'maximum subscriptions exceeded'\r\n-ERR 'maximum subscriptions exceeded'\r\n");
  client.Feed("UNSUB 1\r\nSUB c 3\r\n" + Pub("c", "x"));
  EXPECT_EQ(client.Take(), Msg("c", "3", "x"));
}

TEST(ClientSession, TokenLimitKeepsTheConnection) {
  Options options;
  options.max_subscription_tokens = 3;
  World world(1, options);
  Client& client = world.Connect(0);
  client.Feed("SUB a.b.c 1\r\nSUB a.b.c.d 2\r\n");
  EXPECT_EQ(client.Take(),
            "-ERR 'Permissions Violation for Subscription to \"a.b.c.d\", too many tokens'\r\n");
  EXPECT_EQ(client.session.subscriptions(), 1u);
}

TEST(ClientSession, InvalidFilterAndReservedQueueAreRefused) {
  World world(1);
  Client& client = world.Accept(0);
  client.Feed("SUB a..b 1\r\nSUB a _sys_ 1\r\nSUB a.>.b 1\r\nSUB a 1\r\n");
  EXPECT_EQ(client.Take(),
            "-ERR 'Invalid Subject'\r\n"
            "-ERR 'Permissions Violation for Subscription to \"a\" using queue \"_sys_\"'\r\n"
            "-ERR 'Invalid Subject'\r\n+OK\r\n");
}

TEST(ClientSession, SecondSubOfASidChangesNothing) {
  World world(1);
  Client& client = world.Accept(0);
  client.Feed("SUB a 1\r\nSUB b 1\r\n");
  EXPECT_EQ(client.Take(), "+OK\r\n+OK\r\n");
  client.Feed("CONNECT {\"verbose\":false}\r\n");
  client.Feed("SUB a 1\r\nSUB b 1\r\n" + Pub("b", "no") + Pub("a", "yes"));
  EXPECT_EQ(client.Take(), Msg("a", "1", "yes"));
}

TEST(ClientSession, UnsubWithAMaximumEndsAfterThatMany) {
  World world(1);
  Client& client = world.Connect(0);
  client.Feed("SUB a 1\r\n" + Pub("a", "1") + "UNSUB 1 3\r\n" + Pub("a", "2") + Pub("a", "3") +
              Pub("a", "4"));
  EXPECT_EQ(client.Take(), Msg("a", "1", "1") + Msg("a", "1", "2") + Msg("a", "1", "3"));
  EXPECT_EQ(client.session.subscriptions(), 0u);
}

TEST(ClientSession, UnsubWithAMaximumAlreadyReachedEndsNow) {
  for (const std::string_view max : {"1", "2", "0", "x", "-5", "9999999999"}) {
    World world(1);
    Client& client = world.Connect(0);
    client.Feed("SUB a 1\r\n" + Pub("a", "1") + Pub("a", "2") + "UNSUB 1 " + std::string(max) +
                "\r\n");
    EXPECT_EQ(client.session.subscriptions(), 0u) << max;
  }
}

TEST(ClientSession, LatestMaximumWins) {
  World world(1);
  Client& client = world.Connect(0);
  client.Feed("SUB a 1\r\nUNSUB 1 1\r\nUNSUB 1 2\r\n" + Pub("a", "1"));
  EXPECT_EQ(client.session.subscriptions(), 1u);
  client.Feed("UNSUB 1\r\n" + Pub("a", "2"));
  EXPECT_EQ(client.Take(), Msg("a", "1", "1"));
  EXPECT_EQ(client.session.subscriptions(), 0u);
}

TEST(ClientSession, CountsTraffic) {
  World world(1);
  Client& client = world.Connect(0, "\"headers\":true");
  client.Feed("SUB a 1\r\nSUB a 2\r\n" + Pub("a", "12345") + "HPUB none 2 4\r\nhhbb\r\n");
  EXPECT_EQ(world.stats(0).in_messages.Get(), 2u);
  EXPECT_EQ(world.stats(0).in_bytes.Get(), 9u);
  EXPECT_EQ(world.stats(0).out_messages.Get(), 2u);
  EXPECT_EQ(world.stats(0).out_bytes.Get(), 10u);
  EXPECT_EQ(world.stats(0).subscriptions.Get(), 2u);
}

TEST(ClientSession, EndTakesEverythingOutOfTheBooks) {
  World world(1);
  {
    Client client(world.context(0), 9);
    client.session.Start(false);
    client.Feed("SUB a 1\r\nSUB b.> q 2\r\n");
    client.session.Close(CloseReason::kReadError);
    client.session.Close(CloseReason::kClientClosed);
    EXPECT_TRUE(client.closed(CloseReason::kReadError));  // the first reason counts
    world.Settle();
    EXPECT_EQ(client.session.subscriptions(), 0u);
  }
  EXPECT_EQ(world.stats(0).connections.Get(), 0u);
  EXPECT_EQ(world.stats(0).total_connections.Get(), 1u);
  EXPECT_EQ(world.stats(0).subscriptions.Get(), 0u);
  EXPECT_TRUE(world.context(0).clients.empty());
  world.Advance(600'000);  // no timer of it is left
}

TEST(ClientSession, FirstPingComesTwoSecondsAfterConnect) {
  World world(1);
  Client& client = world.Connect(0);
  world.Advance(1900);
  EXPECT_EQ(client.Take(), "");
  world.Advance(600);
  EXPECT_EQ(client.Take(), "PING\r\n");
}

TEST(ClientSession, WithoutConnectTheFirstPingComesAfterTheInterval) {
  Options options;
  options.ping_interval = seconds(10);
  World world(1, options);
  Client& client = world.Accept(0);
  world.Advance(9900);
  EXPECT_EQ(client.Take(), "");
  world.Advance(200);
  EXPECT_EQ(client.Take(), "PING\r\n");
}

TEST(ClientSession, PingIsPutOffWhileTheClientSpeaks) {
  Options options;
  options.ping_interval = seconds(10);
  World world(1, options);
  Client& client = world.Connect(0);
  world.Advance(2500);
  EXPECT_EQ(client.Take(), "PING\r\n");
  client.Feed("PONG\r\n");
  for (int i = 0; i < 20; ++i) {
    world.Advance(3000);
    client.Feed(Pub("a", "x"));
    EXPECT_EQ(client.Take(), "") << i;
  }
  world.Advance(20'000);
  EXPECT_EQ(client.Take(), "PING\r\n");
}

TEST(ClientSession, SilentClientIsStaleAfterTwoPings) {
  Options options;
  options.ping_interval = seconds(10);
  World world(1, options);
  Client& client = world.Connect(0);
  world.Advance(2500);
  world.Advance(10'000);
  EXPECT_EQ(client.Take(), "PING\r\nPING\r\n");
  EXPECT_FALSE(client.session.closing());
  world.Advance(10'000);
  EXPECT_EQ(client.Take(), "-ERR 'Stale Connection'\r\n");
  EXPECT_TRUE(client.closed(CloseReason::kStaleConnection));
  EXPECT_EQ(world.stats(0).stale_connections.Get(), 1u);
}

TEST(ClientSession, PongKeepsTheClientAlive) {
  Options options;
  options.ping_interval = seconds(10);
  World world(1, options);
  Client& client = world.Connect(0);
  for (int i = 0; i < 10; ++i) {
    world.Advance(10'000);
    client.Feed("PONG\r\n");
  }
  EXPECT_FALSE(client.session.closing());
}

TEST(ClientSession, LameDuckInfoGoesToThoseWhoHadTheirFirstPong) {
  World world(1);
  Client& early = world.Connect(0, "\"protocol\":1");
  Client& old = world.Connect(0);
  Client& ready = world.Connect(0, "\"protocol\":1");
  old.Feed("PING\r\n");
  ready.Feed("PING\r\n");
  ready.Take();
  old.Take();
  for (Client* client : {&early, &old, &ready}) client->session.SendLameDuckInfo();
  EXPECT_EQ(early.Take(), "");
  EXPECT_EQ(old.Take(), "");
  EXPECT_NE(ready.Take().find("\"ldm\":true"), std::string::npos);
}

TEST(ClientSession, TellsAClientWhoItIs) {
  World world(2);
  Client& client = world.Connect(0);
  client.Feed("SUB _INBOX.1 7\r\n" + Pub("$SYS.REQ.USER.INFO", "", "_INBOX.1") +
              Pub("$SYS.REQ.USER.INFO", ""));
  const std::string answer = client.Take();
  EXPECT_EQ(Count(answer, "MSG "), 1);
  EXPECT_TRUE(answer.starts_with("MSG _INBOX.1 7 "));
  EXPECT_NE(answer.find("\"server\":{\"name\":\"test\""), answer.npos);
  EXPECT_NE(answer.find("\"account\":\"$G\""), answer.npos);
  const size_t line_end = answer.find("\r\n");
  const size_t announced = std::stoul(answer.substr(15, line_end - 15));
  EXPECT_EQ(answer.size(), line_end + 2 + announced + 2);
}

TEST(ClientSession, UserInfoReachesAReplySubscriptionElsewhere) {
  World world(2);
  Client& other = world.Connect(1);
  other.Feed("SUB _INBOX.1 7\r\n");
  world.Connect(0).Feed(Pub("$SYS.REQ.USER.INFO", "", "_INBOX.1"));
  world.Settle();
  EXPECT_TRUE(other.Take().starts_with("MSG _INBOX.1 7 "));
}

TEST(ClientSession, LogLinesNameTheClient) {
  World world(1);
  Client& client =
      world.Connect(0, R"("name":"n","lang":"go","version":"1.2","user":"u","pass":"p")");
  client.Feed("PUB a\r\n");
  EXPECT_NE(world.LogText().find("127.0.0.1:5000 - cid:5 - \"v1.2:go:n\" - \"$G/user:u\" - "
                                 "processPub Parse Error: \"a\""),
            std::string::npos)
      << world.LogText();
}

}  // namespace
}  // namespace martlet::session
