#include "cluster/peers.h"

#include <gtest/gtest.h>

#include "cluster/client_urls.h"
#include "cluster/mesh.h"
#include "proto/pool_slot.h"

namespace martlet::cluster {
namespace {

// Spec route-protocol.md section 8.1.
TEST(PoolSlot, IsThatOfTheReference) {
  struct Row {
    const char* account;
    int64_t of_2, of_3, of_5;
  };
  const Row rows[] = {
      {"$G", 0, 2, 3}, {"$SYS", 0, 0, 0}, {"ACC", 0, 1, 3}, {"BBB", 1, 1, 3}, {"CCC", 0, 2, 1}};
  for (const Row& row : rows) {
    EXPECT_EQ(proto::PoolSlot(row.account, 2), row.of_2) << row.account;
    EXPECT_EQ(proto::PoolSlot(row.account, 3), row.of_3) << row.account;
    EXPECT_EQ(proto::PoolSlot(row.account, 5), row.of_5) << row.account;
    EXPECT_EQ(proto::PoolSlot(row.account, 1), 0);
    EXPECT_EQ(proto::PoolSlot(row.account, -1), 0);
  }
}

TEST(Peers, LowestFreeSlotComesFirst) {
  Peers peers;
  Peer& peer = peers.Get("B");
  peer.pool_size = 3;
  EXPECT_EQ(peer.FreeSlot(), 0);
  peer.slots = {{0, 10}, {2, 12}};
  EXPECT_EQ(peer.FreeSlot(), 1);
  peer.slots[1] = 11;
  EXPECT_EQ(peer.FreeSlot(), -1);
}

TEST(Peers, AServerIsKnownByItsPool) {
  Peers peers;
  peers.Get("B").dedicated["$SYS"] = 1;
  EXPECT_EQ(peers.known(), 0u);
  EXPECT_EQ(peers.links(), 1u);
  peers.Get("B").slots[0] = 2;
  EXPECT_EQ(peers.known(), 1u);
  EXPECT_EQ(peers.links(), 2u);
  EXPECT_EQ(peers.DedicatedTo("$SYS"), 1u);
}

TEST(ClientUrls, GoWithTheLastServerThatToldThem) {
  ClientUrls urls;
  EXPECT_TRUE(urls.Add({"b:4222", "vip:4222"}));
  EXPECT_FALSE(urls.Add({"vip:4222"}));
  EXPECT_EQ(urls.With({"a:4222"}), (std::vector<std::string>{"a:4222", "b:4222", "vip:4222"}));
  EXPECT_FALSE(urls.Remove({"vip:4222"}));
  EXPECT_TRUE(urls.Remove({"vip:4222"}));
  EXPECT_FALSE(urls.Remove({"vip:4222"}));
  EXPECT_EQ(urls.With({}), (std::vector<std::string>{"b:4222"}));
}

}  // namespace
}  // namespace martlet::cluster
