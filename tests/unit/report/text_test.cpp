#include "report/text.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "samples.h"

namespace martlet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PlanText, EchoesParameters) {
  load::Plan plan;
  plan.name = "my run";
  const std::string text = PlanText(plan, false);
  EXPECT_TRUE(text.starts_with("my run\n")) << text;
  for (const auto& [name, value] : load::PlanRows(plan)) {
    EXPECT_THAT(text, HasSubstr(name));
    EXPECT_THAT(text, HasSubstr(value));
  }
}

TEST(ResultText, AlignsFigures) {
  EXPECT_THAT(ResultText(SampleResult(), false),
              HasSubstr("  deliveries per second    99,998 /s\n"
                        "  payload delivered         12.21 MiB/s\n"
                        "  server CPU per delivery  0.4127 µs\n"
                        "  server memory, resident   23.50 MiB\n"));
}

TEST(ResultText, HasAColumnForEachLatency) {
  load::Result result = SampleResult();
  result.latencies[0].histogram.Clear();
  result.latencies[1].histogram.Clear();
  result.latencies[0].histogram.Record(12'000, 99);
  result.latencies[0].histogram.Record(1'050'000'000);
  EXPECT_THAT(ResultText(result, false), HasSubstr("  latency         intended        actual\n"
                                                   "  p50             12.01 µs            –\n"
                                                   "  p75             12.01 µs            –\n"
                                                   "  p90             12.01 µs            –\n"
                                                   "  p99             12.01 µs            –\n"
                                                   "  p99.9            1.05 s             –\n"));
}

TEST(ResultText, NamesFaultsAndWarnings) {
  load::Result result = SampleResult();
  EXPECT_THAT(ResultText(result, false), Not(HasSubstr("FAILED")));
  result.faults = {.lost = 1234, .corrupted = 1, .named = {"subscriber 2: message 4711 lost"}};
  result.warnings = {"the client is the bottleneck"};
  const std::string text = ResultText(result, false);
  EXPECT_THAT(text, HasSubstr("  warning: the client is the bottleneck\n"));
  EXPECT_THAT(text, HasSubstr("  FAILED: messages did not arrive as sent\n"
                              "  1,234 lost, 0 duplicated, 0 reordered, 1 corrupted\n"
                              "    subscriber 2: message 4711 lost\n"));
}

TEST(ResultText, SaysWhatTheServerUsed) {
  load::Result result = SampleResult();
  EXPECT_THAT(ResultText(result, false),
              HasSubstr("123,456 voluntary, 789 involuntary, 9 threads"));
  result.server_known = false;
  EXPECT_THAT(ResultText(result, false), HasSubstr("not on this machine, or not to be seen"));
}

TEST(ResultText, ColoursOnlyWhenAsked) {
  load::Result result = SampleResult();
  result.server.name = "evil\x1b[2J";
  EXPECT_THAT(ResultText(result, false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(ResultText(result, true), HasSubstr("\x1b[1m"));
  EXPECT_THAT(ResultText(result, true), HasSubstr("evil?[2J"));
}

TEST(ResultText, ToleratesAnEmptyResult) {
  EXPECT_THAT(ResultText(load::Result(), false), Not(HasSubstr("nan")));
}

TEST(IntervalLine, ShowsWhatIsKnown) {
  EXPECT_EQ(
      IntervalLine({.begin_seconds = 2, .seconds = 1, .messages = 1'234'567, .bytes = 1 << 20}),
      "    3.0 s    1,234,567 /s       1.0 MiB/s");
  EXPECT_EQ(
      IntervalLine({.begin_seconds = 0,
                    .seconds = 0.5,
                    .messages = 100,
                    .bytes = 0,
                    .server_cpu_seconds = 0.25,
                    .p50_ns = 12'000,
                    .p99_ns = 34'000,
                    .max_ns = 5'600'000}),
      "    0.5 s          200 /s       0.0 MiB/s   p50  12.00 µs   p99  34.00 µs   max   5.60 "
      "ms   server CPU  50 %");
  EXPECT_EQ(IntervalLine({}), "    0.0 s            0 /s       0.0 MiB/s");
}

}  // namespace
}  // namespace martlet::report
