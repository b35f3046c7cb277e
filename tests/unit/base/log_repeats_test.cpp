#include "base/log_repeats.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

using std::chrono::milliseconds;

// What would stand in the log.
class Written {
 public:
  void Line(int at_ms, const std::string& text, LogLevel level = LogLevel::kInfo) {
    const LogLine line{At(at_ms), level, text};
    if (repeats.Count(line)) return;
    Take();
    lines.push_back(text);
    repeats.Remember(line);
  }
  void Take() {
    if (const std::optional<LogLine> said = repeats.Take()) lines.emplace_back(said->text);
  }
  static timespec At(int ms) { return {1000 + ms / 1000, ms % 1000 * 1'000'000L}; }

  LogRepeats repeats;
  std::vector<std::string> lines;
};

using Lines = std::vector<std::string>;

TEST(LogRepeats, TheFirstIsWrittenTheOthersAreCounted) {
  Written log;
  for (int i = 0; i < 5; ++i) log.Line(i, "x");
  EXPECT_EQ(log.lines, Lines({"x"}));
  log.Line(5, "y");
  EXPECT_EQ(log.lines, Lines({"x", "repeated 4 times: x", "y"}));
}

TEST(LogRepeats, OneRepeatIsWrittenAsItIs) {
  Written log;
  log.Line(0, "x");
  log.Line(1, "x");
  log.Line(2, "y");
  EXPECT_EQ(log.lines, Lines({"x", "x", "y"}));
}

TEST(LogRepeats, LinesInBetweenAreNeitherHiddenNorMoved) {
  Written log;
  for (const char* text : {"a", "b", "a", "b", "b", "b", "a"}) log.Line(0, text);
  log.Take();
  EXPECT_EQ(log.lines, Lines({"a", "b", "a", "b", "repeated 2 times: b", "a"}));
}

TEST(LogRepeats, TheSecondBeginsWithTheLineThatWasWritten) {
  Written log;
  for (int at = 0; at < 3000; at += 100) log.Line(at, "x");
  log.Take();
  const std::string nine = "repeated 9 times: x";
  EXPECT_EQ(log.lines, Lines({"x", nine, "x", nine, "x", nine}));
}

TEST(LogRepeats, AnotherLevelIsAnotherLine) {
  Written log;
  log.Line(0, "x", LogLevel::kInfo);
  log.Line(0, "x", LogLevel::kError);
  EXPECT_EQ(log.lines, Lines({"x", "x"}));
}

TEST(LogRepeats, TracesAndLongLinesNeverCount) {
  Written log;
  const std::string longest(LogRepeats::kTextBytesMax, 'x');
  for (int i = 0; i < 3; ++i) log.Line(0, "t", LogLevel::kTrace);
  EXPECT_EQ(log.lines, Lines(3, "t"));
  log.lines.clear();
  for (int i = 0; i < 3; ++i) log.Line(0, longest + "x");
  EXPECT_EQ(log.lines, Lines(3, longest + "x"));
  log.lines.clear();
  for (int i = 0; i < 3; ++i) log.Line(0, longest);
  EXPECT_EQ(log.lines, Lines({longest}));
}

TEST(LogRepeats, ATraceEndsARun) {
  Written log;
  log.Line(0, "x");
  log.Line(0, "t", LogLevel::kTrace);
  log.Line(0, "x");
  EXPECT_EQ(log.lines, Lines({"x", "t", "x"}));
}

TEST(LogRepeats, TheCountCarriesTheTimeAndLevelOfTheLast) {
  LogRepeats repeats;
  repeats.Remember({Written::At(0), LogLevel::kWarning, "x"});
  for (const int at : {100, 200, 300}) {
    EXPECT_TRUE(repeats.Count({Written::At(at), LogLevel::kWarning, "x"}));
  }
  const std::optional<LogLine> said = repeats.Take();
  ASSERT_TRUE(said);
  EXPECT_EQ(said->level, LogLevel::kWarning);
  EXPECT_EQ(said->at.tv_nsec, 300'000'000);
}

TEST(LogRepeats, TheCountIsDueWhenTheSecondIsOver) {
  LogRepeats repeats;
  repeats.Remember({Written::At(0), LogLevel::kInfo, "x"});
  EXPECT_FALSE(repeats.due_in(Written::At(0)));
  ASSERT_TRUE(repeats.Count({Written::At(250), LogLevel::kInfo, "x"}));
  EXPECT_EQ(repeats.due_in(Written::At(250)), milliseconds(750));
  EXPECT_EQ(repeats.due_in(Written::At(1000)), milliseconds(0));
  EXPECT_EQ(repeats.due_in(Written::At(5000)), milliseconds(0));
  EXPECT_EQ(repeats.due_in(Written::At(-900'000)), milliseconds(1000));  // the clock was set back
  repeats.Take();
  EXPECT_FALSE(repeats.due_in(Written::At(5000)));
}

TEST(LogRepeats, AClockSetBackEndsTheRun) {
  Written log;
  log.Line(5000, "x");
  log.Line(4500, "x");  // two threads may differ by a little
  log.Line(0, "x");
  EXPECT_EQ(log.lines, Lines({"x", "x", "x"}));
}

}  // namespace
}  // namespace martlet::base
