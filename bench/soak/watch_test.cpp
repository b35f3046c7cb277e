#include "watch.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace martlet::soak {
namespace {

Reading With(uint64_t resident_bytes, uint64_t files = 9, unsigned threads = 3) {
  return {.resident_bytes = resident_bytes, .files = files, .threads = threads};
}

TEST(Judge, MemoryMayGrowByTheToleranceAndNoMore) {
  EXPECT_TRUE(Judge(With(1000), With(1010), 1).back());
  EXPECT_FALSE(Judge(With(1000), With(1011), 1).back());
  EXPECT_NEAR(Judge(With(1000), With(1011), 1).memory_percent, 1.1, 1e-9);
}

TEST(Judge, LessIsNeverWrong) { EXPECT_TRUE(Judge(With(1000, 9, 3), With(10, 8, 2), 1).back()); }

TEST(Judge, FilesAndThreadsMustBeBack) {
  EXPECT_FALSE(Judge(With(1000), With(1000, 10), 1).back());
  EXPECT_FALSE(Judge(With(1000), With(1000, 9, 4), 1).back());
}

TEST(Calm, NeedsSoManyEqualReadings) {
  EXPECT_FALSE(Calm({With(1), With(1)}, 3));
  EXPECT_FALSE(Calm({With(1), With(2), With(2)}, 3));
  EXPECT_TRUE(Calm({With(1), With(2), With(2), With(2)}, 3));
}

TEST(ReadingsCsv, HasALineForEach) {
  EXPECT_EQ(ReadingsCsv({With(5)}),
            "seconds,resident_bytes,files,threads,cpu_seconds\n0.000,5,9,3,0.000\n");
}

TEST(Read, KnowsThisProcess) {
  const auto reading = Read(getpid(), 1);
  ASSERT_TRUE(reading.has_value());
  EXPECT_GT(reading->resident_bytes, 0u);
  EXPECT_GE(reading->files, 3u);
  EXPECT_GE(reading->threads, 1u);
  EXPECT_FALSE(ReadMappings(getpid()).empty());
  EXPECT_FALSE(Read(-1, 1).has_value());
}

constexpr const char* kSmaps =
    "55d0-55d1 rw-p 00000000 00:00 0                          [heap]\n"
    "Size:                132 kB\n"
    "Rss:                  12 kB\n"
    "7f00-7f10 rw-p 00000000 00:00 0 \n"
    "Rss:                 100 kB\n";

TEST(ParseMappings, TakesNamesAndResidentMemory) {
  const auto mappings = ParseMappings(kSmaps);
  ASSERT_EQ(mappings.size(), 2u);
  EXPECT_EQ(mappings[0].name, "[heap]");
  EXPECT_EQ(mappings[0].resident_bytes, 12u << 10);
  EXPECT_EQ(mappings[1].range, "7f00-7f10");
  EXPECT_EQ(mappings[1].name, "");
}

TEST(Growth, NamesTheLargestFirst) {
  const auto before = ParseMappings(kSmaps);
  auto after = before;
  after[0].resident_bytes += 4 << 10;
  after[1].range = "7f00-7f20";  // it grew at its end
  after[1].resident_bytes += 8 << 10;
  after.push_back({"8000-8001", "", 1 << 10});
  const auto lines = Growth(before, after, 2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "8 KiB in 7f00-7f20 anonymous, now 108 KiB");
  EXPECT_EQ(lines[1], "4 KiB in 55d0-55d1 [heap], now 16 KiB");
  EXPECT_TRUE(Growth(after, before, 2).empty());
}

}  // namespace
}  // namespace martlet::soak
