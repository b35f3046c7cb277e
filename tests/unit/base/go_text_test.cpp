#include "base/go_text.h"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

using namespace std::string_view_literals;

// Expected texts are what Go 1.26 printed for the same input.
TEST(GoQuote, AgreesWithGo) {
  struct Case {
    std::string_view text;
    std::string_view quoted;
  };
  constexpr Case kCases[] = {
      {"", R"("")"},
      {"abc", R"("abc")"},
      {"\a\b\f\n\r\t\v\\\"'", R"("\a\b\f\n\r\t\v\\\"'")"},
      {"\xff\xc3(", R"("\xff\xc3(")"},
      {"\xc3", R"("\xc3")"},
      {"é世界😀", R"("é世界😀")"},
      {"\u00a0\u0085\u00ad\u200b\u2028\ufeff\ufffd", R"("\u00a0\u0085\u00ad\u200b\u2028\ufeff�")"},
      {"\x00\x1f\x7f"sv, R"("\x00\x1f\x7f")"},
      {"\ue000\U000F0000\U0010FFFF\ufdd0\ufffe", R"("\ue000\U000f0000\U0010ffff\ufdd0\ufffe")"},
      {"\xed\xa0\x80", R"("\xed\xa0\x80")"},
      {"\xc0\x80\xf5\x80\x80\x80", R"("\xc0\x80\xf5\x80\x80\x80")"},
      {"\u3000\u2003\U000E0001", R"("\u3000\u2003\U000e0001")"},
  };
  for (const Case& c : kCases) EXPECT_EQ(GoQuote(c.text), c.quoted);
}

TEST(GoDuration, AgreesWithGo) {
  struct Case {
    int64_t nanos;
    std::string_view text;
  };
  constexpr Case kCases[] = {
      {0, "0s"},
      {1, "1ns"},
      {999, "999ns"},
      {1000, "1µs"},
      {1100, "1.1µs"},
      {64'000, "64µs"},
      {1'000'000, "1ms"},
      {200'346'755, "200.346755ms"},
      {100'000'000, "100ms"},
      {1'000'000'000, "1s"},
      {1'500'000'000, "1.5s"},
      {10'000'001'000, "10.000001s"},
      {59'999'999'999, "59.999999999s"},
      {120'000'000'000, "2m0s"},
      {3'600'000'000'000, "1h0m0s"},
      {3'600'000'000'001, "1h0m0.000000001s"},
      {90'060'000'000'001, "25h1m0.000000001s"},
      {-1'500'000'000, "-1.5s"},
      {INT64_MAX, "2562047h47m16.854775807s"},
      {INT64_MIN, "-2562047h47m16.854775808s"},
  };
  for (const Case& c : kCases) EXPECT_EQ(GoDuration(std::chrono::nanoseconds(c.nanos)), c.text);
}

TEST(GoErrno, StartsSmall) {
  EXPECT_EQ(GoErrno(ENOENT), "no such file or directory");
  EXPECT_EQ(GoErrno(EADDRINUSE), "address already in use");
}

TEST(DecodeRune, UndoesAppendUtf8ForEveryRune) {
  std::string text;
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    text.clear();
    AppendUtf8(code, text);
    const Rune rune = DecodeRune(text);
    ASSERT_EQ(rune.code, code);
    ASSERT_EQ(rune.bytes, text.size());
    if (text.size() > 1) {
      ASSERT_EQ(DecodeRune(std::string_view(text).substr(0, text.size() - 1)).bytes, 1u);
    }
  }
}

TEST(GoTime, ShowsNoMoreDigitsThanThereAre) {
  constexpr int64_t kSecond = 1'000'000'000;
  EXPECT_EQ(GoTime(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(GoTime(1'700'000'000 * kSecond + 120'000'000), "2023-11-14T22:13:20.12Z");
  EXPECT_EQ(GoTime(1'700'000'000 * kSecond + 123'456'789), "2023-11-14T22:13:20.123456789Z");
  EXPECT_EQ(GoTime(1), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(GoTime(-1), "1969-12-31T23:59:59.999999999Z");
}

TEST(GoTime, TellsTheZoneWhenItIsNotUtc) {
  const char* const before = ::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TZ", "IST-05:30", 1);
  ::tzset();
  EXPECT_EQ(GoTime(0, false), "1970-01-01T05:30:00+05:30");
  ::setenv("TZ", "NST+03:30", 1);
  ::tzset();
  EXPECT_EQ(GoTime(500'000'000, false), "1969-12-31T20:30:00.5-03:30");
  EXPECT_EQ(GoTime(0), "1970-01-01T00:00:00Z");
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
  EXPECT_EQ(GoTime(0, false), "1970-01-01T00:00:00Z");
  if (before == nullptr) {
    ::unsetenv("TZ");
  } else {
    ::setenv("TZ", kept.c_str(), 1);
  }
  ::tzset();
}

}  // namespace
}  // namespace martlet::base
