#include "monitor/query.h"

#include <gtest/gtest.h>

namespace martlet::monitor {
namespace {

TEST(Query, TakesEscapesApart) {
  const Query query("a=1&b=x%20y+z&c=%3d%26&&d&=e&%66=g");
  EXPECT_EQ(query.Text("a"), "1");
  EXPECT_EQ(query.Text("b"), "x y z");
  EXPECT_EQ(query.Text("c"), "=&");
  EXPECT_EQ(query.Text("d"), "");
  EXPECT_EQ(query.Text(""), "e");
  EXPECT_EQ(query.Text("f"), "g");
  EXPECT_EQ(query.Text("none"), "");
}

TEST(Query, TheFirstOfSeveralCountsAndBadPairsAreDropped) {
  const Query query("a=%&a=%4&a=%zz&a=x;y&a=2&a=3");
  EXPECT_EQ(query.Text("a"), "2");
}

TEST(Query, NumbersAreThoseOfGo) {
  Query query("a=-9223372036854775808&b=+5&c=18446744073709551615&d=&e=007");
  EXPECT_EQ(query.Int("a"), INT64_MIN);
  EXPECT_EQ(query.Int("b"), 0);  // a plus is a blank
  EXPECT_NE(query.error(), "");
  Query sound("a=-9223372036854775808&b=%2B5&c=18446744073709551615&d=&e=007");
  EXPECT_EQ(sound.Int("a"), INT64_MIN);
  EXPECT_EQ(sound.Int("b"), 5);
  EXPECT_EQ(sound.Uint64("c"), UINT64_MAX);
  EXPECT_EQ(sound.Int("d"), 0);
  EXPECT_EQ(sound.Int("e"), 7);
  EXPECT_EQ(sound.error(), "");
}

TEST(Query, WhatIsNoNumberIsToldInGosWords) {
  struct Case {
    std::string_view value;
    std::string_view why;
  };
  constexpr Case kCases[] = {{"x", "invalid syntax"},
                             {"-", "invalid syntax"},
                             {"1_0", "invalid syntax"},
                             {"0x1", "invalid syntax"},
                             {"9223372036854775808", "value out of range"},
                             {"99999999999999999999999", "value out of range"}};
  for (const Case& c : kCases) {
    Query query("n=" + std::string(c.value));
    EXPECT_EQ(query.Int("n"), 0);
    EXPECT_EQ(query.error(), "Error decoding int for 'n': strconv.Atoi: parsing \"" +
                                 std::string(c.value) + "\": " + std::string(c.why));
  }
  Query quoted("n=%22%0a");
  (void)quoted.Uint64("n");
  EXPECT_EQ(quoted.error(),
            R"(Error decoding uint64 for 'n': strconv.ParseUint: parsing "\"\n": invalid syntax)");
}

TEST(Query, TheFirstMistakeStays) {
  Query query("a=x&b=y");
  (void)query.Bool("b");
  (void)query.Int("a");
  EXPECT_EQ(query.error(),
            "Error decoding boolean for 'b': strconv.ParseBool: parsing \"y\": invalid syntax");
}

}  // namespace
}  // namespace martlet::monitor
