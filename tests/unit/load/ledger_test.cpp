#include "load/ledger.h"

#include <vector>

#include <gtest/gtest.h>

namespace martlet::load {
namespace {

Faults FaultsOf(const FaultBook& book) {
  Faults faults;
  book.MergeInto(faults);
  return faults;
}

TEST(OrderedLedger, NothingWrong) {
  FaultBook book;
  OrderedLedger ledger("s", 10, 2, book);
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(ledger.Take({.stream = 10, .sequence = i}));
    EXPECT_TRUE(ledger.Take({.stream = 11, .sequence = i}));
  }
  ledger.Close(10, 100);
  ledger.Close(11, 100);
  EXPECT_FALSE(FaultsOf(book).any());
}

TEST(OrderedLedger, NamesWhatIsLost) {
  FaultBook book;
  OrderedLedger ledger("subscriber 2", 0, 1, book);
  for (const uint64_t i : {0, 1, 3, 4, 7}) ledger.Take({.stream = 0, .sequence = i});
  ledger.Close(0, 10);
  const Faults faults = FaultsOf(book);
  EXPECT_EQ(faults.lost, 5u);  // 2, 5, 6, 8, 9
  EXPECT_EQ(faults.duplicated + faults.reordered + faults.corrupted, 0u);
  EXPECT_EQ(faults.named, (std::vector<std::string>{"subscriber 2: stream 0 message 2 lost",
                                                    "subscriber 2: stream 0 message 5 to 6 lost",
                                                    "subscriber 2: stream 0 message 8 to 9 lost"}));
}

TEST(OrderedLedger, TellsLateFromTwice) {
  FaultBook book;
  OrderedLedger ledger("s", 0, 1, book);
  for (const uint64_t i : {0, 2, 3}) EXPECT_TRUE(ledger.Take({.stream = 0, .sequence = i}));
  EXPECT_TRUE(ledger.Take({.stream = 0, .sequence = 1}));   // late
  EXPECT_FALSE(ledger.Take({.stream = 0, .sequence = 1}));  // again
  EXPECT_FALSE(ledger.Take({.stream = 0, .sequence = 3}));
  ledger.Close(0, 4);
  const Faults faults = FaultsOf(book);
  EXPECT_EQ(faults.lost, 0u);
  EXPECT_EQ(faults.reordered, 1u);
  EXPECT_EQ(faults.duplicated, 2u);
}

TEST(OrderedLedger, FillsAGapFromTheMiddle) {
  FaultBook book;
  OrderedLedger ledger("s", 0, 1, book);
  for (const uint64_t i : {0, 9, 5, 1, 8}) EXPECT_TRUE(ledger.Take({.stream = 0, .sequence = i}));
  ledger.Close(0, 10);
  EXPECT_EQ(FaultsOf(book).lost, 5u);  // 2, 3, 4, 6, 7
}

TEST(OrderedLedger, ForeignStream) {
  FaultBook book;
  OrderedLedger ledger("s", 4, 2, book);
  EXPECT_FALSE(ledger.Take({.stream = 3, .sequence = 0}));
  EXPECT_FALSE(ledger.Take({.stream = 6, .sequence = 0}));
  EXPECT_EQ(FaultsOf(book).corrupted, 2u);
}

TEST(SharedLedger, AnyOrderIsFine) {
  FaultBook book;
  SharedLedger ledger("group", 0, 1, book);
  std::vector<uint64_t> order(1000);
  for (size_t i = 0; i < order.size(); ++i) order[i] = (i * 7919) % order.size();
  for (const uint64_t i : order) EXPECT_TRUE(ledger.Take({.stream = 0, .sequence = i}));
  ledger.Close(0, order.size());
  EXPECT_FALSE(FaultsOf(book).any());
}

TEST(SharedLedger, LostAndTwice) {
  FaultBook book;
  SharedLedger ledger("group", 0, 1, book);
  for (uint64_t i = 0; i < 200; ++i) {
    if (i != 3 && i != 130) ledger.Take({.stream = 0, .sequence = i});
  }
  EXPECT_FALSE(ledger.Take({.stream = 0, .sequence = 0}));
  EXPECT_FALSE(ledger.Take({.stream = 0, .sequence = 199}));
  ledger.Close(0, 202);
  const Faults faults = FaultsOf(book);
  EXPECT_EQ(faults.lost, 4u);  // 3, 130, 200, 201
  EXPECT_EQ(faults.duplicated, 2u);
}

TEST(SharedLedger, NothingAtAll) {
  FaultBook book;
  SharedLedger ledger("group", 0, 1, book);
  ledger.Close(0, 5);
  EXPECT_EQ(FaultsOf(book).lost, 5u);
}

TEST(SharedLedger, ASequenceFromNowhere) {
  FaultBook book;
  SharedLedger ledger("group", 0, 1, book);
  EXPECT_FALSE(ledger.Take({.stream = 0, .sequence = uint64_t{1} << 60}));
  EXPECT_EQ(FaultsOf(book).corrupted, 1u);
}

TEST(RisingLedger, GapsAreFineAndFallsAreNot) {
  FaultBook book;
  RisingLedger ledger("member", 0, 1, book);
  for (const uint64_t i : {0, 5, 6, 4, 9}) ledger.Take({.stream = 0, .sequence = i});
  EXPECT_EQ(FaultsOf(book).reordered, 1u);
}

TEST(FaultBook, NamesOnlyTheFirst) {
  FaultBook book;
  for (uint64_t i = 0; i < 100; ++i) book.Add(FaultBook::Kind::kLost, "s", 0, i);
  const Faults faults = FaultsOf(book);
  EXPECT_EQ(faults.lost, 100u);
  EXPECT_EQ(faults.named.size(), FaultBook::kNamedMax);
}

}  // namespace
}  // namespace martlet::load
