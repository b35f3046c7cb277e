// Runs: several messages with one control line, delivered in one go.
#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "world.h"

namespace martlet::session {
namespace {

// Clients with subscriptions of all kinds on three shards, the same for the same seed.
class Crowd {
 public:
  explicit Crowd(unsigned seed, const Options& options) : world_(3, options), random_(seed) {
    for (int i = 0; i < 8; ++i) {
      const std::string members = Chance(3) ? "\"echo\":false" : "";
      clients_.push_back(
          &world_.Connect(Below(3), members + (members.empty() ? "" : ",") +
                                        "\"headers\":" + (Chance(2) ? "true" : "false")));
    }
    for (Client* client : clients_) {
      // A publisher that is closed itself, in the midst of a run, is another matter.
      if (client == clients_.front() && !options.stall_fast_producers) continue;
      for (unsigned sid = Below(3); sid > 0; --sid) {
        const std::string number = std::to_string(Chance(2) ? sid : 100 + Below(1000) * 10 + sid);
        client->Feed("SUB " + std::string(Chance(3) ? "a.*" : "a.b") + " " + number + "\r\n");
        if (Chance(6))
          client->Feed("UNSUB " + number + " " + std::to_string(1 + Below(20)) + "\r\n");
      }
    }
    world_.Settle();
  }

  World& world() { return world_; }
  Client& publisher() { return *clients_.front(); }
  std::vector<std::string> TakeAll() {
    world_.Settle();
    std::vector<std::string> texts;
    for (Client* client : clients_) texts.push_back(client->Take());
    return texts;
  }

 private:
  unsigned Below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  bool Chance(unsigned one_in) { return Below(one_in) == 0; }

  World world_;
  std::mt19937 random_;
  std::vector<Client*> clients_;
};

std::vector<std::string> Messages(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string> messages;
  while (messages.size() < 60) {
    constexpr size_t kSizes[] = {0, 3, 130, 700, 5000};
    const size_t bytes = kSizes[random() % 5];
    const bool headers = random() % 4 == 0;
    const char* subject = random() % 5 == 0 ? "a.c" : "a.b";
    for (size_t run = 1 + random() % 12; run > 0; --run) {
      const std::string payload(bytes, static_cast<char>('a' + random() % 26));
      if (headers) {
        messages.push_back("HPUB " + std::string(subject) + " 12 " + std::to_string(12 + bytes) +
                           "\r\nNATS/1.0\r\n\r\n" + payload + "\r\n");
      } else {
        messages.push_back(Pub(subject, payload));
      }
    }
  }
  return messages;
}

TEST(Run, BringsWhatItsMessagesBringOneByOne) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Options options;
    if (seed % 3 == 0) {
      options.max_pending_bytes = 50'000;  // some fall behind, and are closed
      options.stall_fast_producers = false;
    }
    Crowd together(seed, options);
    Crowd apart(seed, options);
    std::string all;
    for (const std::string& message : Messages(seed)) {
      all += message;
      apart.publisher().Feed(message);
    }
    together.publisher().Feed(all);
    EXPECT_TRUE(together.TakeAll() == apart.TakeAll()) << "seed " << seed;
    for (unsigned shard = 0; shard < 3; ++shard) {
      const ShardStats& one = together.world().stats(shard);
      const ShardStats& other = apart.world().stats(shard);
      EXPECT_EQ(one.in_messages.Get(), other.in_messages.Get());
      EXPECT_EQ(one.in_bytes.Get(), other.in_bytes.Get());
      EXPECT_EQ(one.out_messages.Get(), other.out_messages.Get());
      EXPECT_EQ(one.out_bytes.Get(), other.out_bytes.Get());
      EXPECT_EQ(one.slow_consumers.Get(), other.slow_consumers.Get());
    }
  }
}

// Numbered messages in one chunk, and who got which.
std::vector<std::vector<int>> NumbersOf(World& world, const std::vector<Client*>& members) {
  world.Settle();
  std::vector<std::vector<int>> numbers;
  for (Client* member : members) {
    numbers.emplace_back();
    const std::string text = member->Take();
    for (size_t at = text.find("MSG "); at != text.npos; at = text.find("MSG ", at + 1)) {
      numbers.back().push_back(std::stoi(text.substr(text.find('\n', at) + 1)));
    }
  }
  return numbers;
}

std::string Numbered(int count, size_t bytes) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    std::string payload = std::to_string(100'000 + i);
    payload.resize(std::max(bytes, payload.size()), '.');
    text += Pub("a.b", payload);
  }
  return text;
}

TEST(Run, OverAQueueGroupIsUniformOnceAndInOrder) {
  for (const size_t bytes : {size_t{6}, size_t{600}, size_t{5000}}) {
    World world(3);
    const std::vector<Client*> members = {&world.Connect(0), &world.Connect(0), &world.Connect(1),
                                          &world.Connect(1), &world.Connect(1), &world.Connect(2)};
    const std::vector<std::string> filters = {"a.b", "a.*", "a.b", "a.*", "a.*", "a.b"};
    for (size_t i = 0; i < members.size(); ++i) members[i]->Feed("SUB " + filters[i] + " q 1\r\n");
    Client& publisher = world.Connect(0);
    constexpr int kMessages = 3000;
    publisher.Feed(Numbered(kMessages, bytes));
    std::vector<int> seen;
    double chi_squared = 0;
    for (const std::vector<int>& numbers : NumbersOf(world, members)) {
      EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
      seen.insert(seen.end(), numbers.begin(), numbers.end());
      const double difference = static_cast<double>(numbers.size()) - kMessages / 6.0;
      chi_squared += difference * difference / (kMessages / 6.0);
    }
    std::sort(seen.begin(), seen.end());
    ASSERT_EQ(seen.size(), static_cast<size_t>(kMessages));
    for (int i = 0; i < kMessages; ++i) ASSERT_EQ(seen[static_cast<size_t>(i)], 100'000 + i);
    EXPECT_LT(chi_squared, 20.5);  // five degrees of freedom, one in a thousand
  }
}

TEST(Run, PassesOverMembersThatTakeNothing) {
  World world(2);
  Client& publisher = world.Connect(0, "\"echo\":false");
  publisher.Feed("SUB a.b q 1\r\nSUB a.b q 2\r\n");
  Client& closing = world.Connect(0);
  closing.Feed("SUB a.b q 1\r\n");
  const std::vector<Client*> members = {&world.Connect(0), &world.Connect(1)};
  for (Client* member : members) member->Feed("SUB a.b q 1\r\n");
  closing.session.Close(CloseReason::kClientClosed);
  publisher.Feed(Numbered(500, 6));
  const auto numbers = NumbersOf(world, members);
  EXPECT_EQ(numbers[0].size() + numbers[1].size(), 500u);
  EXPECT_GT(numbers[0].size(), 150u);
  EXPECT_GT(numbers[1].size(), 50u);
}

TEST(Run, MemberOfAnotherShardThatVanishedPassesToTheOthers) {
  World world(3);
  const std::vector<Client*> members = {&world.Connect(0), &world.Connect(1), &world.Connect(2)};
  for (Client* member : members) member->Feed("SUB a.b q 1\r\n");
  Client& publisher = world.Connect(0);
  publisher.Feed(Numbered(300, 6));
  world.Publish(0);
  members[1]->session.Close(CloseReason::kClientClosed);
  const auto numbers = NumbersOf(world, {members[0], members[2]});
  EXPECT_EQ(numbers[0].size() + numbers[1].size(), 300u);
}

TEST(Run, MemberWithAMaximumGetsThatMany) {
  World world(1);
  Client& limited = world.Connect(0);
  Client& other = world.Connect(0);
  limited.Feed("SUB a.b q 1\r\nUNSUB 1 7\r\n");
  other.Feed("SUB a.b q 1\r\n");
  Client& publisher = world.Connect(0);
  publisher.Feed(Numbered(200, 6));
  const auto numbers = NumbersOf(world, {&limited, &other});
  EXPECT_EQ(numbers[0].size(), 7u);
  EXPECT_EQ(numbers[1].size(), 193u);
}

TEST(LargePayload, IsSentFromTheMemoryItCameIn) {
  World world(1);
  std::vector<Client*> subscribers = {&world.Connect(0), &world.Connect(0)};
  subscribers[0]->Feed("SUB a 1\r\n");
  subscribers[1]->Feed("SUB a 22\r\n");
  Client& publisher = world.Connect(0);
  const size_t before = Input::alive;
  const std::string payload(2000, 'x');
  publisher.Feed(Pub("a", payload) + Pub("a", payload) + Pub("a", payload));
  EXPECT_EQ(Input::alive, before + 1);
  EXPECT_EQ(subscribers[0]->Take(),
            Msg("a", "1", payload) + Msg("a", "1", payload) + Msg("a", "1", payload));
  EXPECT_EQ(Input::alive, before + 1);
  EXPECT_EQ(Count(subscribers[1]->Take(), Msg("a", "22", payload)), 3);
  EXPECT_EQ(Input::alive, before);
}

TEST(Run, IsLentToOtherShards) {
  World world(3);
  const std::vector<Client*> subscribers = {&world.Connect(1), &world.Connect(2)};
  for (Client* subscriber : subscribers) subscriber->Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  const size_t before = Input::alive;
  for (const size_t bytes : {size_t{100}, size_t{2000}}) {
    const std::string payload(bytes, 'x');
    std::string input;
    for (int i = 0; i < 100; ++i) input += Pub("a", payload);
    publisher.Feed(input);
    EXPECT_EQ(Input::alive, before + 1);
    world.Settle();
    // Small ones are copied into the output; large ones are sent from where they are.
    EXPECT_EQ(Input::alive, before + (bytes == 100 ? 0 : 1));
    for (Client* subscriber : subscribers) {
      EXPECT_EQ(Count(subscriber->Take(), Msg("a", "1", payload)), 100);
    }
    world.Publish(0);
    EXPECT_EQ(Input::alive, before);
  }
}

TEST(Run, LentAndNeverReadIsLetGoAtTheEnd) {
  const size_t before = Input::alive;
  {
    World world(2);
    world.Connect(1).Feed("SUB a 1\r\n");
    std::string input;
    for (int i = 0; i < 100; ++i) input += Pub("a", std::string(100, 'x'));
    world.Connect(0).Feed(input);
    world.Publish(0);
  }
  EXPECT_EQ(Input::alive, before);
}

TEST(LargePayload, OfASlowSubscriberKeepsNoMoreThanABound) {
  World world(1);
  Client& subscriber = world.Connect(0);
  subscriber.Feed("SUB a 1\r\n");
  Client& publisher = world.Connect(0);
  const size_t before = Input::alive;
  const std::string payload(100'000, 'x');
  for (int i = 0; i < 300; ++i) publisher.Feed(Pub("a", payload));
  EXPECT_LT(Input::alive, before + 50);
  EXPECT_EQ(Count(subscriber.Take(), Msg("a", "1", payload)), 300);
  EXPECT_EQ(Input::alive, before);
}

TEST(LargePayload, InPiecesIsPutTogetherOnce) {
  World world(2);
  Client& here = world.Connect(0);
  Client& there = world.Connect(1);
  here.Feed("SUB a 1\r\n");
  there.Feed("SUB a 1\r\nSUB a 2\r\n");
  Client& publisher = world.Connect(0);
  for (const size_t bytes : {size_t{600}, size_t{5000}, size_t{300'000}}) {
    const std::string payload(bytes, 'x');
    const std::string input = Pub("a", payload) + Pub("a", payload) + "PING\r\n";
    for (size_t at = 0; at < input.size(); at += 40'000) publisher.Feed(input.substr(at, 40'000));
    world.Settle();
    EXPECT_EQ(publisher.Take(), "PONG\r\n");
    EXPECT_TRUE(here.Take() == Msg("a", "1", payload) + Msg("a", "1", payload));
    const std::string both = there.Take();
    EXPECT_EQ(Count(both, Msg("a", "1", payload)), 2);
    EXPECT_EQ(Count(both, Msg("a", "2", payload)), 2);
  }
}

}  // namespace
}  // namespace martlet::session
