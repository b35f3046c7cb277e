#include "session/delivery.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "world.h"

namespace martlet::session {
namespace {

constexpr std::string_view kNoResponders = "\"headers\":true,\"no_responders\":true";

std::string Status503(std::string_view reply, std::string_view sid, std::string_view subject) {
  const std::string size = std::to_string(32 + subject.size());
  return "HMSG " + std::string(reply) + " " + std::string(sid) + " " + size + " " + size +
         "\r\nNATS/1.0 503\r\nNats-Subject: " + std::string(subject) + "\r\n\r\n\r\n";
}

TEST(Delivery, EachMatchingSubscriptionGetsACopy) {
  World world(3);
  Client& here = world.Connect(0);
  Client& there = world.Connect(1);
  here.Feed("SUB a.b 1\r\nSUB a.* 2\r\nSUB a.b 3\r\nSUB b 4\r\n");
  there.Feed("SUB > 9\r\nSUB a.> 8\r\n");
  world.Connect(2).Feed(Pub("a.b", "x", "r"));
  world.Settle();
  const std::string own = here.Take();
  for (const char* sid : {"1", "2", "3"}) EXPECT_EQ(Count(own, Msg("a.b", sid, "x", "r")), 1);
  EXPECT_EQ(Count(own, "MSG"), 3);
  const std::string other = there.Take();
  for (const char* sid : {"8", "9"}) EXPECT_EQ(Count(other, Msg("a.b", sid, "x", "r")), 1);
  EXPECT_EQ(Count(other, "MSG"), 2);
}

TEST(Delivery, OneRecordServesAllSubscribersOfAShard) {
  World world(2);
  for (int i = 0; i < 5; ++i) world.Connect(1).Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  publisher.Feed(Pub("a", "x"));
  world.Settle();
  EXPECT_EQ(world.stats(1).out_messages.Get(), 5u);
  EXPECT_EQ(world.stats(1).lost_interest.Get(), 0u);
}

TEST(Delivery, SharedAndOtherFormsSideBySide) {
  World world(2);
  // First and last of the list are alike, others between them are not.
  std::vector<Client*> alike;
  alike.push_back(&world.Connect(1));
  Client& other_sid = world.Connect(1);
  Client& headers = world.Connect(1);
  Client& twice = world.Connect(1);
  alike.push_back(&world.Connect(1));
  headers.Feed("CONNECT {\"verbose\":false,\"headers\":true}\r\n");
  headers.Take();
  alike.front()->Feed("SUB a 1\r\n");
  other_sid.Feed("SUB a 22\r\n");
  headers.Feed("SUB a 1\r\n");
  twice.Feed("SUB a 1\r\nSUB a 2\r\n");
  alike.back()->Feed("SUB a 1\r\nUNSUB 1 3\r\n");
  Client& publisher = world.Connect(0, "\"headers\":true");
  std::string all;
  for (int i = 0; i < 5; ++i) {
    const std::string text = "number " + std::to_string(i);
    publisher.Feed(Pub("a", text));
    all += Msg("a", "1", text);
  }
  publisher.Feed("HPUB a 12 17\r\nNATS/1.0\r\n\r\nhello\r\n");
  world.Settle();
  EXPECT_EQ(alike.front()->Take(), all + Msg("a", "1", "hello"));
  EXPECT_EQ(headers.Take(), all + "HMSG a 1 12 17\r\nNATS/1.0\r\n\r\nhello\r\n");
  EXPECT_EQ(Count(other_sid.Take(), "MSG a 22 "), 6);
  const std::string both = twice.Take();
  EXPECT_EQ(Count(both, "MSG a 1 "), 6);
  EXPECT_EQ(Count(both, "MSG a 2 "), 6);
  EXPECT_EQ(Count(alike.back()->Take(), "MSG a 1 "), 3);
}

TEST(Delivery, RepeatedPublicationSeesEveryChange) {
  World world(2);
  Client& publisher = world.Connect(0);
  Client& here = world.Connect(0);
  Client& there = world.Connect(1);
  for (int i = 0; i < 30; ++i) {
    here.Feed("SUB a.* 1\r\n");
    publisher.Feed(Pub("a.b", "1") + Pub("a.b", "2"));
    there.Feed("SUB a.b 1\r\n");
    publisher.Feed(Pub("a.b", "3") + (i % 3 == 0 ? Pub("x", "no") : ""));
    here.Feed("UNSUB 1\r\n");
    publisher.Feed(Pub("a.b", "4"));
    world.Settle();
    there.Feed("UNSUB 1\r\n");
    publisher.Feed(Pub("a.b", "5"));
    world.Settle();
    EXPECT_EQ(here.Take(), Msg("a.b", "1", "1") + Msg("a.b", "1", "2") + Msg("a.b", "1", "3"));
    EXPECT_EQ(there.Take(), Msg("a.b", "1", "3") + Msg("a.b", "1", "4"));
  }
}

TEST(Delivery, EchoOffSilencesTheWholeConnection) {
  World world(2);
  Client& quiet = world.Connect(0, "\"echo\":false");
  Client& other = world.Connect(0);
  Client& away = world.Connect(1);
  quiet.Feed("SUB a 1\r\nSUB a.> 2\r\nSUB a 3\r\n");
  other.Feed("SUB a 1\r\n");
  away.Feed("SUB a 1\r\n");
  quiet.Feed(Pub("a", "mine"));
  other.Feed(Pub("a", "its"));
  world.Settle();
  EXPECT_EQ(Count(quiet.Take(), "MSG a"), 2);  // only the other's, on two sids
  EXPECT_EQ(Count(other.Take(), "MSG a"), 2);
  EXPECT_EQ(Count(away.Take(), "MSG a"), 2);
}

TEST(Delivery, PongComesBehindWhatWasPublishedBefore) {
  World world(3);
  Client& subscriber = world.Connect(0);
  subscriber.Feed("SUB a 1\r\n");
  world.Connect(1).Feed(Pub("a", "x"));
  world.Connect(2).Feed(Pub("a", "y"));
  world.Publish(1);
  world.Publish(2);
  subscriber.Feed("PING\r\n");
  const std::string text = subscriber.Take();
  EXPECT_EQ(text.size(), (Msg("a", "1", "x") + Msg("a", "1", "y") + "PONG\r\n").size());
  EXPECT_TRUE(text.ends_with("PONG\r\n"));
}

TEST(Delivery, NewSubscriptionSeesNothingPublishedBefore) {
  World world(2);
  Client& first = world.Connect(0);
  Client& late = world.Connect(0);
  first.Feed("SUB a 1\r\n");
  world.Connect(1).Feed(Pub("a", "before"));
  world.Publish(1);
  late.Feed("SUB a 1\r\nSUB > 2\r\n");
  world.Settle();
  EXPECT_EQ(first.Take(), Msg("a", "1", "before"));
  EXPECT_EQ(late.Take(), "");
}

TEST(Delivery, UnsubStillBringsWhatWasPublishedBefore) {
  World world(2);
  Client& subscriber = world.Connect(0);
  subscriber.Feed("SUB a 1\r\n");
  world.Connect(1).Feed(Pub("a", "before"));
  world.Publish(1);
  subscriber.Feed("UNSUB 1\r\nPING\r\n");
  EXPECT_EQ(subscriber.Take(), Msg("a", "1", "before") + "PONG\r\n");
}

TEST(Delivery, MessagesOfOnePublisherKeepTheirOrder) {
  World world(3);
  std::vector<Client*> subscribers = {&world.Connect(0), &world.Connect(1), &world.Connect(2)};
  for (Client* client : subscribers) client->Feed("SUB n.* 1\r\n");
  Client& publisher = world.Connect(1);
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string subject = "n." + std::to_string(i % 7);
    const std::string payload(static_cast<size_t>(i * 37 % 6000), 'x');  // some by reference
    publisher.Feed(Pub(subject, payload));
    expected += Msg(subject, "1", payload);
    if (i % 11 == 0) world.Settle();
  }
  world.Settle();
  for (Client* client : subscribers) EXPECT_TRUE(client->Take() == expected);
}

TEST(Delivery, QueueGroupGetsExactlyOneCopyAndEveryMemberItsShare) {
  World world(3);
  // Six members: two filters, three shards, one of them the publisher's.
  std::vector<Client*> members = {&world.Connect(0), &world.Connect(0), &world.Connect(1),
                                  &world.Connect(1), &world.Connect(1), &world.Connect(2)};
  const std::vector<std::string> filters = {"a.b", "a.*", "a.b", "a.*", "a.*", "a.b"};
  for (size_t i = 0; i < members.size(); ++i) members[i]->Feed("SUB " + filters[i] + " q 1\r\n");
  Client& publisher = world.Connect(0);
  constexpr int kMessages = 6000;
  std::vector<int> counts(members.size());
  int total = 0;
  for (int i = 0; i < kMessages; ++i) {
    publisher.Feed(Pub("a.b", "x"));
    world.Settle();
    for (size_t m = 0; m < members.size(); ++m) {
      const int got = Count(members[m]->Take(), "MSG ");
      counts[m] += got;
      total += got;
    }
    ASSERT_EQ(total, i + 1);
  }
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_squared, 20.5);  // five degrees of freedom, one in a thousand
}

TEST(Delivery, SeveralGroupsGetACopyEachAndPlainOnesComeFirst) {
  World world(1);
  Client& client = world.Connect(0);
  client.Feed("SUB a q 1\r\nSUB a r 2\r\nSUB a 3\r\nSUB > q 4\r\n" + Pub("a", "x"));
  const std::string text = client.Take();
  EXPECT_TRUE(text.starts_with(Msg("a", "3", "x")));
  EXPECT_EQ(Count(text, Msg("a", "2", "x")), 1);
  EXPECT_EQ(Count(text, Msg("a", "1", "x")) + Count(text, Msg("a", "4", "x")), 1);
}

TEST(Delivery, MemberWithEchoOffPassesToTheNext) {
  World world(2);
  Client& publisher = world.Connect(0, "\"echo\":false");
  Client& away = world.Connect(1);
  publisher.Feed("SUB a q 1\r\nSUB a q 2\r\nSUB a q 3\r\n");
  away.Feed("SUB a q 1\r\n");
  for (int i = 0; i < 50; ++i) publisher.Feed(Pub("a", "x"));
  world.Settle();
  EXPECT_EQ(publisher.Take(), "");
  EXPECT_EQ(Count(away.Take(), "MSG "), 50);
}

TEST(Delivery, ChosenMemberThatVanishedPassesToAnotherShard) {
  for (const size_t bytes : {size_t{10}, size_t{10'000}}) {
    World world(3);
    const std::vector<Client*> members = {nullptr, &world.Connect(1), &world.Connect(2)};
    members[1]->Feed("SUB a q 1\r\n");
    members[2]->Feed("SUB a q 1\r\n");
    Client& publisher = world.Connect(0);
    publisher.Feed(Pub("a", std::string(bytes, 'x')));
    world.Publish(0);
    const unsigned chosen = world.OnTheWay(0, 1) ? 1 : 2;
    const unsigned other = 3 - chosen;
    ASSERT_FALSE(world.OnTheWay(0, other));
    members[chosen]->session.Close(CloseReason::kClientClosed);
    world.Settle();
    EXPECT_EQ(members[chosen]->Take(), "");
    EXPECT_EQ(members[other]->Take(), Msg("a", "1", std::string(bytes, 'x')));
  }
}

TEST(Delivery, ChosenMemberThatVanishedPassesBackToThePublishersShard) {
  World world(2);
  Client& away = world.Connect(1);
  away.Feed("SUB a q 1\r\n");
  Client& publisher = world.Connect(0);
  publisher.Feed(Pub("a", "x"));
  world.Publish(0);
  away.session.Close(CloseReason::kClientClosed);
  Client& home = world.Connect(0);
  home.Feed("SUB a q 1\r\n");
  world.Settle();
  EXPECT_EQ(home.Take(), Msg("a", "1", "x"));
}

TEST(Delivery, NobodyThereIsAnswered503) {
  World world(1);
  Client& client = world.Connect(0, std::string(kNoResponders));
  client.Feed("SUB in.* 7\r\n" + Pub("nobody", "x", "in.1") + Pub("nobody", "x"));
  EXPECT_EQ(client.Take(), Status503("in.1", "7", "nobody"));
}

TEST(Delivery, NoAnswerWithoutAPlainSubscriptionOfOnesOwn) {
  World world(1);
  Client& client = world.Connect(0, std::string(kNoResponders));
  Client& other = world.Connect(0);
  other.Feed("SUB in.* 7\r\n");
  client.Feed("SUB in.* q 8\r\n" + Pub("nobody", "x", "in.1"));
  EXPECT_EQ(client.Take() + other.Take(), "");
  Client& incurious = world.Connect(0);
  incurious.Feed("SUB in.* 7\r\n" + Pub("nobody", "x", "in.1"));
  EXPECT_EQ(incurious.Take(), "");
}

TEST(Delivery, OwnSubscriptionSilencedByEchoOffIsNoResponder) {
  World world(1);
  Client& client = world.Connect(0, std::string(kNoResponders) + ",\"echo\":false");
  client.Feed("SUB in 7\r\nSUB a 1\r\nSUB a q 2\r\n" + Pub("a", "x", "in"));
  EXPECT_EQ(client.Take(), Status503("in", "7", "a"));
}

TEST(Delivery, StatusDoesNotCountTowardsTheMaximum) {
  World world(1);
  Client& client = world.Connect(0, std::string(kNoResponders));
  client.Feed("SUB in 7\r\nUNSUB 7 1\r\n" + Pub("nobody", "x", "in") + Pub("in", "real"));
  EXPECT_EQ(client.Take(), Status503("in", "7", "nobody") + Msg("in", "7", "real"));
  EXPECT_EQ(client.session.subscriptions(), 0u);
}

TEST(Delivery, LastMemberThatVanishedIsAnswered503) {
  for (const size_t bytes : {size_t{10}, size_t{10'000}}) {
    World world(2);
    Client& responder = world.Connect(1);
    responder.Feed("SUB service q 1\r\n");
    Client& client = world.Connect(0, std::string(kNoResponders));
    client.Feed("SUB in.* 7\r\n" + Pub("service", std::string(bytes, 'x'), "in.1"));
    world.Publish(0);
    EXPECT_EQ(client.Take(), "");
    responder.session.Close(CloseReason::kClientClosed);
    world.Settle();
    EXPECT_EQ(client.Take(), Status503("in.1", "7", "service"));
  }
}

TEST(Delivery, BounceForAPublisherThatIsGoneEndsThere) {
  World world(2);
  Client& responder = world.Connect(1);
  responder.Feed("SUB service q 1\r\n");
  Client& client = world.Connect(0, std::string(kNoResponders));
  client.Feed("SUB in.* 7\r\n" + Pub("service", std::string(10'000, 'x'), "in.1"));
  world.Publish(0);
  responder.session.Close(CloseReason::kClientClosed);
  client.session.Close(CloseReason::kClientClosed);
  world.Settle();
  EXPECT_EQ(client.Take(), "");
}

TEST(Delivery, AutoUnsubscribeCountsMessagesOfAllShards) {
  World world(3);
  Client& subscriber = world.Connect(0);
  subscriber.Feed("SUB a 1\r\nUNSUB 1 5\r\n");
  std::vector<Client*> publishers = {&world.Connect(0), &world.Connect(1), &world.Connect(2)};
  for (int i = 0; i < 4; ++i) {
    for (Client* publisher : publishers) publisher->Feed(Pub("a", "x"));
  }
  world.Settle();
  EXPECT_EQ(Count(subscriber.Take(), "MSG a 1 1\r\nx\r\n"), 5);
  EXPECT_EQ(subscriber.session.subscriptions(), 0u);
  EXPECT_EQ(world.stats(0).subscriptions.Get(), 0u);
}

TEST(Delivery, UsedUpQueueMemberPassesToTheNext) {
  World world(2);
  Client& once = world.Connect(1);
  Client& always = world.Connect(0);
  once.Feed("SUB a q 1\r\nUNSUB 1 1\r\n");
  always.Feed("SUB a q 1\r\n");
  Client& publisher = world.Connect(0);
  for (int i = 0; i < 40; ++i) publisher.Feed(Pub("a", "x"));  // several of them for `once`
  world.Settle();
  EXPECT_EQ(Count(once.Take(), "MSG "), 1);
  EXPECT_EQ(Count(always.Take(), "MSG "), 39);
}

TEST(Delivery, HeadersGoOnlyToThoseWhoTakeThem) {
  World world(2);
  for (const unsigned shard : {0U, 1U}) {
    Client& with = world.Connect(shard, "\"headers\":true");
    Client& without = world.Connect(shard);
    with.Feed("SUB a 1\r\n");
    without.Feed("SUB a 1\r\n");
    Client& publisher = world.Connect(0, "\"headers\":true");
    publisher.Feed("HPUB a r 04 007\r\nhhhhbod\r\nHPUB a 2 2\r\nhh\r\nHPUB a 0 3\r\nbod\r\n");
    world.Settle();
    EXPECT_EQ(with.Take(),
              "HMSG a 1 r 04 007\r\nhhhhbod\r\nHMSG a 1 2 2\r\nhh\r\nMSG a 1 3\r\nbod\r\n");
    EXPECT_EQ(without.Take(), "MSG a 1 r 3\r\nbod\r\nMSG a 1 0\r\n\r\nMSG a 1 3\r\nbod\r\n");
  }
}

TEST(Delivery, SizeIsEchoedAsItWasWritten) {
  World world(2);
  Client& here = world.Connect(0);
  Client& there = world.Connect(1);
  here.Feed("SUB a 1\r\n");
  there.Feed("SUB a 1\r\n");
  world.Connect(0).Feed("PUB a 000000002\r\nhi\r\n");
  world.Settle();
  EXPECT_EQ(here.Take(), "MSG a 1 000000002\r\nhi\r\n");
  EXPECT_EQ(there.Take(), "MSG a 1 000000002\r\nhi\r\n");
}

TEST(Delivery, LargePayloadReachesEveryShardAndIsFreed) {
  World world(3);
  std::vector<Client*> subscribers;
  for (unsigned shard = 0; shard < 3; ++shard) {
    subscribers.push_back(&world.Connect(shard));
    subscribers.back()->Feed("SUB big 1\r\nSUB big q 2\r\n");
  }
  for (const size_t bytes : {4095, 4096, 4097, 100'000, 1'000'000}) {
    std::string payload(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) payload[i] = static_cast<char>(i * 31 >> 3);
    world.Connect(0).Feed(Pub("big", payload));
    world.Settle();
    int queued = 0;
    for (Client* subscriber : subscribers) {
      const std::string text = subscriber->Take();
      EXPECT_TRUE(text.starts_with(Msg("big", "1", payload))) << bytes;
      queued += text.ends_with(Msg("big", "2", payload)) ? 1 : 0;
    }
    EXPECT_EQ(queued, 1);
  }
}

TEST(Delivery, UndeliveredLargePayloadIsFreedAtTheEnd) {
  World world(3);
  for (unsigned shard = 1; shard < 3; ++shard) world.Connect(shard).Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  publisher.Feed(Pub("a", std::string(100'000, 'x')));
  world.Publish(0);
  // ... and what waits for room, too: there may be a few MiB on the way.
  while (!publisher.session.paused()) publisher.Feed(Pub("a", std::string(1'000'000, 'x')));
  world.Publish(0);
}

TEST(Delivery, MessageForASubscriberThatIsGoneIsCounted) {
  World world(2);
  Client& subscriber = world.Connect(1);
  subscriber.Feed("SUB a 1\r\n");
  world.Connect(0).Feed(Pub("a", "x"));
  world.Publish(0);
  subscriber.session.Close(CloseReason::kClientClosed);
  world.Settle();
  EXPECT_EQ(world.stats(1).lost_interest.Get(), 1u);
}

TEST(Delivery, ClientThatClosesInAFanOutDoesNotDisturbTheOthers) {
  Options options;
  options.max_pending_bytes = 3000;
  options.stall_fast_producers = false;
  World world(2, options);
  for (const unsigned shard : {0U, 1U}) {
    std::vector<Client*> fast;
    Client& slow = world.Connect(shard);
    for (int i = 0; i < 3; ++i) {
      fast.push_back(&world.Connect(shard));
      fast.back()->Feed("SUB a 1\r\n");
      if (i == 1) slow.Feed("SUB a 1\r\nSUB a 2\r\nSUB a 3\r\nSUB a 4\r\n");
    }
    world.Connect(0).Feed(Pub("a", std::string(1000, 'x')));
    world.Settle();
    EXPECT_TRUE(slow.closed(CloseReason::kSlowConsumerPendingBytes));
    EXPECT_EQ(slow.session.subscriptions(), 0u);
    for (Client* client : fast) EXPECT_EQ(client->Take(), Msg("a", "1", std::string(1000, 'x')));
  }
}

// Publishers, subscribers and members come and go at random; whoever stays gets all, in order.
TEST(Delivery, StayingSubscriberMissesNothingWhateverHappensAround) {
  World world(3, {}, 16'384);
  base::Random random(77);
  Client& staying = world.Connect(0);
  staying.Feed("SUB x.> 1\r\n");
  std::vector<Client*> publishers = {&world.Connect(0), &world.Connect(1), &world.Connect(2)};
  std::vector<int> sent(publishers.size()), got(publishers.size());
  const auto read = [&] {
    const std::string text = staying.Take();
    for (size_t at = text.find("\r\n#"); at != text.npos; at = text.find("\r\n#", at + 1)) {
      const size_t from = static_cast<size_t>(text[at + 3] - '0');
      ASSERT_EQ(std::stoi(text.substr(at + 5)), got.at(from)++);
    }
  };
  std::vector<Client*> passing;
  for (int i = 0; i < 20'000; ++i) {
    const size_t who = random.Below(3);
    switch (random.Below(8)) {
      case 0:
        if (passing.size() < 10) {
          passing.push_back(&world.Connect(random.Below(3)));
          passing.back()->Feed(random.Below(2) == 0 ? "SUB x.* 1\r\n" : "SUB x.a q 1\r\n");
        }
        break;
      case 1:
        if (passing.size() > 5) {
          passing.front()->session.Close(CloseReason::kClientClosed);
          passing.erase(passing.begin());
        }
        break;
      case 2:
        world.Turn(random.Below(3));
        break;
      case 3:
        for (Client* client : passing) client->Take();
        staying.Feed("PING\r\n");
        read();
        break;
      default: {
        if (publishers[who]->session.paused()) break;
        std::string payload = "#" + std::to_string(who) + ":" + std::to_string(sent[who]++);
        payload += ":" + std::string(random.Below(20) == 0 ? 5000 : random.Below(100), 'x');
        publishers[who]->Feed(Pub("x.a", payload));
        break;
      }
    }
    ASSERT_FALSE(testing::Test::HasFatalFailure());
  }
  world.Settle();
  read();
  EXPECT_EQ(got, sent);
}

}  // namespace
}  // namespace martlet::session
