#include "subject/subject_index.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "subject/match_cache.h"

namespace martlet::subject {
namespace {

constexpr AccountId kOther = 7;

class SubjectIndexTest : public testing::Test {
 protected:
  static constexpr unsigned kShards = 3;

  ~SubjectIndexTest() override {
    for (const Entry& entry : entries_) {
      if (entry.subscriber->filter != nullptr) index_.Remove(entry.shard, *entry.subscriber);
    }
  }

  Subscriber& Add(std::string_view filter, unsigned shard = 0, std::string_view queue = {},
                  AccountId account = kGlobalAccount) {
    entries_.push_back({shard, std::make_unique<Subscriber>()});
    index_.Add(shard, account, filter, queue, *entries_.back().subscriber);
    return *entries_.back().subscriber;
  }
  void Remove(Subscriber& subscriber, unsigned shard = 0) { index_.Remove(shard, subscriber); }

  // The plain filters that match, sorted.
  std::vector<std::string> Plain(std::string_view subject, AccountId account = kGlobalAccount) {
    index_.Match(account, subject, result_);
    std::vector<std::string> texts;
    for (const Filter* filter : result_.plain) texts.emplace_back(filter->text());
    std::sort(texts.begin(), texts.end());
    return texts;
  }
  MatchResult Match(std::string_view subject) {
    MatchResult result;
    index_.Match(kGlobalAccount, subject, result);
    return result;
  }

  using List = std::vector<std::string>;
  SubjectIndex index_{kShards};

 private:
  struct Entry {
    unsigned shard;
    std::unique_ptr<Subscriber> subscriber;
  };
  std::vector<Entry> entries_;
  MatchResult result_;
};

TEST_F(SubjectIndexTest, EmptyIndexMatchesNothing) { EXPECT_TRUE(Match("a").empty()); }

TEST_F(SubjectIndexTest, FindsLiteralsAndWildcardsOfEveryShape) {
  for (const char* filter :
       {"a", "a.b", "a.b.c", "*", ">", "a.*", "*.b", "*.*", "a.>", "*.>", "a.*.c", "a.b.>"}) {
    Add(filter);
  }
  EXPECT_EQ(Plain("a"), (List{"*", ">", "a"}));
  EXPECT_EQ(Plain("x"), (List{"*", ">"}));
  EXPECT_EQ(Plain("a.b"), (List{"*.*", "*.>", "*.b", ">", "a.*", "a.>", "a.b"}));
  EXPECT_EQ(Plain("a.b.c"), (List{"*.>", ">", "a.*.c", "a.>", "a.b.>", "a.b.c"}));
  EXPECT_EQ(Plain("x.y.z"), (List{"*.>", ">"}));
}

TEST_F(SubjectIndexTest, TailWildcardMatchesOneOrMoreTokens) {
  Add("a.>");
  EXPECT_EQ(Plain("a"), List());
  EXPECT_EQ(Plain("a.b"), List{"a.>"});
  EXPECT_EQ(Plain("a.b.c.d"), List{"a.>"});
}

TEST_F(SubjectIndexTest, WildcardsOfASubjectAreText) {
  Add("a.*");
  Add("a.b");
  Add("a.>");
  EXPECT_EQ(Plain("a.*"), (List{"a.*", "a.>"}));
  EXPECT_EQ(Plain("a.>"), (List{"a.*", "a.>"}));
  EXPECT_EQ(Plain(">"), List());
}

TEST_F(SubjectIndexTest, WildcardCharactersInsideATokenAreText) {
  Add("foo*");
  Add("a>b");
  EXPECT_EQ(Plain("foobar"), List());
  EXPECT_EQ(Plain("foo*"), List{"foo*"});
  EXPECT_EQ(Plain("a>b"), List{"a>b"});
}

TEST_F(SubjectIndexTest, SubjectWithAnEmptyTokenMatchesNothing) {
  Add(">");
  Add("*.*");
  Add("*.*.*");
  for (const char* subject : {"", ".", "a.", ".a", "a..b"}) EXPECT_EQ(Plain(subject), List());
}

TEST_F(SubjectIndexTest, RemovedFilterMatchesNoMore) {
  for (const char* filter : {"a.b", "a.*", "a.>", "*.*", ">"}) {
    Subscriber& first = Add(filter);
    Subscriber& second = Add(filter);
    EXPECT_EQ(Plain("a.b"), List{filter});
    Remove(first);
    EXPECT_EQ(Plain("a.b"), List{filter});
    Remove(second);
    EXPECT_EQ(Plain("a.b"), List());
    EXPECT_EQ(second.filter, nullptr);
    Subscriber& again = Add(filter);
    EXPECT_EQ(Plain("a.b"), List{filter});
    Remove(again);
    EXPECT_EQ(Plain("a.b"), List());
  }
}

TEST_F(SubjectIndexTest, FiltersAndShapesGiveTheirMemoryBack) {
  Subscriber& deep = Add("a.*.b.*.c.>");
  Subscriber& shallow = Add("a.*.b");
  Remove(deep);
  EXPECT_EQ(Plain("a.x.b"), List{"a.*.b"});
  Remove(shallow);
  EXPECT_EQ(index_.reclaimer().CollectAll(), 0u);
  Add("a.*.b.*.c.>");
  EXPECT_EQ(Plain("a.1.b.2.c.3"), List{"a.*.b.*.c.>"});
}

TEST_F(SubjectIndexTest, AccountsAreApart) {
  Add("a.b");
  Add("a.*");
  Add("a.b", 0, {}, kOther);
  Add(">", 0, {}, kOther);
  EXPECT_EQ(Plain("a.b"), (List{"a.*", "a.b"}));
  EXPECT_EQ(Plain("a.b", kOther), (List{">", "a.b"}));
  EXPECT_EQ(Plain("x"), List());
  EXPECT_EQ(Plain("x", 8), List());
}

TEST_F(SubjectIndexTest, ShardSetNamesEveryShardWithAPlainMember) {
  Subscriber& on_two = Add("a.b", 2);
  Add("a.b", 2);
  Subscriber& on_one = Add("a.*", 1);
  Add("a.b", 0, "q");
  EXPECT_EQ(Match("a.b").plain_shards, 0b110u);
  Remove(on_two, 2);
  EXPECT_EQ(Match("a.b").plain_shards, 0b110u);
  Remove(on_one, 1);
  EXPECT_EQ(Match("a.b").plain_shards, 0b100u);
}

TEST_F(SubjectIndexTest, MembersStandInTheListOfTheirShard) {
  std::vector<Subscriber*> members;
  for (int i = 0; i < 20; ++i) members.push_back(&Add("a", 1));
  Add("a", 2);
  const MatchResult result = Match("a");
  ASSERT_EQ(result.plain.size(), 1u);
  const Filter& filter = *result.plain[0];
  EXPECT_EQ(filter.members(0), 0u);
  EXPECT_EQ(filter.members(1), 20u);
  EXPECT_EQ(filter.members(2), 1u);
  EXPECT_TRUE(filter.local(0).empty());
  for (size_t i = 0; i < members.size(); i += 2) Remove(*members[i], 1);
  ASSERT_EQ(filter.members(1), 10u);
  for (size_t i = 1; i < members.size(); i += 2) {
    EXPECT_EQ(filter.local(1)[members[i]->position], members[i]);
    EXPECT_EQ(std::count(filter.local(1).begin(), filter.local(1).end(), members[i]), 1);
  }
}

TEST_F(SubjectIndexTest, QueueGroupSpansFilters) {
  Add("a.b", 0, "q");
  Add("a.*", 1, "q");
  Add("a.>", 1, "q");
  Add("a.b", 2, "other");
  Add("a.b", 2);
  Add("x", 2, "q");
  const MatchResult result = Match("a.b");
  EXPECT_EQ(result.plain.size(), 1u);
  ASSERT_EQ(result.groups.size(), 2u);
  for (const MatchResult::Group& group : result.groups) {
    EXPECT_EQ(group.filters.size(), group.queue == "q" ? 3u : 1u);
    for (const Filter* filter : group.filters) EXPECT_EQ(filter->queue(), group.queue);
  }
  EXPECT_EQ(result.plain_shards, 0b100u);  // queue members are no plain members
}

TEST_F(SubjectIndexTest, SameFilterWithSeveralQueuesIsSeveralFilters) {
  Subscriber& plain = Add("a.*");
  Add("a.*", 0, "p");
  Add("a.*", 0, "q");
  EXPECT_EQ(Match("a.b").groups.size(), 2u);
  Remove(plain);
  EXPECT_EQ(Match("a.b").groups.size(), 2u);
  EXPECT_TRUE(Match("a.b").plain.empty());
}

TEST_F(SubjectIndexTest, ResultIsStaleAfterAChangeThatConcernsIt) {
  for (const char* filter : {"a.b.c", "a.b.*", "a.b.>", "a.*.c", "a.>", "*.b.c", ">"}) {
    MatchResult before = Match("a.b.c");
    EXPECT_TRUE(before.stamp.IsCurrent());
    Subscriber& subscriber = Add(filter);
    EXPECT_FALSE(before.stamp.IsCurrent()) << "added " << filter;
    before = Match("a.b.c");
    EXPECT_TRUE(before.stamp.IsCurrent());
    Subscriber& elsewhere = Add(filter, 1);
    EXPECT_FALSE(before.stamp.IsCurrent()) << "another shard added " << filter;
    before = Match("a.b.c");
    Remove(elsewhere, 1);
    EXPECT_FALSE(before.stamp.IsCurrent()) << "another shard removed " << filter;
    before = Match("a.b.c");
    Remove(subscriber);
    EXPECT_FALSE(before.stamp.IsCurrent()) << "removed " << filter;
  }
}

TEST_F(SubjectIndexTest, FurtherMembersOfAShardLeaveResultsCurrent) {
  Add("a.b.c");
  Add("a.*.c");
  const MatchResult result = Match("a.b.c");
  Subscriber& one = Add("a.b.c");
  Subscriber& two = Add("a.*.c");
  EXPECT_TRUE(result.stamp.IsCurrent());
  Remove(one);
  Remove(two);
  EXPECT_TRUE(result.stamp.IsCurrent());
}

TEST_F(SubjectIndexTest, InboxChurnElsewhereLeavesResultsCurrent) {
  Add("orders.new");
  Add("orders.*");
  // Counters are shared by hash: a few of 4096 may be hit, most are not.
  int hit = 0;
  for (int i = 0; i < 200; ++i) {
    const MatchResult now = Match("orders.new");
    Remove(Add("_INBOX." + std::to_string(i) + ".*"));
    Remove(Add("_INBOX.x" + std::to_string(i)));
    hit += now.stamp.IsCurrent() ? 0 : 1;
  }
  EXPECT_LE(hit, 5);
}

TEST_F(SubjectIndexTest, CacheRemembersWhatIsAskedForTwice) {
  Add("a.*");
  MatchCache cache(index_, 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(cache.Match(kGlobalAccount, "a.b").plain.size(), 1u);
  EXPECT_EQ(cache.stats().misses, 2u);
  EXPECT_EQ(cache.stats().hits, 3u);
}

TEST_F(SubjectIndexTest, CacheSeesChanges) {
  MatchCache cache(index_, 0);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache.Match(kGlobalAccount, "a.b").empty());
  Subscriber& subscriber = Add("a.*", 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cache.Match(kGlobalAccount, "a.b").plain_shards, 0b10u);
  Remove(subscriber, 1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache.Match(kGlobalAccount, "a.b").empty());
}

TEST_F(SubjectIndexTest, CacheKeepsAccountsApart) {
  Add("a", 0, {}, kOther);
  MatchCache cache(index_, 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(cache.Match(kGlobalAccount, "a").empty());
    EXPECT_EQ(cache.Match(kOther, "a").plain.size(), 1u);
  }
}

TEST_F(SubjectIndexTest, AWalkInPiecesTellsEachOnceWhateverComesAndGoes) {
  constexpr RouteKey kRoute = 1;
  std::vector<std::string> wanted;
  for (int i = 0; i < 500; ++i) wanted.push_back("stays." + std::to_string(i));
  for (const std::string& text : wanted) Add(text);
  std::vector<Filter*> remote;
  for (int i = 0; i < 500; ++i) {
    remote.push_back(&index_.AddRemote(0, kGlobalAccount, "r." + std::to_string(i), {}, kRoute, 1));
  }
  std::vector<std::string> told;
  uint32_t place = 0;
  do {
    size_t in_piece = 0;
    place = index_.Walk(place, 10, [&](const Filter& filter) {
      ++in_piece;
      if (!filter.remote()) told.emplace_back(filter.text());
    });
    EXPECT_LE(in_piece, 15u);
    for (Filter*& filter : remote) {  // also the one at which the walk stands
      const std::string text(filter->text());
      index_.RemoveRemote(0, *filter);
      filter = &index_.AddRemote(0, kGlobalAccount, text, {}, kRoute, 1);
    }
    index_.reclaimer().Quiesce(0);
  } while (place != 0);
  for (Filter* filter : remote) index_.RemoveRemote(0, *filter);
  std::sort(told.begin(), told.end());
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(told, wanted);
}

TEST_F(SubjectIndexTest, APieceOfAWalkEndsBetweenSubjects) {
  for (const std::string_view queue : {"", "a", "b", "c", "d"}) Add("one.subject", 0, queue);
  Add("another");
  size_t told = 0;
  size_t pieces = 0;
  uint32_t place = 0;
  do {
    place = index_.Walk(place, 1, [&](const Filter&) { ++told; });
    ++pieces;
  } while (place != 0);
  EXPECT_EQ(told, 6u);
  EXPECT_EQ(pieces, 2u);
}

TEST(SubjectIndex, TakesASubjectOfManyTokens) {
  SubjectIndex index(1);
  std::string subject = "a";
  std::string stars = "*";
  for (int i = 1; i < 2000; ++i) {
    subject += ".a";
    stars += ".*";
  }
  Subscriber all, tail, literal;
  index.Add(0, kGlobalAccount, stars, {}, all);
  index.Add(0, kGlobalAccount, subject + ".>", {}, tail);
  index.Add(0, kGlobalAccount, subject, {}, literal);
  MatchResult result;
  index.Match(kGlobalAccount, subject, result);
  EXPECT_EQ(result.plain.size(), 2u);
  index.Match(kGlobalAccount, subject + ".x", result);
  EXPECT_EQ(result.plain.size(), 1u);
  for (Subscriber* s : {&all, &tail, &literal}) index.Remove(0, *s);
  EXPECT_EQ(index.reclaimer().CollectAll(), 0u);
}

TEST(SubjectIndex, WhatOneShardMakesAndAnotherLetsGoDoesNotPileUp) {
  SubjectIndex index(2);
  const size_t before = index.reserved_bytes();
  Subscriber first, last;
  for (int i = 0; i < 200'000; ++i) {
    const std::string subject = "job." + std::to_string(i);
    index.Add(0, kGlobalAccount, subject, {}, first);
    index.Add(1, kGlobalAccount, subject, {}, last);
    index.Remove(0, first);
    index.Remove(1, last);
    if (i % 1000 == 0) index.reclaimer().CollectAll();
  }
  EXPECT_LE(index.reserved_bytes(), before + (size_t{4} << 20U));
}

TEST(SubjectIndex, MayDieWithSubscribersInIt) {
  Subscriber a, b, c, d;
  SubjectIndex index(2);
  index.Add(0, kGlobalAccount, "a", {}, a);
  index.Add(1, kGlobalAccount, "*.a.*", "q", b);
  index.Add(1, kGlobalAccount, "*.*.>", {}, c);
  index.Add(1, kGlobalAccount, "*.*.>", {}, d);
}

}  // namespace
}  // namespace martlet::subject
