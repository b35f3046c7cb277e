#include "subject/match_cache.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::subject {
namespace {

class MatchCacheTest : public testing::Test {
 protected:
  ~MatchCacheTest() override {
    for (const auto& subscriber : subscribers_) index_.Remove(kShard, *subscriber);
  }
  void Add(std::string_view filter, unsigned shard = kShard) {
    subscribers_.push_back(std::make_unique<Subscriber>());
    index_.Add(shard, kGlobalAccount, filter, {}, *subscribers_.back());
  }
  // Asks for all in turn; how many the cache knew.
  uint64_t HitsOf(const std::vector<std::string>& subjects) {
    const uint64_t before = cache_.stats().hits;
    for (const std::string& subject : subjects) cache_.Match(kGlobalAccount, subject);
    return cache_.stats().hits - before;
  }
  static std::vector<std::string> Numbered(size_t count, const std::string& before) {
    std::vector<std::string> subjects;
    for (size_t i = 0; i < count; ++i) subjects.push_back(before + std::to_string(i));
    return subjects;
  }

  static constexpr unsigned kShard = 1;
  SubjectIndex index_{2};
  MatchCache cache_{index_, kShard};
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

TEST_F(MatchCacheTest, SixThousandHotSubjectsAllHit) {
  const std::vector<std::string> subjects = Numbered(6000, "orders.");
  for (int round = 0; round < 20; ++round) HitsOf(subjects);
  EXPECT_EQ(HitsOf(subjects), subjects.size());
}

TEST_F(MatchCacheTest, SubjectsOfAnyLengthAreToldApart) {
  // Around the bytes that an entry holds itself; they differ in the last one only.
  for (const size_t bytes : {1U, 3U, 7U, 8U, 9U, 16U, 39U, 40U, 41U, 64U, 300U}) {
    const std::string a(bytes, 'a');
    std::string b = a;
    b.back() = 'b';
    Add(a);
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(cache_.Match(kGlobalAccount, a).plain.size(), 1u) << bytes;
      EXPECT_EQ(cache_.Match(kGlobalAccount, b).plain.size(), 0u) << bytes;
    }
  }
}

TEST_F(MatchCacheTest, SubjectsUsedOnceLeaveTheHotOnesAlone) {
  const std::vector<std::string> hot = Numbered(1000, "hot.");
  for (int round = 0; round < 5; ++round) HitsOf(hot);
  HitsOf(Numbered(200'000, "_INBOX."));
  EXPECT_GE(HitsOf(hot), hot.size() * 9 / 10);  // a tag may be seen twice by chance
}

TEST_F(MatchCacheTest, OfAFullSetOneGoesThatWasNotAskedFor) {
  // Nine subjects of one set, which has eight places.
  constexpr size_t kSets = 4096;
  std::vector<std::string> subjects;
  const uint64_t set = SubjectIndex::HashOf(kGlobalAccount, "x.0") % kSets;
  for (int i = 0; subjects.size() < 9; ++i) {
    std::string subject = "x." + std::to_string(i);
    if (SubjectIndex::HashOf(kGlobalAccount, subject) % kSets == set) subjects.push_back(subject);
  }
  const std::string ninth = subjects.back();
  subjects.pop_back();
  for (int round = 0; round < 60; ++round) HitsOf(subjects);
  ASSERT_EQ(HitsOf(subjects), 8u);
  const std::vector<std::string> favourite = {subjects[3]};
  for (int round = 0; round < 3; ++round) {
    HitsOf(favourite);
    HitsOf({ninth, ninth});
  }
  EXPECT_EQ(HitsOf({ninth}), 1u);
  EXPECT_EQ(HitsOf(favourite), 1u);
}

TEST_F(MatchCacheTest, TellsWhatTheAskingShardHas) {
  Add("a.*");
  Add("a.b");
  for (int i = 0; i < 3; ++i) {
    const MatchResult& match = cache_.Match(kGlobalAccount, "a.b");
    EXPECT_EQ(match.local_filters, 2u);
    ASSERT_NE(match.first_local, nullptr);
    EXPECT_EQ(match.first_local->members().size(), 1u);
  }
  MatchResult of_other;
  index_.Match(kGlobalAccount, "a.b", SubjectIndex::HashOf(kGlobalAccount, "a.b"), 0, of_other);
  EXPECT_EQ(of_other.local_filters, 0u);
  EXPECT_EQ(of_other.plain_shards, 0b10u);
}

TEST_F(MatchCacheTest, MemoOfAnEntryThatWasTakenFindsOut) {
  Add("hot");
  MatchCache::Memo memo;
  for (int i = 0; i < 2; ++i) cache_.Match(kGlobalAccount, "hot", memo);
  const std::vector<std::string> others = Numbered(100'000, "other.");
  for (int round = 0; round < 2; ++round) HitsOf(others);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache_.MatchAgain(kGlobalAccount, "hot", memo).plain.size(), 1u);
  }
}

TEST_F(MatchCacheTest, ClearForgetsEverythingAndGoesOn) {
  std::vector<std::string> subjects = Numbered(1000, "near.");
  for (const std::string& far : Numbered(1000, std::string(100, 'x'))) subjects.push_back(far);
  Add(subjects.front());
  Add(subjects.back());
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) HitsOf(subjects);
    EXPECT_EQ(HitsOf(subjects), subjects.size());
    EXPECT_EQ(cache_.size(), subjects.size());
    cache_.Clear();
    EXPECT_EQ(cache_.size(), 0u);
    EXPECT_EQ(HitsOf(subjects), 0u);
    EXPECT_EQ(cache_.Match(kGlobalAccount, subjects.front()).plain.size(), 1u);
    EXPECT_EQ(cache_.Match(kGlobalAccount, subjects.back()).plain.size(), 1u);
  }
}

TEST_F(MatchCacheTest, MemoOfBeforeClearFindsOut) {
  Add("hot");
  MatchCache::Memo memo;
  for (int i = 0; i < 2; ++i) cache_.Match(kGlobalAccount, "hot", memo);
  cache_.Clear();
  MatchCache::Memo copy = memo;
  EXPECT_EQ(cache_.MatchAgain(kGlobalAccount, "hot", copy).plain.size(), 1u);
  // The first that is remembered now stands where "hot" stood, and took it as often.
  cache_.Clear();
  for (int i = 0; i < 2; ++i) cache_.Match(kGlobalAccount, "cold");
  EXPECT_EQ(cache_.MatchAgain(kGlobalAccount, "hot", memo).plain.size(), 1u);
}

}  // namespace
}  // namespace martlet::subject
