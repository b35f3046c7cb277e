#include "report/number.h"

#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/go_text.h"

namespace martlet::report {
namespace {

TEST(Decimal, SeparatesThousands) {
  EXPECT_EQ(Decimal(0, 0), "0");
  EXPECT_EQ(Decimal(999, 0), "999");
  EXPECT_EQ(Decimal(1000, 0), "1,000");
  EXPECT_EQ(Decimal(1234567.891, 2), "1,234,567.89");
  EXPECT_EQ(Decimal(-1234, 0), "-1,234");
  EXPECT_EQ(Decimal(-0.001, 1), "0.0");
}

TEST(Decimal, ShowsADashForWhatIsNoNumber) {
  EXPECT_EQ(Decimal(std::numeric_limits<double>::quiet_NaN(), 2), "–");
  EXPECT_EQ(Decimal(std::numeric_limits<double>::infinity(), 2), "–");
}

TEST(Decimal, HoldsTheLargestNumber) {
  EXPECT_GT(Decimal(std::numeric_limits<double>::max(), 0).size(), 400u);
}

TEST(FigureText, KeepsFourDigits) {
  EXPECT_EQ(FigureText(5'890'123.4, "1/s"), "5,890,123 /s");
  EXPECT_EQ(FigureText(0.41273, "us"), "0.4127 µs");
  EXPECT_EQ(FigureText(312.46, "us"), "312.5 µs");
  EXPECT_EQ(FigureText(25'000, "us"), "25.00 ms");
  EXPECT_EQ(FigureText(1.5e6, "us"), "1.500 s");
  EXPECT_EQ(FigureText(1500, "ns"), "1.500 µs");
  EXPECT_EQ(FigureText(12.5, "%"), "12.50 %");
  EXPECT_EQ(FigureText(0, "1/s"), "0 /s");
  EXPECT_EQ(FigureText(1e-12, "s"), "0.000000000 s");
}

TEST(FigureText, ScalesBytes) {
  EXPECT_EQ(FigureText(512, "B"), "512 B");
  EXPECT_EQ(FigureText(10'240, "B"), "10.00 KiB");
  EXPECT_EQ(FigureText(24'641'536, "B"), "23.50 MiB");
  EXPECT_EQ(FigureText(0x1p31, "B"), "2.000 GiB");
  EXPECT_EQ(FigureText(0x1p21, "B/s"), "2.000 MiB/s");
}

TEST(FigureText, CountsHaveNoDecimals) {
  EXPECT_EQ(FigureText(7, ""), "7");
  EXPECT_EQ(FigureText(7.25, ""), "7.250");
}

TEST(Scale, ShowsOthersAsTheTypicalOne) {
  const Scale scale = ScaleFor(24'641'536, "B");
  EXPECT_EQ(scale.Text(24'641'536), "23.50 MiB");
  EXPECT_EQ(scale.Text(524'288), "0.50 MiB");
}

TEST(LatencyText, ChangesUnits) {
  EXPECT_EQ(LatencyText(0), "0.00 µs");
  EXPECT_EQ(LatencyText(12'345), "12.35 µs");
  EXPECT_EQ(LatencyText(1'234'567), "1.23 ms");
  EXPECT_EQ(LatencyText(2'500'000'000), "2.50 s ");
  EXPECT_EQ(LatencyText(INT64_MAX), "9,223,372,036.85 s ");
}

TEST(PercentText, ShowsSmallShares) {
  EXPECT_EQ(PercentText(0), "0 %");
  EXPECT_EQ(PercentText(0.004), "0.4 %");
  EXPECT_EQ(PercentText(0.37), "37 %");
  EXPECT_EQ(PercentText(2.5), "250 %");
}

TEST(Width, CountsCharacters) {
  EXPECT_EQ(Width(""), 0u);
  EXPECT_EQ(Width("12 µs"), 5u);
  EXPECT_EQ(PadLeft("µs", 4), "  µs");
  EXPECT_EQ(PadRight("µs", 4), "µs  ");
  EXPECT_EQ(PadLeft("long", 2), "long");
}

TEST(Printable, KeepsStrangersFromTheTerminal) {
  EXPECT_EQ(Printable("plain µ"), "plain µ");
  EXPECT_EQ(Printable("a\x1b[2Jb\nc"), "a?[2Jb?c");
  std::string turned = "\xff\xc2\x9b";
  base::AppendUtf8(0x202E, turned);
  EXPECT_EQ(Printable(turned + "."), "???.");
}

}  // namespace
}  // namespace martlet::report
