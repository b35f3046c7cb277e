#include "cli/body_template.h"

#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace martlet::cli {
namespace {

std::string Expanded(std::string_view text) {
  const auto expanded = ExpandTemplate(text, {.count = 7, .request = "why"});
  EXPECT_TRUE(expanded.ok()) << expanded.status();
  return expanded.ok() ? *expanded : "";
}

std::string ErrorOf(std::string_view text, std::string_view request = "") {
  const auto expanded = ExpandTemplate(text, {.count = 7, .request = request});
  EXPECT_FALSE(expanded.ok()) << text;
  return std::string(expanded.status().message());
}

bool Matches(std::string_view text, const char* pattern) {
  return std::regex_match(Expanded(text), std::regex(pattern));
}

TEST(ExpandTemplate, LeavesPlainTextAlone) {
  EXPECT_EQ(Expanded(""), "");
  EXPECT_EQ(Expanded("{a} }} {\"b\":{}}"), "{a} }} {\"b\":{}}");
}

TEST(ExpandTemplate, PutsValuesInTheirPlaces) {
  EXPECT_EQ(Expanded("{{Count}}-{{ .Count }}-{{Cnt}}{{.Cnt}}"), "7-7-77");
  EXPECT_EQ(Expanded("{{Request}} {{.Request}}?"), "why why?");
  EXPECT_EQ(Expanded("a \n {{- Count -}} \t b"), "a7b");
}

TEST(ExpandTemplate, KnowsTimesAndIds) {
  EXPECT_TRUE(Matches("{{Unix}} {{UnixNano}}", "\\d{10} \\d{19}"));
  EXPECT_TRUE(
      Matches("{{TimeStamp}}", "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(Z|[+-]\\d\\d:\\d\\d)"));
  EXPECT_TRUE(Matches("{{Time}}", "1?\\d:\\d\\d[AP]M"));
  EXPECT_TRUE(Matches("{{ID}}", "[0-9A-Za-z]{22}"));
  EXPECT_NE(Expanded("{{ID}}"), Expanded("{{ID}}"));
}

TEST(ExpandTemplate, RandomTextHasItsLength) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(Matches("{{Random 10 20}}", "[0-9A-Za-z]{10,19}"));
    EXPECT_TRUE(Matches("{{ Random 3 3 }}", "[0-9A-Za-z]{3}"));
    EXPECT_TRUE(Matches("{{Random 4 2}}", "[0-9A-Za-z]{2,3}"));
  }
  EXPECT_EQ(Expanded("{{Random 0 0}}"), "");
}

TEST(ExpandTemplate, ErrorsReadLikeGos) {
  EXPECT_EQ(ErrorOf("a {{Count"), "template: body:1: unclosed action");
  EXPECT_EQ(ErrorOf("\n{{Bad}}"), "template: body:2: function \"Bad\" not defined");
  EXPECT_EQ(ErrorOf("{{Request}}"), "template: body:1: function \"Request\" not defined");
  EXPECT_EQ(ErrorOf("{{.Bad}}"), "template: body:1: can't evaluate field Bad");
  EXPECT_EQ(ErrorOf("{{}}"), "template: body:1: missing value for command");
  EXPECT_EQ(ErrorOf("{{Random 1}}"),
            "template: body:1: wrong number of args for Random: want 2 got 1");
  EXPECT_EQ(ErrorOf("{{Random 1 x}}"), "template: body:1: Random: \"x\" is no length");
  EXPECT_EQ(ErrorOf("{{Count 1}}"),
            "template: body:1: wrong number of args for Count: want 0 got 1");
}

}  // namespace
}  // namespace martlet::cli
