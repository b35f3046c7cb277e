#include "base/linked_list.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

struct Item : ListNode {
  explicit Item(char n) : name(n) {}
  char name;
};

/// The names in order; `skipped` is no element.
std::string Names(LinkedList& list, const ListNode* skipped = nullptr) {
  std::string names;
  for (ListNode* node = list.First(); node != nullptr; node = list.Next(*node)) {
    if (node != skipped) names += static_cast<Item*>(node)->name;
  }
  return names;
}

TEST(LinkedList, KeepsTheOrder) {
  LinkedList list;
  EXPECT_EQ(list.First(), nullptr);
  Item a('a');
  Item b('b');
  Item c('c');
  list.PushBack(b);
  list.PushBack(c);
  list.PushFront(a);
  EXPECT_EQ(Names(list), "abc");
  list.MoveBehind(c, a);
  EXPECT_EQ(Names(list), "bca");
  c.Unlink();
  EXPECT_FALSE(c.linked());
  EXPECT_EQ(Names(list), "ba");
  c.Unlink();
  list.PushBack(c);
  EXPECT_EQ(Names(list), "bac");
}

TEST(LinkedList, WhoDiesLeaves) {
  LinkedList list;
  Item a('a');
  list.PushBack(a);
  {
    Item b('b');
    list.PushBack(b);
    EXPECT_EQ(Names(list), "ab");
  }
  EXPECT_EQ(Names(list), "a");
}

TEST(LinkedList, ElementsMayOutliveIt) {
  Item a('a');
  {
    LinkedList list;
    list.PushBack(a);
  }
  EXPECT_FALSE(a.linked());
}

TEST(LinkedList, AMarkerStandsWhereItIsPut) {
  LinkedList list;
  ListNode marker;
  Item b('b');
  auto a = std::make_unique<Item>('a');
  list.PushBack(*a);
  list.PushBack(b);
  list.PushFront(marker);
  EXPECT_EQ(list.Next(marker), a.get());
  list.MoveBehind(*a, marker);
  a.reset();
  EXPECT_EQ(list.Next(marker), &b);
  EXPECT_EQ(Names(list, &marker), "b");
  list.MoveBehind(b, marker);
  EXPECT_EQ(list.Next(marker), nullptr);
}

}  // namespace
}  // namespace martlet::base
