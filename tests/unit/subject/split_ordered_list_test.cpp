#include "subject/split_ordered_list.h"

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "subject/bucket_array.h"
#include "subject/reclaim.h"
#include "subject/sync.h"

namespace martlet::subject {
namespace {

struct Node : BasicListNode<StdSync> {
  Node(uint32_t its_key, int its_value) : BasicListNode(its_key), value(its_value) {}
  const int value;
};
using List = SplitOrderedList<Node, StdSync, BucketArray>;
using Outcome = List::Outcome;

// Keys as those of a good hash function; a few values share one.
uint32_t KeyOf(int value) {
  return List::KeyOf(static_cast<uint64_t>(value / 2) * 0x9e3779b97f4a7c15ULL);
}

List::Acquired Acquire(List& list, int value, unsigned shard = 0, bool held = false) {
  return list.Acquire(
      shard, KeyOf(value), [&](const Node& node) { return node.value == value; },
      [&](const Node&) { return held; }, [&] { return new Node(KeyOf(value), value); },
      [](Node* node) { delete node; });
}

bool Has(const List& list, int value) {
  int found = 0;
  list.ForEach(KeyOf(value), [&](const Node& node) { found += node.value == value ? 1 : 0; });
  EXPECT_LE(found, 1) << value;
  return found == 1;
}

void RemoveAll(List& list) {
  list.ForEachNode([](Node& node) { delete &node; });
}

TEST(SplitOrderedList, FindsTheSameNodeAgainAndCountsItsInterest) {
  List list(1, 1);
  const auto first = Acquire(list, 7);
  EXPECT_EQ(first.outcome, Outcome::kInserted);
  const auto second = Acquire(list, 7);
  EXPECT_EQ(second.outcome, Outcome::kTaken);
  EXPECT_EQ(second.node, first.node);
  const auto third = Acquire(list, 7, 0, true);
  EXPECT_EQ(third.outcome, Outcome::kHeld);
  EXPECT_EQ(list.size(), 1u);
  EXPECT_FALSE(list.Release(0, *first.node));
  EXPECT_TRUE(Has(list, 7));
  EXPECT_TRUE(list.Release(0, *first.node));
  EXPECT_FALSE(Has(list, 7));
  EXPECT_EQ(list.size(), 0u);
  delete first.node;
}

TEST(SplitOrderedList, NodesOfOneKeyAreApart) {
  List list(1, 1);
  ASSERT_EQ(KeyOf(4), KeyOf(5));
  Node* const four = Acquire(list, 4).node;
  Acquire(list, 5);
  EXPECT_TRUE(Has(list, 4));
  EXPECT_TRUE(Has(list, 5));
  EXPECT_TRUE(list.Release(0, *four));
  delete four;
  EXPECT_FALSE(Has(list, 4));
  EXPECT_TRUE(Has(list, 5));
  RemoveAll(list);
}

TEST(SplitOrderedList, DeadNodeIsReplacedNotTaken) {
  List list(2, 4);
  Node* const dead = Acquire(list, 3).node;
  ASSERT_TRUE(List::DropInterest(*dead));  // its remover is stopped here
  EXPECT_FALSE(List::TakeInterest(*dead));
  const auto fresh = Acquire(list, 3, 1);
  EXPECT_EQ(fresh.outcome, Outcome::kInserted);
  EXPECT_NE(fresh.node, dead);
  EXPECT_TRUE(Has(list, 3));
  List::Freeze(*dead);  // and goes on
  list.Unlink(*dead);
  EXPECT_TRUE(Has(list, 3));
  delete dead;
  RemoveAll(list);
}

TEST(SplitOrderedList, KeepsAllWhileItGrows) {
  constexpr int kNodes = 20'000;
  List list(1, 1);
  for (int i = 0; i < kNodes; ++i) {
    Node* const node = Acquire(list, i).node;
    if (i % 3 != 1) continue;
    ASSERT_TRUE(list.Release(0, *node));
    delete node;
  }
  EXPECT_GE(list.buckets(), list.size());
  for (int i = 0; i < kNodes; ++i) ASSERT_EQ(Has(list, i), i % 3 != 1) << i;
  size_t nodes = 0;
  list.ForEachNode([&](Node&) { ++nodes; });
  EXPECT_EQ(nodes, list.size());
  RemoveAll(list);
}

// Several shards write, and so grow the table; readers must always find what stays.
TEST(SplitOrderedList, ReadersFindWhatStaysWhileItGrows) {
  constexpr unsigned kWriters = 2;
  constexpr unsigned kReaders = 2;
  constexpr int kFixed = 40;
  constexpr int kRounds = 8000;
  Reclaimer reclaimer(kWriters + kReaders);
  List list(kWriters, 1);
  for (int i = 0; i < kFixed; ++i) Acquire(list, i);
  std::atomic<bool> stop{false};
  std::atomic<int> missed{0};
  std::vector<std::thread> readers;
  for (unsigned reader = kWriters; reader < kWriters + kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      reclaimer.Online(reader);
      while (!stop.load(std::memory_order_relaxed)) {
        for (int i = 0; i < kFixed; ++i) missed += Has(list, i) ? 0 : 1;
        reclaimer.Quiesce(reader);
      }
      reclaimer.Offline(reader);
    });
  }
  std::vector<std::thread> writers;
  for (unsigned writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      reclaimer.Online(writer);
      std::vector<Node*> own;
      for (int i = 0; i < kRounds; ++i) {
        // Half of the values are those of the other writer, too.
        const int value = kFixed + (i % 2 == 0 ? i : i * 10 + static_cast<int>(writer));
        own.push_back(Acquire(list, value, writer).node);
        if (i % 4 == 3) {
          Node* const gone = own[own.size() / 2];
          own.erase(own.begin() + static_cast<ptrdiff_t>(own.size() / 2));
          if (list.Release(writer, *gone)) reclaimer.Retire(writer, gone);
        }
        reclaimer.Quiesce(writer);
      }
      for (Node* node : own) {
        if (list.Release(writer, *node)) reclaimer.Retire(writer, node);
      }
      reclaimer.Offline(writer);
    });
  }
  for (std::thread& writer : writers) writer.join();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(list.size(), static_cast<size_t>(kFixed));
  EXPECT_EQ(reclaimer.CollectAll(), 0u);
  RemoveAll(list);
}

}  // namespace
}  // namespace martlet::subject
