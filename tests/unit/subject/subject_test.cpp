#include "subject/subject.h"

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::subject {
namespace {

std::vector<std::string> TokensOf(std::string_view text) {
  std::vector<std::string> tokens;
  ForEachToken(text, [&](std::string_view token) {
    tokens.emplace_back(token);
    return true;
  });
  return tokens;
}

TEST(Subject, TokensIncludeEmptyOnes) {
  using List = std::vector<std::string>;
  EXPECT_EQ(TokensOf("a"), List{"a"});
  EXPECT_EQ(TokensOf("a.b"), (List{"a", "b"}));
  EXPECT_EQ(TokensOf(""), List{""});
  EXPECT_EQ(TokensOf("."), (List{"", ""}));
  EXPECT_EQ(TokensOf(".a..b."), (List{"", "a", "", "b", ""}));
}

TEST(Subject, TokensStopWhenTold) {
  int seen = 0;
  EXPECT_FALSE(ForEachToken("a.b.c", [&](std::string_view) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST(Subject, CountsTokens) {
  for (const std::string_view text : {"", "a", "a.b", ".", "a..b", "a.b.c.d.>"}) {
    EXPECT_EQ(CountTokens(text), TokensOf(text).size()) << text;
  }
}

struct Validity {
  std::string_view text;
  bool filter;    // may be subscribed to
  bool no_empty;  // matches something at all
  bool literal;   // fit for a pedantic publisher
  bool wildcard;
};

TEST(Subject, Validity) {
  constexpr Validity kCases[] = {
      {"a", true, true, true, false},       {"a.b.c", true, true, true, false},
      {"*", true, true, false, true},       {">", true, true, false, true},
      {"a.*", true, true, false, true},     {"*.a", true, true, false, true},
      {"a.>", true, true, false, true},     {"*.*.>", true, true, false, true},
      {"foo*", true, true, true, false},    {"a>b", true, true, true, false},
      {"a.b>", true, true, true, false},    {"**", true, true, true, false},
      {">>", true, true, true, false},      {"\xff.\x01", true, true, true, false},
      {"", false, false, false, false},     {".", false, false, false, false},
      {"a..b", false, false, false, false}, {".a", false, false, false, false},
      {"a.", false, false, false, false},   {"..", false, false, false, false},
  };
  for (const Validity& c : kCases) {
    EXPECT_EQ(IsValidFilter(c.text), c.filter) << c.text;
    EXPECT_EQ(HasNoEmptyToken(c.text), c.no_empty) << c.text;
    EXPECT_EQ(IsValidLiteral(c.text), c.literal) << c.text;
    EXPECT_EQ(HasWildcard(c.text), c.wildcard) << c.text;
  }
}

TEST(Subject, TailWildcardStandsOnlyAtTheEndOfAFilter) {
  for (const std::string_view filter : {"a.>.b", ">.a", ">.>", "a.>.>", ">."}) {
    EXPECT_FALSE(IsValidFilter(filter)) << filter;
  }
  EXPECT_TRUE(HasNoEmptyToken(">.a"));  // as a subject it is literal text
}

TEST(Subject, Matches) {
  struct Case {
    std::string_view filter;
    std::string_view subject;
    bool matches;
  };
  constexpr Case kCases[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"a", "A", false},
      {"a", "a.b", false},
      {"a.b", "a", false},
      {"a.b", "a.b", true},
      {"a", "ab", false},
      {"ab", "a", false},
      {"*", "a", true},
      {"*", "a.b", false},
      {"*.b", "a.b", true},
      {"*.b", "a.c", false},
      {"a.*", "a.b", true},
      {"a.*", "a", false},
      {"a.*", "a.b.c", false},
      {"a.*.c", "a.b.c", true},
      {"a.*.c", "a.c", false},
      {"*.*", "a.b", true},
      {">", "a", true},
      {">", "a.b.c", true},
      {"a.>", "a", false},
      {"a.>", "a.b", true},
      {"a.>", "a.b.c.d", true},
      {"a.>", "b.c", false},
      {"*.>", "a", false},
      {"*.>", "a.b", true},
      {"a.*.>", "a.b", false},
      {"a.*.>", "a.b.c", true},
      {"foo*", "foobar", false},
      {"foo*", "foo*", true},
      {"a>b", "a>b", true},
      {"a>b", "a.b", false},
      // Wildcards in the subject are text.
      {"a.*", "a.*", true},
      {"a.*", "a.>", true},
      {"a.>", "a.*", true},
      {"a.b", "a.*", false},
      {"a.b", ">", false},
      {"*", ">", true},
      {">", "*", true},
      {"*", "*", true},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Matches(c.filter, c.subject), c.matches) << c.filter << " and " << c.subject;
  }
}

TEST(HashBytes, DependsOnEveryByteLengthAndSeed) {
  std::unordered_set<uint64_t> seen;
  for (size_t bytes = 0; bytes <= 70; ++bytes) {
    const std::string base(bytes, 'a');
    EXPECT_TRUE(seen.insert(HashBytes(base, 0)).second) << bytes;
    EXPECT_TRUE(seen.insert(HashBytes(base, 1)).second) << bytes;
    for (size_t i = 0; i < bytes; ++i) {
      std::string changed = base;
      changed[i] = 'b';
      EXPECT_TRUE(seen.insert(HashBytes(changed, 0)).second) << bytes << " " << i;
    }
  }
}

TEST(HashBytes, SpreadsNumberedSubjectsOverBuckets) {
  constexpr size_t kBuckets = 64;
  constexpr int kPerBucket = 1000;
  for (const int shift : {0, 40, 48}) {
    std::vector<int> counts(kBuckets);
    for (int i = 0; i < static_cast<int>(kBuckets) * kPerBucket; ++i) {
      ++counts[(HashBytes("_INBOX.abc." + std::to_string(i), 0) >> shift) % kBuckets];
    }
    for (const int count : counts) EXPECT_NEAR(count, kPerBucket, 6 * 32);  // six sigma
  }
}

}  // namespace
}  // namespace martlet::subject
