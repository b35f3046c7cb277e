#include "config/transform.h"

#include <gtest/gtest.h>

namespace martlet::config {
namespace {

TEST(CheckMapping, AcceptsWhatTheReferenceDoes) {
  for (const auto& [source, destination] :
       std::initializer_list<std::pair<const char*, const char*>>{
           {"a", "b"},
           {"a.*", "b.$1"},
           {"a.*.*", "b.{{wildcard(2)}}.{{Wildcard( 1 )}}"},
           {"a.>", "b.>"},
           {"a.*", "b.{{partition(10,1)}}.$1"},
           {"a", "b.{{partition(3)}}"},
           {"a", "b.{{random(4)}}"},
           {"a.*", "b.{{split(1,-)}}"},
           {"a.*", "b.{{splitFromLeft(1,2)}}"},
           {"a.*", "b.$x"},
       }) {
    EXPECT_EQ(CheckMapping(source, destination), "") << source << " -> " << destination;
  }
}

TEST(CheckMapping, TellsWhatIsWrong) {
  EXPECT_EQ(CheckMapping("a.*", "b.$2"),
            "invalid mapping destination: wildcard index out of range in $2: [2]");
  EXPECT_EQ(CheckMapping("a", "b.$1"),
            "invalid mapping destination: wildcard index out of range in $1");
  EXPECT_EQ(CheckMapping("a.*", "b.{{wild(1)}}"),
            "invalid mapping destination: unknown function in {{wild(1)}}");
  EXPECT_EQ(CheckMapping("a.*", "b.{{wildcard()}}"),
            "invalid mapping destination: not enough arguments passed to the function in "
            "{{wildcard()}}");
  EXPECT_EQ(CheckMapping("a.>", "b"), "invalid subject");
  EXPECT_EQ(CheckMapping("a.*", "b.*"), "invalid subject");
}

TEST(CheckTransform, StrictOnesCanBeReversed) {
  EXPECT_EQ(CheckTransform("a.*.*", "b.$1.$2", true), "");
  EXPECT_EQ(CheckTransform("a.*.*", "b.$1", true),
            "invalid mapping destination: not using all of the token wildcard(s) in b.$1");
}

TEST(Filters, CollideWhereASubjectMatchesBoth) {
  EXPECT_TRUE(Collide("a.*", "a.b"));
  EXPECT_TRUE(Collide("a.>", "a.b.c"));
  EXPECT_TRUE(Collide("*.b", "a.*"));
  EXPECT_FALSE(Collide("a.b", "a.c"));
  EXPECT_FALSE(Collide("a", "a.b"));
}

TEST(Filters, CoverWhatIsNarrower) {
  EXPECT_TRUE(Covers("a.>", "a.b.*"));
  EXPECT_TRUE(Covers("a.*", "a.*"));
  EXPECT_FALSE(Covers("a.*", "a.>"));
  EXPECT_FALSE(Covers("a.b", "a.*"));
  EXPECT_EQ(WithPlaceholders("a.*.b.*"), "a.$1.b.$2");
}

}  // namespace
}  // namespace martlet::config
