#include "cli/text.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::cli {
namespace {

using std::chrono::nanoseconds;

TEST(ParseDuration, TakesGoDurationsAndDays) {
  const struct {
    std::string_view text;
    int64_t nanoseconds;
  } cases[] = {
      {"0", 0},
      {"7ns", 7},
      {"2us", 2'000},
      {"2\xc2\xb5s", 2'000},
      {"300ms", 300'000'000},
      {"1.5s", 1'500'000'000},
      {".5s", 500'000'000},
      {"1m", 60'000'000'000},
      {"1h1m1s1ms", 3'661'001'000'000},
      {"1d", 86'400'000'000'000},
      {"1w", 7 * 86'400'000'000'000},
      {"1M", 30 * 86'400'000'000'000},
      {"1y", 365 * 86'400'000'000'000},
  };
  for (const auto& c : cases) {
    const auto duration = ParseDuration(c.text);
    ASSERT_TRUE(duration.ok()) << c.text;
    EXPECT_EQ(duration->count(), c.nanoseconds) << c.text;
  }
}

TEST(ParseDuration, RefusesTheRest) {
  for (const std::string_view text :
       {"", "1", "s", "-1s", "1.2.3s", ".s", "1x", "1s2", "1 s", "99999999y"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Headers, GoIntoABlockAndComeBack) {
  const auto first = ParseHeaderFlag(" K : a: b ");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, Header("K", "a: b"));
  const std::vector<Header> headers = {*first, {"Empty", ""}, {"Lines", "a\r\nb"}};
  const std::string block = HeaderBlock(headers);
  EXPECT_EQ(block, "NATS/1.0\r\nK: a: b\r\nEmpty: \r\nLines: a  b\r\n\r\n");
  EXPECT_EQ(ParseHeaderBlock(block),
            (std::vector<Header>{{"K", "a: b"}, {"Empty", ""}, {"Lines", "a  b"}}));
  EXPECT_EQ(HeaderBlock({}), "");
  EXPECT_TRUE(ParseHeaderBlock("").empty());
}

TEST(Headers, BadFlagsAreRefused) {
  for (const std::string_view text : {"", "x", ":v", " : v", "a b: v", "a\r\nb: v"}) {
    EXPECT_FALSE(ParseHeaderFlag(text).ok()) << text;
  }
}

TEST(Headers, AnInlineStatusIsAHeader) {
  EXPECT_EQ(ParseHeaderBlock("NATS/1.0 503\r\n\r\n"), (std::vector<Header>{{"Status", "503"}}));
  const auto headers = ParseHeaderBlock("NATS/1.0 404 No Messages\r\nA:b\r\n\r\n");
  EXPECT_EQ(headers,
            (std::vector<Header>{{"Status", "404"}, {"Description", "No Messages"}, {"A", "b"}}));
  EXPECT_EQ(FindHeader(headers, "A"), "b");
  EXPECT_EQ(FindHeader(headers, "B"), "");
  for (const std::string_view junk : {"x", "NATS/1.0", "NATS/1.0 \r\n", "NATS/1.0 5", "a\r\nb"}) {
    ParseHeaderBlock(junk);
  }
}

TEST(SplitCommand, ReadsWhatAShellReads) {
  const struct {
    std::string_view line;
    std::vector<std::string> words;
  } cases[] = {
      {"a  b\tc", {"a", "b", "c"}},
      {"sh -c 'echo \"x\" \\y'", {"sh", "-c", "echo \"x\" \\y"}},
      {"a\"b c\"d ''", {"ab cd", ""}},
      {"a\\ b \"\\\"\\n\\\\\"", {"a b", "\"\\n\\"}},
  };
  for (const auto& c : cases) {
    const auto words = SplitCommand(c.line);
    ASSERT_TRUE(words.ok()) << c.line;
    EXPECT_EQ(*words, c.words) << c.line;
  }
  for (const std::string_view line : {"", "  ", "a 'b", "a \"b", "a\\"}) {
    EXPECT_FALSE(SplitCommand(line).ok()) << line;
  }
}

TEST(SplitList, SplitsAtCommasAndBlanks) {
  EXPECT_EQ(SplitList(" a,b  c,,d "), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_TRUE(SplitList(" , ").empty());
}

TEST(Subjects, PlainOnesHaveNoBlanks) {
  EXPECT_TRUE(IsPlainSubject("a.*.>"));
  EXPECT_TRUE(IsPlainSubject("\xc3\xa9"));
  for (const std::string_view text : {"", "a b", "a\r\nb", "a\t"}) {
    EXPECT_FALSE(IsPlainSubject(text)) << text;
  }
}

TEST(Subjects, CollideWhereBothMatchOne) {
  const struct {
    std::string_view one, other;
    bool collide;
  } cases[] = {
      {"a.b", "a.b", true}, {"a.b", "a.c", false}, {"a.b", "a.*", true}, {"a.b", "*.b", true},
      {"a.b", "a", false},  {"a", "a.b", false},   {"a.b", ">", true},   {"a.b.c", "a.>", true},
      {"a", "a.>", false},  {"*.x", "y.*", true},  {"a.*", "*", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(SubjectsCollide(c.one, c.other), c.collide) << c.one << " " << c.other;
    EXPECT_EQ(SubjectsCollide(c.other, c.one), c.collide) << c.other << " " << c.one;
  }
}

}  // namespace
}  // namespace martlet::cli
