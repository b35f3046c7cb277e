// JSON, CSV and HdrHistogram text of runs.
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/csv.h"
#include "report/hdr.h"
#include "report/json.h"
#include "samples.h"

namespace martlet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

load::Result SmallResult() {
  load::Result result = SampleResult();
  result.plan.name = "a, \"b\"";
  result.latencies.resize(1);
  result.latencies[0].histogram.Clear();
  result.latencies[0].histogram.Record(1500, 3);
  result.latencies[0].histogram.Record(5000);
  result.intervals.resize(1);
  return result;
}

TEST(ResultsJson, BeginsWithSchemaAndProvenance) {
  EXPECT_TRUE(
      ResultsJson(SampleProvenance(), {})
          .starts_with(
              R"({"schema":"martlet-bench/1","version":"martlet 0.1.0","date":"2026-01-31T12:00:00Z",)"
              R"("command_line":"martlet bench pubsub --rate 100000 --size 128",)"
              R"("machine":{"cpu":"Some CPU @ 2.00GHz","cpus":2,)"));
  EXPECT_TRUE(ResultsJson(SampleProvenance(), {}).ends_with("\"results\":[]}\n"));
}

TEST(ResultsJson, HoldsFiguresAndLatencies) {
  const std::vector<load::Result> results = {SmallResult()};
  const std::string json = ResultsJson(SampleProvenance(), results);
  EXPECT_THAT(json, HasSubstr(R"({"name":"a, \"b\"","parameters":{"scenario":)"));
  EXPECT_THAT(json,
              HasSubstr(R"({"id":"server_cpu_per_delivery","label":"server CPU per delivery",)"
                        R"("value":0.4127,"unit":"us","higher_is_better":false,)"
                        R"("compared":true})"));
  EXPECT_THAT(json, HasSubstr(R"({"id":"intended","label":"latency from the intended send time",)"
                              R"("unit":"ns","count":4,"clamped":0,"min":1500,"max":5003,)"));
  EXPECT_THAT(json, HasSubstr(R"("percentiles":{"p50":1500,"p75":1500,"p90":5003,)"));
  EXPECT_THAT(json, HasSubstr(R"("digits":3,"buckets":[[1500,3],[5003,1]]})"));
  EXPECT_THAT(json, HasSubstr(R"("faults":{"lost":0,"duplicated":0,"reordered":0,"corrupted":0,)"
                              R"("named":[]},"warnings":[]})"));
  EXPECT_THAT(json, HasSubstr(R"("process":{"pid":4711,"cpu_share":0.413,)"));
}

TEST(ResultsJson, WhatIsNotKnownIsNull) {
  load::Result result;
  result.figures = {{"x", "x", std::numeric_limits<double>::quiet_NaN(), ""}};
  const std::vector<load::Result> results = {result};
  const std::string json = ResultsJson(Provenance(), results);
  EXPECT_THAT(json, HasSubstr(R"("value":null)"));
  EXPECT_THAT(json, HasSubstr(R"("process":null)"));
  EXPECT_THAT(json, Not(HasSubstr("nan")));
}

TEST(ResultsCsv, HasARowForEachNumber) {
  const std::vector<load::Result> results = {SmallResult(), SmallResult()};
  const std::string csv = ResultsCsv(results);
  EXPECT_TRUE(csv.starts_with("result,name,kind,id,value,unit\n1,\"a, \"\"b\"\"\",parameter,"))
      << csv.substr(0, 200);
  const std::string prefix = "2,\"a, \"\"b\"\"\",";
  EXPECT_THAT(csv, HasSubstr("\n" + prefix + "figure,server_cpu_per_delivery,0.4127,us\n"));
  EXPECT_THAT(csv, HasSubstr("\n" + prefix + "latency,intended.count,4,\n"));
  EXPECT_THAT(csv, HasSubstr("\n" + prefix + "latency,intended.p99.9,5003,ns\n"));
  EXPECT_THAT(csv, HasSubstr("\n" + prefix + "latency,intended.max,5003,ns\n"));
  EXPECT_THAT(csv, HasSubstr("\n" + prefix + "fault,lost,0,\n"));
}

TEST(ResultsCsv, OfNothingIsAHeader) {
  EXPECT_EQ(ResultsCsv({}), "result,name,kind,id,value,unit\n");
}

TEST(AppendCsvText, QuotesWhereItMust) {
  const auto quoted = [](std::string_view text) {
    std::string out;
    AppendCsvText(text, out);
    return out;
  };
  EXPECT_EQ(quoted(""), "");
  EXPECT_EQ(quoted("plain text"), "plain text");
  EXPECT_EQ(quoted("a,b"), "\"a,b\"");
  EXPECT_EQ(quoted("a\"b\nc"), "\"a\"\"b\nc\"");
  EXPECT_EQ(quoted("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
}

TEST(AppendCsvNumber, LeavesOutWhatIsNone) {
  std::string out;
  AppendCsvNumber(std::numeric_limits<double>::infinity(), out);
  EXPECT_EQ(out, "");
  AppendCsvNumber(1.5, out);
  EXPECT_EQ(out, "1.5");
}

TEST(HdrText, IsTheHistogramsInMicroseconds) {
  const load::Result result = SmallResult();
  const std::string text = HdrText(result.latencies[0]);
  EXPECT_TRUE(
      text.starts_with("       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
                       "       1.500 0.000000000000          3           1.00\n"))
      << text;
}

TEST(HdrFileName, NamesTheLatency) {
  EXPECT_EQ(HdrFileName("out.hgrm", {.id = "intended"}), "out-intended.hgrm");
  EXPECT_EQ(HdrFileName("out", {.id = "../x y"}), "out-___x_y.hgrm");
}

}  // namespace
}  // namespace martlet::report
