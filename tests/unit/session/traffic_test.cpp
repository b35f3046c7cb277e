// What a session counts for the monitor.
#include <string>

#include <gtest/gtest.h>

#include "world.h"

namespace martlet::session {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

TEST(Traffic, CountsWhatCameAndWhatWent) {
  World world(1);
  Client& publisher = world.Connect(0);
  Client& subscriber = world.Connect(0);
  subscriber.Feed("SUB a 1\r\nSUB a 2\r\n");
  publisher.Feed(Pub("a", "hello") + Pub("b", "xy") + Pub("a", ""));
  world.Settle();
  EXPECT_EQ(publisher.session.traffic().in_msgs, 3u);
  EXPECT_EQ(publisher.session.traffic().in_bytes, 7u);
  EXPECT_EQ(publisher.session.traffic().out_msgs, 0u);
  EXPECT_EQ(subscriber.session.traffic().in_msgs, 0u);
  EXPECT_EQ(subscriber.session.traffic().out_msgs, 4u);
  EXPECT_EQ(subscriber.session.traffic().out_bytes, 10u);
}

TEST(Traffic, CountsRunsAsTheirMessages) {
  World world(2);
  Client& publisher = world.Connect(0);
  Client& near = world.Connect(0);
  Client& far = world.Connect(1);
  for (Client* client : {&near, &far}) client->Feed("SUB a 1\r\n");
  std::string run;
  for (int i = 0; i < 100; ++i) run += Pub("a", "12345678");
  publisher.Feed(run);
  world.Settle();
  EXPECT_EQ(publisher.session.traffic().in_msgs, 100u);
  EXPECT_EQ(publisher.session.traffic().in_bytes, 800u);
  for (Client* client : {&near, &far}) {
    EXPECT_EQ(client->session.traffic().out_msgs, 100u);
    EXPECT_EQ(client->session.traffic().out_bytes, 800u);
  }
}

TEST(Traffic, TheSumOverConnectionsIsTheShards) {
  World world(1);
  Client& one = world.Connect(0);
  Client& two = world.Connect(0, R"("headers":true)");
  one.Feed("SUB > 1\r\n");
  two.Feed("SUB x q 1\r\n" + Pub("x", "abc") + "HPUB x 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
  world.Settle();
  const Traffic& a = one.session.traffic();
  const Traffic& b = two.session.traffic();
  EXPECT_EQ(a.in_msgs + b.in_msgs, world.stats(0).in_messages.Get());
  EXPECT_EQ(a.in_bytes + b.in_bytes, world.stats(0).in_bytes.Get());
  EXPECT_EQ(a.out_msgs + b.out_msgs, world.stats(0).out_messages.Get());
  EXPECT_EQ(a.out_bytes + b.out_bytes, world.stats(0).out_bytes.Get());
  EXPECT_EQ(a.in_msgs + b.in_msgs, 2u);
}

TEST(Traffic, ActivityIsInputThatMattersOrAMessage) {
  World world(1);
  Client& publisher = world.Connect(0);
  Client& subscriber = world.Connect(0);
  const uint64_t start = subscriber.session.start_ns();
  EXPECT_EQ(subscriber.session.last_activity_ns(), start);
  world.Advance(10);
  subscriber.Feed("SUB a 1\r\n");
  EXPECT_EQ(subscriber.session.last_activity_ns(), start + 10 * kMillisecond);
  world.Advance(10);
  subscriber.Feed("PONG\r\n");
  EXPECT_EQ(subscriber.session.last_activity_ns(), start + 10 * kMillisecond);
  publisher.Feed(Pub("a", "x"));
  world.Settle();
  EXPECT_EQ(subscriber.session.last_activity_ns(), start + 20 * kMillisecond);
  EXPECT_EQ(subscriber.session.start_ns(), start);
}

TEST(Traffic, TheRoundTripIsMeasuredAtConnectAndByPings) {
  World world(1);
  Client& client = world.Accept(0);
  EXPECT_EQ(client.session.round_trip_ns(), 0u);
  world.Advance(3);
  client.Feed("CONNECT {\"verbose\":false}\r\n");
  EXPECT_EQ(client.session.round_trip_ns(), 3 * kMillisecond);
  while (client.Take().find("PING") == std::string::npos) world.Advance(1);
  world.Advance(7);
  client.Feed("PONG\r\n");
  EXPECT_EQ(client.session.round_trip_ns(), 7 * kMillisecond);
  world.Advance(50);
  client.Feed("PONG\r\n");  // to no ping
  EXPECT_EQ(client.session.round_trip_ns(), 7 * kMillisecond);
}

TEST(Traffic, AMeasuredRoundTripIsNeverNothing) {
  World world(1);
  EXPECT_EQ(world.Connect(0).session.round_trip_ns(), 1u);
}

TEST(Traffic, TheUserIsToldWithoutSecrets) {
  World world(1);
  const auto user = [&](const std::string& members) {
    const ClientSession::Identity* identity = world.Connect(0, members).session.identity();
    return identity == nullptr ? "" : identity->user;
  };
  EXPECT_EQ(user(R"("user":"u","pass":"secret")"), "u");
  EXPECT_EQ(user(R"("auth_token":"secret")"), "[REDACTED]");
  EXPECT_EQ(user(R"("nkey":"UA","user":"u")"), "UA");
  EXPECT_EQ(user(R"("name":"n")"), "");
  EXPECT_EQ(user(R"("echo":true)"), "");
}

}  // namespace
}  // namespace martlet::session
