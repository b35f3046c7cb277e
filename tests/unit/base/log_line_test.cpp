#include "base/log_line.h"

#include <cstdlib>
#include <ctime>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

// 2024-02-29 23:59:58 UTC.
constexpr timespec kAt = {1709251198, 7'008'009};

std::string Text(const LineStyle& style, const LogLine& line) {
  std::string out;
  LineFormatter(style).Append(line, out);
  return out.substr(out.find(' ') + 1);  // the pid is another test's
}

std::string Json(const LogLine& line) {
  std::string out;
  JsonLines().Append(line, out);
  return out;
}

// The zone of the process for the length of a test.
class Zone {
 public:
  explicit Zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;
};

TEST(LineFormatter, TextIsInLocalTimeOrUtc) {
  const Zone zone("XYZ-5:30");
  const LogLine line{kAt, LogLevel::kInfo, "x"};
  EXPECT_EQ(Text({}, line), "2024/03/01 05:29:58.007008 [INF] x\n");
  EXPECT_EQ(Text({.utc = true}, line), "2024/02/29 23:59:58.007008 [INF] x\n");
  EXPECT_EQ(Text({.timestamps = false}, line), "[INF] x\n");
}

TEST(LineFormatter, ColoursAreTheReferences) {
  const LineStyle style{.timestamps = false, .colours = true};
  const auto label = [&](LogLevel level) { return Text(style, {kAt, level, ""}); };
  EXPECT_EQ(label(LogLevel::kInfo), "[\x1b[32mINF\x1b[0m] \n");
  EXPECT_EQ(label(LogLevel::kDebug), "[\x1b[36mDBG\x1b[0m] \n");
  EXPECT_EQ(label(LogLevel::kWarning), "[\x1b[0;93mWRN\x1b[0m] \n");
  EXPECT_EQ(label(LogLevel::kError), "[\x1b[31mERR\x1b[0m] \n");
  EXPECT_EQ(label(LogLevel::kFatal), "[\x1b[31mFTL\x1b[0m] \n");
  EXPECT_EQ(label(LogLevel::kTrace), "[\x1b[33mTRC\x1b[0m] \n");
}

TEST(LineFormatter, NoticesAreInLocalTimeAndEndWithCrLf) {
  const Zone zone("XYZ-5:30");
  std::string out;
  LineFormatter({.utc = true}).AppendNotice({kAt, LogLevel::kInfo, "Rotated"}, out);
  EXPECT_EQ(out,
            "[" + std::to_string(::getpid()) + "] 2024/03/01 05:29:58.007008 [INF] Rotated\r\n");
}

TEST(LineFormatter, SecondsAreMadeReadableAnew) {
  LineFormatter formatter({.utc = true});
  std::string out;
  for (const time_t more : {0, 0, 1, 2}) {
    formatter.Append({{kAt.tv_sec + more, 0}, LogLevel::kInfo, ""}, out);
  }
  EXPECT_NE(out.find("23:59:59.000000"), std::string::npos);
  EXPECT_NE(out.find("2024/03/01 00:00:00.000000"), std::string::npos);
}

// The schema that docs/logs.md promises, in whatever zone.
TEST(JsonLines, HasTimeLevelPidAndMessageInThisOrder) {
  const Zone zone("XYZ-5:30");
  const std::string pid = std::to_string(::getpid());
  EXPECT_EQ(Json({kAt, LogLevel::kInfo, "Server is ready"}),
            R"({"time":"2024-02-29T23:59:58.007008009Z","level":"info","pid":)" + pid +
                R"(,"msg":"Server is ready"})"
                "\n");
}

TEST(JsonLines, LevelsAreWords) {
  const auto level = [](LogLevel which) {
    const std::string text = Json({kAt, which, ""});
    const size_t at = text.find("\"level\":\"") + 9;
    return text.substr(at, text.find('"', at) - at);
  };
  EXPECT_EQ(level(LogLevel::kInfo), "info");
  EXPECT_EQ(level(LogLevel::kDebug), "debug");
  EXPECT_EQ(level(LogLevel::kWarning), "warn");
  EXPECT_EQ(level(LogLevel::kError), "error");
  EXPECT_EQ(level(LogLevel::kFatal), "fatal");
  EXPECT_EQ(level(LogLevel::kTrace), "trace");
}

TEST(JsonLines, WhateverTheMessageItIsOneLineOfValidJson) {
  struct Case {
    std::string_view message, quoted;
  };
  const Case kCases[] = {
      {"", R"("")"},
      {"one\n", R"("one")"},
      {"a\nb\r\n", R"("a\nb\r")"},
      {R"(say "hi" \ bye)", R"("say \"hi\" \\ bye")"},
      {std::string_view("\0\x01\x1b\x7f\b\f\t", 7), R"("\u0000\u0001\u001b\u007f\b\f\t")"},
      {"<<- [PUB a&b 1]", R"("<<- [PUB a&b 1]")"},
      {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\""},
      {"bad \xff\xc3 end", R"("bad \ufffd\ufffd end")"},
  };
  for (const Case& c : kCases) {
    const std::string out = Json({kAt, LogLevel::kInfo, c.message});
    EXPECT_EQ(out.substr(out.find("\"msg\":") + 6), std::string(c.quoted) + "}\n");
  }
}

TEST(JsonLines, NoticesOfTheFileAreOrdinaryLines) {
  std::string line;
  std::string notice;
  LineFormatter formatter({.format = LogFormat::kJson, .timestamps = false, .colours = true});
  formatter.Append({kAt, LogLevel::kInfo, "x"}, line);
  formatter.AppendNotice({kAt, LogLevel::kInfo, "x"}, notice);
  EXPECT_EQ(line, notice);
  EXPECT_EQ(line, Json({kAt, LogLevel::kInfo, "x"}));
}

}  // namespace
}  // namespace martlet::base
