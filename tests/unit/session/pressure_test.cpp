// What happens when somebody cannot keep up: slow consumers, stalled producers, full rings.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "world.h"

namespace martlet::session {
namespace {

TEST(SlowConsumer, IsClosedPastMaxPendingAndTheOthersGoOn) {
  Options options;
  options.max_pending_bytes = 10'000;
  options.stall_fast_producers = false;
  World world(2, options);
  Client& slow = world.Connect(1);
  Client& fast = world.Connect(1);
  slow.Feed("SUB a 1\r\n");
  fast.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  int got = 0;
  for (int i = 0; i < 30; ++i) {
    publisher.Feed(Pub("a", std::string(1000, 'x')));
    world.Settle();
    got += Count(fast.Take(), "MSG ");
  }
  EXPECT_EQ(got, 30);
  EXPECT_TRUE(slow.closed(CloseReason::kSlowConsumerPendingBytes));
  EXPECT_EQ(slow.session.subscriptions(), 0u);
  EXPECT_EQ(world.stats(1).slow_consumers.Get(), 1u);
  EXPECT_NE(world.LogText().find("Slow Consumer Detected: MaxPending of 10000 Exceeded"),
            std::string::npos);
  EXPECT_EQ(Count(slow.Take(), "-ERR"), 0);  // it is not told
}

TEST(SlowConsumer, ExactlyMaxPendingIsFine) {
  Options options;
  options.stall_fast_producers = false;
  const std::string message = Msg("a", "1", std::string(1000, 'x'));
  options.max_pending_bytes = static_cast<int64_t>(message.size());
  World world(1, options);
  Client& slow = world.Connect(0);
  slow.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  publisher.Feed(Pub("a", std::string(1000, 'x')));
  EXPECT_FALSE(slow.session.closing());
  publisher.Feed(Pub("a", ""));
  EXPECT_TRUE(slow.closed(CloseReason::kSlowConsumerPendingBytes));
}

// Would take the better part of a minute if each removal looked for the next one from the front.
TEST(ManySubscriptions, GoAllAtOnceWithTheirConnection) {
  World world(1);
  Client& client = world.Connect(0);
  constexpr int kCount = 300'000;
  for (int i = 0; i < kCount; i += 1000) {
    std::string lines;
    for (int k = i; k < i + 1000; ++k) {
      lines += "SUB a." + std::to_string(k) + " " + std::to_string(k) + "\r\n";
    }
    client.Feed(lines);
    world.Settle();
  }
  EXPECT_EQ(world.stats(0).subscriptions.Get(), uint64_t{kCount});
  client.session.Close(CloseReason::kClientClosed);
  client.session.Detach();
  EXPECT_EQ(world.stats(0).subscriptions.Get(), 0u);
}

TEST(SlowConsumer, WriteDeadlineIsLogged) {
  World world(1);
  Client& client = world.Connect(0);
  client.session.OnWriteDeadline(3, 4567);
  EXPECT_TRUE(client.closed(CloseReason::kSlowConsumerWriteDeadline));
  EXPECT_NE(world.LogText().find("Slow Consumer Detected: WriteDeadline of 10s exceeded with 3 "
                                 "chunks of 4567 total bytes."),
            std::string::npos);
}

// What the socket owes after parts of 1,000 bytes and 4 s each.
class WriteLimits : public testing::Test {
 protected:
  void Connect(const Options& options) {
    world = std::make_unique<World>(1, options);
    slow = &world->Connect(0);
    slow->Feed("SUB a 1\r\n");
    world->Connect(0).Feed(Pub("a", std::string(5000, 'x')));
    world->Settle();
  }
  void SendOnePart() {
    slow->session.SendBegins();
    world->Advance(4000);
    slow->session.SendEnds(1000);
  }
  std::unique_ptr<World> world;
  Client* slow = nullptr;
};

TEST_F(WriteLimits, AllThatWaitedHasToGo) {
  Connect({});
  EXPECT_EQ(slow->session.write_limit().deadline_ms(), 10'000u);
  SendOnePart();
  SendOnePart();
  slow->session.SendBegins();
  EXPECT_EQ(slow->session.write_owed_ms(), 8000u);
  slow->session.SendEnds(slow->session.outbound().pending_bytes());
  EXPECT_EQ(slow->session.write_owed_ms(), 0u);
}

TEST_F(WriteLimits, AnyOfItWillDoWhereItIsTriedAgain) {
  Options options;
  options.retry_writes = true;
  Connect(options);
  SendOnePart();
  SendOnePart();
  slow->session.SendBegins();
  EXPECT_EQ(slow->session.write_owed_ms(), 0u);
  world->Advance(3000);
  EXPECT_EQ(slow->session.write_owed_ms(), 3000u);
  EXPECT_EQ(slow->session.send_waits_ms(), 3000u);
  slow->session.SendEnds(0);
}

class ProducerStall : public testing::TestWithParam<unsigned> {};

TEST_P(ProducerStall, PausesAndGoesOnWithTheTimer) {
  Options options;
  options.max_pending_bytes = 100'000;
  World world(2, options);
  Client& slow = world.Connect(0);
  slow.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(GetParam());
  for (int i = 0; i < 75; ++i) publisher.Feed(Pub("a", std::string(1000, 'x')));
  world.Settle();
  if (!publisher.session.paused()) {
    publisher.Feed(Pub("a", std::string(1000, 'x')));
    world.Settle();
  }
  ASSERT_TRUE(publisher.session.paused());
  publisher.Feed("PING\r\n");  // kept for later
  EXPECT_EQ(publisher.Take(), "");
  EXPECT_GE(world.stats(GetParam()).stalls.Get(), 1u);
  slow.Take();
  world.Advance(ClientSession::kStallStepMs + 1);
  EXPECT_FALSE(publisher.session.paused());
  EXPECT_EQ(publisher.Take(), "PONG\r\n");
  EXPECT_FALSE(slow.session.closing());
}

TEST_P(ProducerStall, OffMeansNoPause) {
  Options options;
  options.max_pending_bytes = 100'000;
  options.stall_fast_producers = false;
  World world(2, options);
  Client& slow = world.Connect(0);
  slow.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(GetParam());
  for (int i = 0; i < 95; ++i) publisher.Feed(Pub("a", std::string(1000, 'x')));
  world.Settle();
  EXPECT_FALSE(publisher.session.paused());
  EXPECT_FALSE(slow.session.closing());
}

INSTANTIATE_TEST_SUITE_P(SameShardAndOther, ProducerStall, testing::Values(0U, 1U));

TEST_P(ProducerStall, NobodyWaitsForAStuckSubscriber) {
  Options options;
  options.max_pending_bytes = 100'000;
  World world(2, options);
  Client& slow = world.Connect(0);
  slow.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(GetParam());
  const std::string message = Pub("a", std::string(1000, 'x'));
  slow.session.SendBegins();
  for (int i = 0; i < 80; ++i) publisher.Feed(message);
  world.Advance(ClientSession::kStuckMs - 1);
  publisher.Feed(message);
  world.Settle();
  EXPECT_TRUE(publisher.session.paused()) << "slow so far";
  world.Advance(ClientSession::kStallMaxMs);
  ASSERT_FALSE(publisher.session.paused());
  publisher.Feed(message);
  world.Settle();
  EXPECT_FALSE(publisher.session.paused()) << "stuck";
  slow.session.SendEnds(0);
  publisher.Feed(message);
  world.Settle();
  EXPECT_TRUE(publisher.session.paused()) << "it reads again";
}

TEST(StalledProducer, OneChunkOfInputIsHeldUpForTenMillisecondsAtMost) {
  Options options;
  options.max_pending_bytes = 1'000'000;
  World world(1, options);
  Client& slow = world.Connect(0);
  slow.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  publisher.Feed(Pub("a", std::string(800'000, 'x')));
  world.Advance(20);
  std::string chunk;
  for (int i = 0; i < 100; ++i) chunk += Pub("a", "x");
  publisher.Feed(chunk + "PING\r\n");
  world.Settle();
  EXPECT_TRUE(publisher.session.paused());
  world.Advance(9);
  EXPECT_EQ(publisher.Take(), "");
  world.Advance(3);
  EXPECT_EQ(publisher.Take(), "PONG\r\n");
  EXPECT_EQ(Count(slow.Take(), "MSG "), 101);
}

TEST(StalledProducer, EndOfThePublisherDisarmsItsTimer) {
  Options options;
  options.max_pending_bytes = 10'000;
  World world(1, options);
  Client& slow = world.Connect(0);
  slow.Feed("SUB a 1\r\n");
  {
    Client publisher(world.context(0), 99);
    publisher.session.Start(false);
    publisher.Feed(Pub("a", std::string(8000, 'x')));
    EXPECT_TRUE(publisher.session.paused());
    publisher.session.Close(CloseReason::kClientClosed);
    world.Settle();
  }
  world.Advance(10);
}

TEST(FullRing, PausesThePublisherLosesNothingAndKeepsTheOrder) {
  World world(2, {}, 16'384);
  Client& subscriber = world.Connect(1);
  subscriber.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  std::string input, expected;
  for (int i = 0; i < 200; ++i) {
    const std::string payload = std::to_string(i) + std::string(static_cast<size_t>(i) * 5, 'x');
    input += Pub("a", payload);
    expected += Msg("a", "1", payload);
  }
  publisher.Feed(input + "PING\r\n");
  EXPECT_TRUE(publisher.session.paused());
  EXPECT_TRUE(world.context(0).mailroom.blocked());
  world.Turn(0);
  world.Turn(0);
  EXPECT_TRUE(publisher.session.paused());  // nobody has made room yet
  EXPECT_EQ(publisher.Take(), "");
  world.Settle();
  EXPECT_FALSE(publisher.session.paused());
  EXPECT_FALSE(world.context(0).mailroom.blocked());
  EXPECT_TRUE(subscriber.Take() == expected);
  EXPECT_EQ(publisher.Take(), "PONG\r\n");
}

TEST(FullRing, RoomThatComesBeforeTheTurnEndsIsNotMissed) {
  World world(2, {}, 4096);
  Client& subscriber = world.Connect(1);
  subscriber.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  std::string chunk;
  for (size_t i = 0; i < 100; ++i) chunk += Pub("a", std::string(100 + i % 2, 'x'));  // no runs
  publisher.Feed(chunk + "PING\r\n");
  ASSERT_TRUE(publisher.session.paused());
  // The receiver is quick: the pause is over before the publisher's shard settles anything.
  world.Publish(0);
  world.Drain(1);
  world.Settle();
  EXPECT_FALSE(publisher.session.paused());
  EXPECT_EQ(publisher.Take(), "PONG\r\n");
  EXPECT_EQ(Count(subscriber.Take(), "MSG "), 100);
}

TEST(FullRing, HoldsUpEveryPublisherThatNeedsItAndNoOther) {
  World world(3, {}, 16'384);
  Client& one = world.Connect(1);
  Client& two = world.Connect(2);
  one.Feed("SUB a 1\r\n");
  two.Feed("SUB b 1\r\n");
  std::vector<Client*> publishers;
  for (int i = 0; i < 4; ++i) {
    publishers.push_back(&world.Connect(0));
    for (int n = 0; n < 20; ++n) publishers.back()->Feed(Pub("a", std::string(1000, 'x')));
    publishers.back()->Feed("PING\r\n");
  }
  Client& bystander = world.Connect(0);
  bystander.Feed("PING\r\n");
  EXPECT_EQ(bystander.Take(), "PONG\r\n");
  EXPECT_FALSE(bystander.session.paused());
  for (Client* publisher : publishers) EXPECT_EQ(publisher->Take(), "");
  world.Settle();
  for (Client* publisher : publishers) EXPECT_EQ(publisher->Take(), "PONG\r\n");
  EXPECT_EQ(Count(one.Take(), "MSG "), 80);
}

TEST(FullRing, BothWaysAtOnceComesToAnEnd) {
  World world(2, {}, 16'384);
  std::vector<Client*> clients = {&world.Connect(0), &world.Connect(1)};
  clients[0]->Feed("SUB to0 1\r\n");
  clients[1]->Feed("SUB to1 1\r\n");
  std::string chunk[2];
  for (size_t i = 0; i < 200; ++i) {
    chunk[0] += Pub("to1", std::string(1000 + i % 2, 'x'));
    chunk[1] += Pub("to0", std::string(1000 + i % 2, 'x'));
  }
  clients[0]->Feed(chunk[0]);
  clients[1]->Feed(chunk[1]);
  EXPECT_TRUE(clients[0]->session.paused());
  EXPECT_TRUE(clients[1]->session.paused());
  world.Settle();
  for (Client* client : clients) EXPECT_EQ(Count(client->Take(), "MSG "), 200);
}

TEST(FullRing, PublisherThatClosesMeanwhileLeavesItsMessages) {
  World world(2, {}, 16'384);
  Client& subscriber = world.Connect(1);
  subscriber.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  int fed = 0;
  while (!publisher.session.paused()) {
    publisher.Feed(Pub("a", std::string(1000, 'x')));
    ++fed;
  }
  publisher.session.Close(CloseReason::kClientClosed);
  world.Settle();
  EXPECT_EQ(Count(subscriber.Take(), "MSG "), fed);
  EXPECT_TRUE(world.context(0).waiting_for_rings.empty());
}

TEST(FullRing, LargePayloadsOnTheWayCountAsWell) {
  World world(2);
  Client& subscriber = world.Connect(1);
  subscriber.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  std::string input;
  for (int i = 0; i < 12; ++i) input += Pub("a", std::to_string(i) + std::string(1'000'000, 'x'));
  publisher.Feed(input + "PING\r\n");
  EXPECT_TRUE(publisher.session.paused());
  EXPECT_LE(world.stats(0).in_messages.Get(), 6u);
  world.Settle();
  EXPECT_EQ(publisher.Take(), "PONG\r\n");
  const std::string text = subscriber.Take();
  size_t at = 0;
  for (int i = 0; i < 12; ++i) {
    const std::string expected = Msg("a", "1", std::to_string(i) + std::string(1'000'000, 'x'));
    ASSERT_TRUE(text.compare(at, expected.size(), expected) == 0) << i;
    at += expected.size();
  }
  EXPECT_EQ(at, text.size());
}

TEST(FullRing, BouncesFindTheirWayBackToo) {
  World world(2, {}, 16'384);
  Client& responder = world.Connect(1);
  responder.Feed("SUB s q 1\r\n");
  Client& client = world.Connect(0, "\"headers\":true,\"no_responders\":true");
  client.Feed("SUB in 7\r\n");
  int fed = 0;
  while (!client.session.paused()) {
    client.Feed(Pub("s", std::string(1000, 'x'), "in"));
    ++fed;
  }
  responder.session.Close(CloseReason::kClientClosed);
  world.Settle();
  EXPECT_EQ(Count(client.Take(), "NATS/1.0 503"), fed);
  EXPECT_FALSE(client.session.paused());
}

}  // namespace
}  // namespace martlet::session
