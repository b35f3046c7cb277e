#include "subject/read_mostly_table.h"

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::subject {
namespace {

struct Node : TableLinks<Node> {
  Node(uint64_t h, int v) : TableLinks<Node>(h), value(v) {}
  const int value;
};

using Table = ReadMostlyTable<Node>;

std::set<int> Find(const Table& table, uint64_t hash) {
  std::set<int> found;
  table.ForEach(hash, [&](Node* node) {
    EXPECT_TRUE(found.insert(node->value).second);
    return true;
  });
  return found;
}

// Nodes whose hashes are spread as those of a good hash function.
uint64_t Spread(int number) { return static_cast<uint64_t>(number) * 0x9e3779b97f4a7c15ULL; }

TEST(ReadMostlyTable, FindsWhatHasTheHash) {
  Reclaimer reclaimer(1);
  Table table(reclaimer);
  Node a(5, 1), b(5, 2), c(5 + 16, 3);  // all in one bucket
  table.Insert(&a);
  table.Insert(&b);
  table.Insert(&c);
  EXPECT_EQ(Find(table, 5), (std::set<int>{1, 2}));
  EXPECT_EQ(Find(table, 21), std::set<int>{3});
  EXPECT_EQ(Find(table, 37), std::set<int>());
  table.Remove(&a);
  EXPECT_EQ(Find(table, 5), std::set<int>{2});
  EXPECT_EQ(table.size(), 2u);
}

TEST(ReadMostlyTable, StopsWhenTold) {
  Reclaimer reclaimer(1);
  Table table(reclaimer);
  Node a(1, 1), b(1, 2);
  table.Insert(&a);
  table.Insert(&b);
  int calls = 0;
  table.ForEach(1, [&](Node*) { return ++calls < 1; });
  EXPECT_EQ(calls, 1);
}

TEST(ReadMostlyTable, KeepsAllWhileItGrows) {
  constexpr int kNodes = 5000;
  Reclaimer reclaimer(1);
  Table table(reclaimer);
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < kNodes; ++i) {
    nodes.push_back(std::make_unique<Node>(Spread(i), i));
    table.Insert(nodes.back().get());
    if (i % 3 == 2) table.Remove(nodes[static_cast<size_t>(i - 1)].get());
  }
  for (int i = 0; i < kNodes; ++i) {
    const bool removed = i % 3 == 1 && i + 1 < kNodes;
    EXPECT_EQ(Find(table, Spread(i)), removed ? std::set<int>() : std::set<int>{i});
  }
  std::set<int> all;
  table.ForEachNode([&](Node* node) { all.insert(node->value); });
  EXPECT_EQ(all.size(), table.size());
}

TEST(ReadMostlyTable, GrowsOnWhenAReaderWasStuckForLong) {
  constexpr int kNodes = 2000;
  Reclaimer reclaimer(1);
  Table table(reclaimer);
  std::vector<std::unique_ptr<Node>> nodes;
  const auto insert = [&](int i) {
    nodes.push_back(std::make_unique<Node>(Spread(i), i));
    table.Insert(nodes.back().get());
  };
  reclaimer.Online(0);
  for (int i = 0; i < kNodes; ++i) insert(i);  // one growth at most
  for (int i = 0; i < kNodes; ++i) ASSERT_EQ(Find(table, Spread(i)), std::set<int>{i});
  EXPECT_EQ(reclaimer.Collect(), 1u);
  reclaimer.Quiesce(0);
  for (int i = kNodes; i < 2 * kNodes; ++i) {
    insert(i);
    reclaimer.Quiesce(0);
  }
  for (int i = 0; i < 2 * kNodes; ++i) ASSERT_EQ(Find(table, Spread(i)), std::set<int>{i});
  EXPECT_EQ(reclaimer.Collect(), 0u);
}

// One writer adds, removes and so grows the table; readers must always find what stays.
TEST(ReadMostlyTable, ReadersFindWhatStaysWhileItGrows) {
  constexpr unsigned kReaders = 3;
  constexpr int kFixed = 40;
  constexpr int kRounds = 20'000;
  Reclaimer reclaimer(kReaders);
  Table table(reclaimer);
  std::vector<std::unique_ptr<Node>> fixed;
  for (int i = 0; i < kFixed; ++i) {
    fixed.push_back(std::make_unique<Node>(Spread(i), i));
    table.Insert(fixed.back().get());
  }
  std::atomic<bool> stop{false};
  std::atomic<int> missed{0};
  std::vector<std::thread> readers;
  for (unsigned reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      reclaimer.Online(reader);
      while (!stop.load(std::memory_order_relaxed)) {
        for (int i = 0; i < kFixed; ++i) {
          bool found = false;
          table.ForEach(Spread(i), [&](Node* node) {
            found = found || node->value == i;
            return true;
          });
          missed += found ? 0 : 1;
        }
        reclaimer.Quiesce(reader);
      }
      reclaimer.Offline(reader);
    });
  }
  std::vector<Node*> passing;
  for (int i = 0; i < kRounds; ++i) {
    passing.push_back(new Node(Spread(1000 + i), 1000 + i));
    table.Insert(passing.back());
    if (i % 4 == 3) {
      Node* gone = passing[static_cast<size_t>(i) / 2];
      if (gone == nullptr) continue;
      table.Remove(gone);
      passing[static_cast<size_t>(i) / 2] = nullptr;
      reclaimer.Retire(gone);
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(missed, 0);
  for (Node* node : passing) delete node;
  EXPECT_EQ(reclaimer.Collect(), 0u);
}

}  // namespace
}  // namespace martlet::subject
