#include "shard/snapshots.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "route.h"
#include "world.h"

namespace martlet::shard {
namespace {

using monitor::Piece;
using session::Client;
using session::World;

constexpr size_t kClosedMax = 10;
constexpr int64_t kOffset = 1'000'000'000'000;

/// A walk to its end, with something done between the pieces.
template <class Between>
Piece Walk(Snapshots& snapshots, const Piece& asked, Between&& between) {
  Piece all = asked;
  Piece piece = asked;
  size_t pieces = 0;
  do {
    piece.first = pieces == 0;
    piece.skip = asked.skip > all.matched ? asked.skip - all.matched : 0;
    piece.take = asked.take - all.subscriptions.size();
    snapshots.Answer(piece);
    EXPECT_LE(piece.connections.size(), Snapshots::kConnectionsMax);
    EXPECT_LE(piece.subscriptions.size(), Snapshots::kSubscriptionsMax);
    all.connections.insert(all.connections.end(), piece.connections.begin(),
                           piece.connections.end());
    all.subscriptions.insert(all.subscriptions.end(), piece.subscriptions.begin(),
                             piece.subscriptions.end());
    all.matched += piece.matched;
    all.held = piece.held;
    between();
  } while (!piece.last && ++pieces < 1000);
  EXPECT_TRUE(piece.last);
  return all;
}
Piece Walk(Snapshots& snapshots, const Piece& asked) {
  return Walk(snapshots, asked, [] {});
}

std::vector<uint64_t> Cids(const Piece& piece) {
  std::vector<uint64_t> cids;
  for (const monitor::ConnectionInfo& info : piece.connections) cids.push_back(info.cid);
  return cids;
}

std::set<std::string> Sids(const Piece& piece) {
  std::set<std::string> sids;
  for (const monitor::SubscriptionInfo& info : piece.subscriptions) sids.insert(info.sid);
  return sids;
}

class SnapshotsTest : public testing::Test {
 protected:
  Client& Connect(const std::string& members = {}) { return world_.Connect(0, members); }
  void Leave(Client& client) {
    client.session.Close(session::CloseReason::kClientClosed);
    client.Settle();
  }
  /// `count` subscriptions with the sids 0, 1, ...
  void Subscribe(Client& client, int count, const std::string& subject) {
    for (int i = 0; i < count; ++i)
      client.Feed("SUB " + subject + " " + std::to_string(i) + "\r\n");
  }

  World world_{1};
  Snapshots snapshots_{world_.context(0), kClosedMax, kOffset};
};

TEST_F(SnapshotsTest, TellsEachConnectionOnce) {
  EXPECT_TRUE(Walk(snapshots_, {}).connections.empty());
  std::vector<uint64_t> cids;
  for (int i = 0; i < 600; ++i) cids.push_back(Connect().session.id());
  const Piece all = Walk(snapshots_, {});
  EXPECT_EQ(Cids(all), cids);
  EXPECT_EQ(all.held, 600u);
  EXPECT_EQ(Cids(Walk(snapshots_, {})), cids);
}

TEST_F(SnapshotsTest, AWalkMindsNeitherWhoGoesNorWhoComes) {
  std::vector<Client*> clients;
  for (int i = 0; i < 600; ++i) clients.push_back(&Connect());
  const uint64_t last_of_old = clients.back()->session.id();
  // Around each place where a piece ends, and the very last.
  std::vector<size_t> leaving = {255, 256, 511, 512, 599};
  const Piece all = Walk(snapshots_, {}, [&] {
    world_.Advance(1);
    for (const size_t i : leaving) Leave(*clients[i]);
    leaving.clear();
    for (int i = 0; i < 300; ++i) Connect();
  });
  const std::vector<uint64_t> cids = Cids(all);
  EXPECT_TRUE(std::is_sorted(cids.begin(), cids.end()));
  EXPECT_LE(cids.back(), last_of_old);
  EXPECT_EQ(cids.size(), 600 - 4);  // the first of the five had been told
}

TEST_F(SnapshotsTest, AWalkMayBeGivenUp) {
  for (int i = 0; i < 600; ++i) Connect();
  Piece piece;
  snapshots_.Answer(piece);
  EXPECT_FALSE(piece.last);
  EXPECT_EQ(Walk(snapshots_, {}).connections.size(), 600u);
  snapshots_.Answer(piece);
  EXPECT_EQ(Walk(snapshots_, {.kind = Piece::Kind::kSubscriptions}).matched, 0u);
}

TEST_F(SnapshotsTest, DescribesAConnection) {
  Client& client = Connect(R"("name":"n","lang":"l","version":"1","user":"u")");
  Connect();
  client.Feed("SUB a 1\r\n" + session::Pub("a", "xyz"));
  const Piece piece = Walk(snapshots_, {.cid = client.session.id()});
  ASSERT_EQ(piece.connections.size(), 1u);
  EXPECT_EQ(piece.held, 2u);
  const monitor::ConnectionInfo& info = piece.connections[0];
  EXPECT_EQ(info.cid, client.session.id());
  EXPECT_EQ(info.ip, "127.0.0.1");
  EXPECT_EQ(info.port, 5000);
  EXPECT_EQ(info.start_ns, static_cast<int64_t>(client.session.start_ns()) + kOffset);
  EXPECT_EQ(info.stop_ns, 0);
  EXPECT_EQ(info.pending_bytes, client.session.outbound().pending_bytes());
  EXPECT_GT(info.pending_bytes, 0u);
  EXPECT_EQ(info.in_msgs, 1u);
  EXPECT_EQ(info.in_bytes, 3u);
  EXPECT_EQ(info.out_msgs, 1u);
  EXPECT_EQ(info.out_bytes, 3u);
  EXPECT_EQ(info.subscriptions, 1u);
  EXPECT_EQ(info.name + info.lang + info.version + info.user, "nl1u");
  EXPECT_TRUE(Walk(snapshots_, {.cid = 999}).connections.empty());
}

TEST_F(SnapshotsTest, TellsSubscriptionsInPieces) {
  Client& many = Connect();
  Client& few = Connect();
  Subscribe(many, 5000, "a");
  few.Feed("SUB b.* q x\r\nUNSUB x 9\r\n" + session::Pub("b.c", ""));
  const Piece all = Walk(snapshots_, {.kind = Piece::Kind::kSubscriptions, .take = UINT64_MAX});
  EXPECT_EQ(all.matched, 5001u);
  EXPECT_EQ(all.subscriptions.size(), 5001u);
  EXPECT_EQ(Sids(all).size(), 5001u);
  const monitor::SubscriptionInfo& last = all.subscriptions.back();
  EXPECT_EQ(last.subject + last.queue + last.sid, "b.*qx");
  EXPECT_EQ(last.msgs, 1u);
  EXPECT_EQ(last.max, 9u);
  EXPECT_EQ(last.cid, few.session.id());
  const Piece some = Walk(snapshots_, {.kind = Piece::Kind::kSubscriptions,
                                       .cids = {few.session.id(), 999, many.session.id()},
                                       .take = UINT64_MAX});
  ASSERT_EQ(some.subscriptions.size(), 5001u);
  EXPECT_EQ(some.subscriptions.front().sid, "x");
  EXPECT_EQ(some.subscriptions.back().cid, many.session.id());
  EXPECT_EQ(Sids(some).size(), 5001u);
}

TEST_F(SnapshotsTest, TellsSubscriptionsOfManyByTheirNumbers) {
  Piece asked = {.kind = Piece::Kind::kSubscriptions, .take = UINT64_MAX};
  for (int i = 0; i < 600; ++i) {
    Client& client = Connect();
    client.Feed("SUB a " + std::to_string(i) + "\r\n");
    if (i % 10 != 0) asked.cids.push_back(client.session.id());
  }
  const Piece all = Walk(snapshots_, asked);
  std::vector<uint64_t> cids;
  for (const monitor::SubscriptionInfo& info : all.subscriptions) cids.push_back(info.cid);
  EXPECT_EQ(cids, asked.cids);
}

TEST_F(SnapshotsTest, TellsAPageOfThoseThatMatch) {
  Client& first = Connect();
  Client& second = Connect();
  Subscribe(first, 3000, "a");
  Subscribe(second, 3000, "*");
  second.Feed("SUB b y\r\n");
  Piece asked = {.kind = Piece::Kind::kSubscriptions, .test = "b", .skip = 2990, .take = 5};
  Piece page = Walk(snapshots_, asked);
  EXPECT_EQ(page.matched, 3001u);
  EXPECT_EQ(page.subscriptions.size(), 5u);
  asked = {.kind = Piece::Kind::kSubscriptions, .skip = 3000, .take = 10};
  page = Walk(snapshots_, asked);
  EXPECT_EQ(page.matched, 6001u);
  ASSERT_EQ(page.subscriptions.size(), 10u);
  for (const monitor::SubscriptionInfo& info : page.subscriptions) {
    EXPECT_EQ(info.cid, second.session.id());
  }
  asked.skip = 2999;
  asked.take = 3;
  page = Walk(snapshots_, asked);
  ASSERT_EQ(page.subscriptions.size(), 3u);
  EXPECT_EQ(page.subscriptions[0].cid, first.session.id());
  EXPECT_EQ(page.subscriptions[1].cid, second.session.id());
}

TEST_F(SnapshotsTest, SubscriptionsMayChangeBetweenPieces) {
  Client& client = Connect();
  Subscribe(client, 9000, "a");
  int next = 9000;
  const Piece asked = {.kind = Piece::Kind::kSubscriptions, .take = UINT64_MAX};
  const Piece all = Walk(snapshots_, asked, [&] {
    // The table grows, so that all places in it are others.
    for (int i = 0; i < 2000; ++i, ++next) {
      client.Feed("SUB a " + std::to_string(next) + "\r\nUNSUB " + std::to_string(next - 9000) +
                  "\r\n");
    }
    if (next > 15000) Leave(client);
  });
  EXPECT_GT(all.matched, 2 * Snapshots::kSubscriptionsMax);
}

TEST_F(SnapshotsTest, RemembersTheLastThatClosed) {
  std::vector<uint64_t> cids;
  for (size_t i = 0; i < kClosedMax + 3; ++i) {
    Client& client = Connect();
    Subscribe(client, 2, "a");
    cids.push_back(client.session.id());
    world_.Advance(5);
    client.session.Close(session::CloseReason::kStaleConnection);
    snapshots_.Remember(client.session);
    client.Settle();
  }
  const Piece all = Walk(snapshots_, {.kind = Piece::Kind::kClosed});
  EXPECT_EQ(all.held, kClosedMax);
  cids.erase(cids.begin(), cids.begin() + 3);
  EXPECT_EQ(Cids(all), cids);
  EXPECT_EQ(all.connections[0].reason, "Stale Connection");
  EXPECT_EQ(all.connections[0].subscriptions, 2u);
  EXPECT_EQ(all.connections[0].stop_ns - all.connections[0].start_ns, 5'000'000);
  EXPECT_EQ(Cids(Walk(snapshots_, {.kind = Piece::Kind::kClosed, .cid = cids[4]})),
            std::vector<uint64_t>{cids[4]});
  EXPECT_TRUE(Walk(snapshots_, {}).connections.empty());
}

TEST_F(SnapshotsTest, RemembersNobodyWithoutAMonitor) {
  Snapshots none(world_.context(0), 0, kOffset);
  none.Remember(Connect().session);
  EXPECT_EQ(Walk(none, {.kind = Piece::Kind::kClosed}).held, 0u);
}

TEST_F(SnapshotsTest, TellsWhatTheMemoryOfMatchesIsWorth) {
  Client& client = Connect();
  client.Feed("SUB a 1\r\n");
  for (int i = 0; i < 5; ++i) {
    client.Feed(session::Pub("a", "x"));
    client.Feed("PING\r\n");
  }
  Piece piece = {.kind = Piece::Kind::kCache};
  snapshots_.Answer(piece);
  EXPECT_EQ(piece.cache_hits + piece.cache_misses, 5u);
  EXPECT_GE(piece.cache_hits, 3u);
  EXPECT_EQ(piece.cache_entries, 1u);
}

TEST_F(SnapshotsTest, TellsWhatRoutesCarried) {
  session::Route route(world_.context(0), 7);
  EXPECT_TRUE(Walk(snapshots_, {.kind = Piece::Kind::kRoutes}).routes.empty());  // not registered
  route.session.Register(session::Unpooled());
  route.Feed("RS+ $G foo\r\nRMSG $G foo 5\r\nhello\r\nRMSG $G foo 2\r\nok\r\n");
  Piece piece{.kind = Piece::Kind::kRoutes};
  snapshots_.Answer(piece);
  EXPECT_TRUE(piece.last);
  ASSERT_EQ(piece.routes.size(), 1u);
  const monitor::RouteInfo& info = piece.routes.front();
  EXPECT_EQ(info.rid, 7u);
  EXPECT_EQ(info.key, route.session.key());
  EXPECT_EQ(info.ip, "127.0.0.1");
  EXPECT_EQ(info.port, 6222);
  EXPECT_EQ(info.in_msgs, 2u);
  EXPECT_EQ(info.in_bytes, 7u);
  EXPECT_EQ(info.out_msgs, 0u);
  EXPECT_EQ(info.subscriptions, 1u);
  EXPECT_EQ(info.start_ns, static_cast<int64_t>(route.session.start_ns()) + kOffset);
}

TEST_F(SnapshotsTest, TellsWhatOtherServersWantWhileItChanges) {
  session::Route a(world_.context(0), 7);
  session::Route b(world_.context(0), 8);
  a.session.Register(session::Unpooled());
  b.session.Register(session::Unpooled());
  std::set<std::string> wanted;
  for (int i = 0; i < 3000; ++i) {
    const std::string subject = "a." + std::to_string(i);
    a.Feed("RS+ $G " + subject + " q 2\r\n");
    b.Feed("RS+ $SYS " + subject + "\r\n");
    wanted.insert(subject);
  }
  Subscribe(Connect(), 3000, "own");
  std::set<std::string> told;
  Piece piece{.kind = Piece::Kind::kInterest};
  size_t pieces = 0;
  do {
    snapshots_.Answer(piece);
    EXPECT_LE(piece.interest.size(), Snapshots::kSubscriptionsMax + 1);
    for (const monitor::InterestInfo& info : piece.interest) {
      const bool of_a = info.key == a.session.key();
      EXPECT_EQ(info.account, of_a ? "$G" : "$SYS");
      EXPECT_EQ(info.queue, of_a ? "q" : "");
      if (!of_a) continue;
      EXPECT_TRUE(told.insert(info.subject).second) << info.subject;
    }
    piece.first = false;
    for (int i = 0; i < 3000; ++i) {
      b.Feed("RS- $SYS a." + std::to_string(i) + "\r\nRS+ $SYS a." + std::to_string(i) + "\r\n");
    }
    world_.context(0).index.reclaimer().Quiesce(0);
    ++pieces;
  } while (!piece.last && pieces < 100);
  EXPECT_GT(pieces, 2u);
  EXPECT_EQ(told, wanted);
}

}  // namespace
}  // namespace martlet::shard
