#include "report/comparison.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "samples.h"

namespace martlet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(FillFigure, JudgesEachServerByTheFirst) {
  ComparedFigure figure{
      .rounds = {SampleRounds(100, 1), SampleRounds(300, 2), SampleRounds(100, 3)}};
  FillFigure(figure);
  ASSERT_EQ(figure.spreads.size(), 3u);
  EXPECT_NEAR(figure.spreads[1].median, 300, 10);
  EXPECT_EQ(figure.verdicts[1], measure::Verdict::kBBetter);
  EXPECT_EQ(figure.verdicts[2], measure::Verdict::kNoDifference);
  EXPECT_EQ(figure.verdict_texts[0], "");
  EXPECT_TRUE(figure.verdict_texts[1].starts_with("faster by 3.0x (")) << figure.verdict_texts[1];
  FillFigure(figure);
  EXPECT_EQ(figure.spreads.size(), 3u) << "filling again changes nothing";
}

TEST(FillFigure, LeavesAloneWhatIsNotJudged) {
  ComparedFigure figure{.judged = false, .rounds = {{1, 2}, {10, 20}}};
  FillFigure(figure);
  EXPECT_EQ(figure.ratios[1].rounds, 0u);
  EXPECT_EQ(figure.verdict_texts[1], "");
}

TEST(FillFigure, SaysWhatCannotBeCompared) {
  ComparedFigure figure{.rounds = {{0, 2}, {10, 20}}};
  FillFigure(figure);
  EXPECT_EQ(figure.verdict_texts[1], "not comparable");
}

TEST(FillFigures, AsksForMoreTheMoreVerdictsThereAre) {
  Comparison comparison = SampleComparison();
  EXPECT_NEAR(comparison.confidence, 1 - 0.02 / 5, 1e-12);
  const double before = comparison.scenarios[0].figures[0].ratios[1].high;
  for (int i = 0; i < 10; ++i) comparison.scenarios.push_back(comparison.scenarios[0]);
  FillFigures(comparison);
  EXPECT_GT(comparison.scenarios[0].figures[0].ratios[1].high, before);
  Comparison empty;
  FillFigures(empty);
  EXPECT_EQ(empty.confidence, measure::kRatioConfidence);
}

// The promise to users: a server compared with itself over several figures is, in at least 19 of
// 20 tries, seen not to differ in any.
TEST(FillFigures, TellsAServerFromItselfInFewTries) {
  int differing = 0;
  constexpr int kTries = 300;
  for (uint64_t seed = 0; seed < kTries; ++seed) {
    Comparison comparison{.servers = {{.label = "a"}, {.label = "b"}}, .scenarios = {{}}};
    for (uint64_t i = 0; i < 10; ++i) {
      comparison.scenarios[0].figures.push_back(
          {.rounds = {SampleRounds(1000, seed * 100 + i),
                      SampleRounds(1000, seed * 100 + i + 50)}});
    }
    FillFigures(comparison);
    bool differs = false;
    for (const ComparedFigure& figure : comparison.scenarios[0].figures) {
      differs = differs || figure.verdicts[1] != measure::Verdict::kNoDifference;
    }
    if (differs) ++differing;
  }
  EXPECT_LE(differing, kTries / 20);
}

TEST(ComparisonText, PutsMediansAndVerdictsSideBySide) {
  const std::string text = ComparisonText(SampleComparison(), false);
  EXPECT_THAT(text, HasSubstr("a  nats-server 2.11.4 (go1.24.3): nats-server -p 4222\n"
                              "b  martlet 0.1.0 (c++20): nats://127.0.0.1:5222\n"));
  EXPECT_THAT(text, HasSubstr("\n1:1, 128 B, 7 rounds, 1 repeated\n"));
  EXPECT_THAT(text, HasSubstr("faster by 3.1x ("));
  EXPECT_THAT(text, HasSubstr("no difference seen ("));
  EXPECT_THAT(text, HasSubstr("  warning: a, round 3: the client is the bottleneck"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(ComparisonText(SampleComparison(), true), HasSubstr("\x1b[32mfaster by 3.1x ("));
}

TEST(ComparisonText, GivesEachOfSeveralServersALine) {
  Comparison comparison = SampleComparison();
  comparison.servers.push_back({.label = "third"});
  for (ComparedScenario& scenario : comparison.scenarios) {
    for (ComparedFigure& figure : scenario.figures) figure.rounds.push_back(figure.rounds[0]);
  }
  FillFigures(comparison);
  const std::string text = ComparisonText(comparison, false);
  EXPECT_THAT(text, HasSubstr("\n    b      faster by 3.1x ("));
  EXPECT_THAT(text, HasSubstr("\n    third  no difference seen (0.98-1.02)\n"));
}

TEST(ComparisonText, NamesFaults) {
  Comparison comparison = SampleComparison();
  EXPECT_FALSE(comparison.any_fault());
  comparison.scenarios[1].faults = {"b, round 3: 2 messages lost"};
  EXPECT_TRUE(comparison.any_fault());
  EXPECT_THAT(ComparisonText(comparison, false), HasSubstr("FAILED: b, round 3: 2 messages lost"));
}

TEST(ComparisonText, ToleratesAnEmptyComparison) {
  EXPECT_FALSE(ComparisonText(Comparison(), false).empty());
}

TEST(ComparisonJson, HoldsRoundsRatiosAndVerdicts) {
  const std::string json = ComparisonJson(SampleComparison());
  EXPECT_TRUE(json.starts_with(R"({"schema":"martlet-compare/1","version":"martlet 0.1.0",)"));
  EXPECT_THAT(json, HasSubstr(R"("seed":42,"seconds":321.5,"confidence":0.996,"servers":[{)"));
  EXPECT_THAT(json, HasSubstr(R"("ratio":{"estimate":3.)"));
  EXPECT_THAT(json, HasSubstr(R"("verdict":"better","verdict_text":"faster by 3.1x ()"));
  EXPECT_THAT(json, HasSubstr(R"("verdict":"no difference")"));
  EXPECT_TRUE(json.ends_with("\"warnings\":[]}\n"));
}

TEST(ComparisonJson, AnOpenEndedRatioHasANullBound) {
  Comparison comparison{.servers = {{.label = "a"}, {.label = "b"}}, .scenarios = {{}}};
  comparison.scenarios[0].figures = {{.id = "f", .rounds = {{1}, {2}}}};
  FillFigures(comparison);
  EXPECT_THAT(ComparisonJson(comparison),
              HasSubstr(R"("ratio":{"estimate":2,"low":0,"high":null,"rounds":1})"));
}

TEST(ComparisonMarkdown, HasARowForEachJudgedFigure) {
  const std::string text = ComparisonMarkdown(SampleComparison());
  EXPECT_THAT(text, HasSubstr("| Scenario | Figure | a | b |\n|"));
  EXPECT_THAT(text, HasSubstr("| 1:1, 128 B | deliveries per second | 1,"));
  EXPECT_THAT(text, HasSubstr(" /s<br>faster by 3."));
  EXPECT_THAT(text, Not(HasSubstr("messages sent"))) << "nobody is judged by it";
  EXPECT_THAT(text, HasSubstr("| a | 2.11.4 (go1.24.3) | `nats-server -p 4222` |\n"));
  EXPECT_THAT(text, HasSubstr("- request and reply, 16 B: a, round 3: the client is"));
}

TEST(ComparisonMarkdown, NoTextEndsItsCell) {
  Comparison comparison = SampleComparison();
  comparison.servers[0].label = "a|<b>\nc";
  comparison.scenarios[0].faults = {"b, round 1: 2 messages lost"};
  const std::string text = ComparisonMarkdown(comparison);
  EXPECT_THAT(text, HasSubstr("| Figure | a\\|\\<b>, c | b |\n"));
  EXPECT_THAT(text, HasSubstr("- FAILED, 1:1, 128 B: b, round 1: 2 messages lost\n"));
}

TEST(ComparisonCsv, HasARowPerRoundAndSummary) {
  Comparison comparison{.servers = {{.label = "a"}, {.label = "b"}}, .scenarios = {{.name = "s"}}};
  comparison.scenarios[0].figures = {{.id = "f", .unit = "us", .rounds = {{1, 1}, {2, 2}}}};
  FillFigures(comparison);
  const std::string csv = ComparisonCsv(comparison);
  EXPECT_TRUE(
      csv.starts_with("scenario,figure,unit,server,round,value\n"
                      "s,f,us,a,1,1\n"
                      "s,f,us,a,2,1\n"
                      "s,f,us,a,median,1\n"
                      "s,f,us,a,min,1\n"
                      "s,f,us,a,max,1\n"
                      "s,f,us,b,1,2\n"
                      "s,f,us,b,2,2\n"
                      "s,f,us,b,median,2\n"
                      "s,f,us,b,min,2\n"
                      "s,f,us,b,max,2\n"
                      "s,f,us,b,ratio,2\n"
                      "s,f,us,b,ratio_low,1.96"))
      << csv;
}

}  // namespace
}  // namespace martlet::report
