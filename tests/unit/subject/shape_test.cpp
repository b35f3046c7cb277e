#include "subject/shape.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "subject/subject.h"
#include "subject/tokens.h"

namespace martlet::subject {
namespace {

constexpr AccountId kAccount = 3;

TEST(TokenEnds, AgreesWithForEachToken) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const size_t size = random() % (round % 50 == 0 ? 400 : 40);
    // Dots, and the bytes that a careless search for them takes for dots.
    while (text.size() < size)
      text +=
          "./-\xae\x2f"
          "ab."[random() % 8];
    const TokenEnds ends(text);
    size_t count = 0;
    bool sound = true;
    ForEachToken(text, [&](std::string_view token) {
      EXPECT_EQ(ends.token(count), token) << text;
      sound = sound && !token.empty();
      ++count;
      return true;
    });
    ASSERT_EQ(ends.count(), count) << text;
    ASSERT_EQ(ends.sound(), sound) << text;
  }
}

TEST(Shape, KindSaysWhereTheWildcardsAre) {
  const auto kind = [](std::string_view filter) { return FormOf(kAccount, filter).kind; };
  for (const char* filter : {"a", "a.b", "a*", "a.b>", "a.>b"}) {
    EXPECT_EQ(kind(filter), FilterKind::kLiteral) << filter;
  }
  for (const char* filter : {"*", "a.*", "a.b.*"}) EXPECT_EQ(kind(filter), FilterKind::kStar);
  for (const char* filter : {">", "a.>", "a.b.>"}) EXPECT_EQ(kind(filter), FilterKind::kTail);
  for (const char* filter : {"*.a", "*.*", "a.*.b", "*.>", "a.*.>"}) {
    EXPECT_EQ(kind(filter), FilterKind::kMixed) << filter;
  }
}

TEST(Shape, SubjectFindsTheHashOfAMixedFilterByItsPlan) {
  for (const auto& [filter, subject] : std::vector<std::pair<const char*, const char*>>{
           {"*.b", "x.b"}, {"a.*.c", "a.x.c"}, {"a.*.*.d.>", "a.1.2.d.e.f"}, {"*.*.>", "a.b.c"}}) {
    const FilterForm form = FormOf(kAccount, filter);
    const TokenEnds tokens{std::string_view(subject)};
    ASSERT_EQ(form.kind, FilterKind::kMixed);
    EXPECT_TRUE(form.plan.Fits(tokens.count()));
    EXPECT_EQ(MixedHash(kAccount, tokens, form.plan), form.hash) << filter;
    EXPECT_NE(MixedHash(kAccount + 1, tokens, form.plan), form.hash) << filter;
    EXPECT_EQ(LevelHash(kAccount, tokens, form.level), form.level_hash) << filter;
  }
}

TEST(Shape, MatchesTokensIsMatches) {
  std::mt19937_64 random(2);
  const auto text = [&](std::string_view alphabet, bool tail) {
    std::string made;
    for (size_t i = 1 + random() % 4; i > 0; --i) {
      made += alphabet[random() % alphabet.size()];
      if (random() % 6 == 0) made += 'x';
      if (i > 1) made += '.';
    }
    return tail && random() % 4 == 0 ? made + ".>" : made;
  };
  int matches = 0;
  for (int round = 0; round < 100'000; ++round) {
    const std::string filter = text("ab*", true);
    const std::string subject = text("ab*>", false);
    const bool expected = Matches(filter, subject);
    matches += expected ? 1 : 0;
    ASSERT_EQ(MatchesTokens(filter, TokenEnds(subject)), expected) << filter << " " << subject;
  }
  EXPECT_GT(matches, 1000);
}

}  // namespace
}  // namespace martlet::subject
