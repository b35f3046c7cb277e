#include "base/go_parse.h"

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

using std::chrono::nanoseconds;

std::string ErrorOf(std::string_view text) {
  const absl::StatusOr<nanoseconds> duration = ParseGoDuration(text);
  return duration.ok() ? "" : std::string(duration.status().message());
}

TEST(ParseGoDuration, AddsItsParts) {
  const std::pair<const char*, int64_t> kDurations[] = {
      {"0", 0},
      {"5s", 5'000'000'000},
      {"1h2m3s4ms5us6ns", 3'723'004'005'006},
      {"-1.5h", -5'400'000'000'000},
      {"+5s", 5'000'000'000},
      {".5s", 500'000'000},
      {"1.s", 1'000'000'000},
      {"2\xC2\xB5s", 2'000},
      {"2\xCE\xBCs", 2'000},
      {"0.3333333333333333333h", 1'200'000'000'000},
      {"9223372036854775807ns", INT64_MAX},
      {"-9223372036854775808ns", INT64_MIN},
  };
  for (const auto& [text, nanos] : kDurations) {
    const absl::StatusOr<nanoseconds> duration = ParseGoDuration(text);
    ASSERT_TRUE(duration.ok()) << text << ": " << duration.status();
    EXPECT_EQ(duration->count(), nanos) << text;
  }
}

TEST(ParseGoDuration, ErrorsReadAsGos) {
  EXPECT_EQ(ErrorOf(""), R"(time: invalid duration "")");
  EXPECT_EQ(ErrorOf("5"), R"(time: missing unit in duration "5")");
  EXPECT_EQ(ErrorOf("5d"), R"(time: unknown unit "d" in duration "5d")");
  EXPECT_EQ(ErrorOf("x"), R"(time: invalid duration "x")");
  EXPECT_EQ(ErrorOf("-"), R"(time: invalid duration "-")");
  EXPECT_EQ(ErrorOf(".s"), R"(time: invalid duration ".s")");
  EXPECT_EQ(ErrorOf("9223372036854775808ns"), R"(time: invalid duration "9223372036854775808ns")");
  EXPECT_EQ(ErrorOf("3000000h"), R"(time: invalid duration "3000000h")");
}

TEST(ParseGoInt, TakesDigitsWithASign) {
  EXPECT_EQ(ParseGoInt("42"), 42);
  EXPECT_EQ(ParseGoInt("-42"), -42);
  EXPECT_EQ(ParseGoInt("+42"), 42);
  for (const char* bad : {"", "+", "-", "+-1", "4x", " 4", "4 ", "0x4", "9223372036854775808"}) {
    EXPECT_EQ(ParseGoInt(bad), std::nullopt) << bad;
  }
}

TEST(SplitHostPort, KnowsBrackets) {
  EXPECT_EQ(SplitHostPort("a:1")->host, "a");
  EXPECT_EQ(SplitHostPort("a:1")->port, "1");
  EXPECT_EQ(SplitHostPort("[::1]:x")->host, "::1");
  EXPECT_EQ(SplitHostPort(":1")->host, "");
  EXPECT_EQ(SplitHostPort("a:")->port, "");
  for (const char* bad : {"", "a", "::1", "[::1]", "[::1", "a:b:c", "[a]b:1", "a]:1", "[a:1]"}) {
    EXPECT_EQ(SplitHostPort(bad).has_value(), false) << bad;
  }
}

}  // namespace
}  // namespace martlet::base
