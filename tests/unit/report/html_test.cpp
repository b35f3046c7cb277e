#include "report/html.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/line_chart.h"
#include "report/markup.h"
#include "report/ratio_plot.h"
#include "samples.h"

namespace martlet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kVoid[] = {"meta", "!DOCTYPE"};

/// Every tag closed by its own, attributes quoted: what a parser would have to repair fails.
void ExpectWellFormed(std::string_view page) {
  const size_t style = page.find("<style>");
  const size_t style_end = page.find("</style>");
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != page.npos; at = page.find('<', at + 1)) {
    if (style != page.npos && at > style && at < style_end) continue;
    const size_t end = page.find('>', at);
    ASSERT_NE(end, page.npos);
    std::string_view tag = page.substr(at + 1, end - at - 1);
    const bool closing = tag.starts_with('/');
    if (closing) tag.remove_prefix(1);
    if (tag.ends_with('/')) continue;
    const std::string name(tag.substr(0, tag.find(' ')));
    if (std::find(std::begin(kVoid), std::end(kVoid), name) != std::end(kVoid)) continue;
    if (!closing) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    ASSERT_EQ(open.back(), name) << page.substr(at < 200 ? 0 : at - 200, 300);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

void ExpectUniqueIds(const std::string& page) {
  std::set<std::string> seen;
  for (size_t at = page.find(" id=\""); at != page.npos; at = page.find(" id=\"", at + 1)) {
    const std::string id = page.substr(at + 5, page.find('"', at + 5) - at - 5);
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

ReportInput FullInput() {
  ReportInput input{.provenance = SampleProvenance(), .comparison = SampleComparison()};
  input.results = {SampleResult(1), SampleResult(2, 300)};
  return input;
}

TEST(HtmlReport, IsOnePageThatNeedsNothingElse) {
  const std::string page = HtmlReport(FullInput());
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  ExpectWellFormed(page);
  ExpectUniqueIds(page);
  for (const char* const outside :
       {"<script", "<link", "<img", "src=", "href=", "url(", "@import"}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(page, HasSubstr("@media print"));
}

TEST(HtmlReport, SaysWhereItComesFrom) {
  const std::string page = HtmlReport(FullInput());
  EXPECT_THAT(page, HasSubstr("<code>martlet bench pubsub --rate 100000 --size 128</code>"));
  EXPECT_THAT(page, HasSubstr("2026-01-31T12:00:00Z"));
  EXPECT_THAT(page, HasSubstr("<dt>CPU</dt><dd>Some CPU @ 2.00GHz</dd>"));
  EXPECT_THAT(page, HasSubstr("<h1>a and b compared</h1>"));
}

TEST(HtmlReport, IsTheSameEveryTime) {
  EXPECT_EQ(HtmlReport(FullInput()), HtmlReport(FullInput()));
}

TEST(HtmlReport, ShowsChartsAndTheirTables) {
  const std::string page = HtmlReport({.results = {SampleResult()}});
  for (const char* const title : {"Latency by percentile", "Cumulative distribution",
                                  "Messages a second", "Latency over time"}) {
    EXPECT_THAT(page, HasSubstr("<figcaption>" + std::string(title) + "</figcaption>"));
  }
  EXPECT_THAT(page, HasSubstr("<caption>Latency percentiles</caption>"));
  EXPECT_THAT(page, HasSubstr("<caption>Intervals</caption>"));
  EXPECT_THAT(page, HasSubstr("<desc id=\"run-1-percentiles-wide-d\">"));
  EXPECT_THAT(page, Not(HasSubstr("<caption>Summary</caption>"))) << "of one run";
}

TEST(HtmlReport, EscapesEverythingThatComesFromOutside) {
  const std::string evil = "<b a='1' c=\"2\">&\x01\xff";
  ReportInput input = FullInput();
  input.title = evil;
  input.provenance.command_line = input.provenance.version = input.provenance.date = evil;
  input.provenance.machine.cpu = evil;
  load::Result& result = input.results[0];
  result.plan.name = result.plan.subject = result.plan.queue = evil;
  result.server = {.name = evil, .version = evil, .language = evil, .url = evil};
  result.backend = evil;
  result.figures[0].label = result.figures[0].unit = evil;
  result.latencies[0].id = result.latencies[0].label = evil;
  result.faults = {.lost = 1, .named = {evil}};
  result.warnings = {evil};
  for (ComparedServer& server : input.comparison->servers) {
    server = {evil, evil, evil, evil, evil, evil};
  }
  for (ComparedScenario& scenario : input.comparison->scenarios) {
    scenario.name = evil;
    scenario.parameters = {{evil, evil}};
    scenario.faults = scenario.warnings = {evil};
    for (ComparedFigure& figure : scenario.figures) {
      figure.id = figure.label = figure.unit = evil;
      figure.verdict_texts.back() = evil;
    }
  }
  const std::string page = HtmlReport(input);
  EXPECT_THAT(page, Not(HasSubstr("<b a=")));
  EXPECT_THAT(page, Not(HasSubstr("c=\"2\"")));
  EXPECT_THAT(page, Not(HasSubstr("\xff")));
  EXPECT_THAT(page, HasSubstr("&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\ufffd\ufffd"));
  ExpectWellFormed(page);
}

TEST(HtmlReport, ToleratesEmptyInput) {
  const std::string page = HtmlReport({});
  ExpectWellFormed(page);
  EXPECT_THAT(page, HasSubstr("Nothing was measured."));
  const std::string empty_parts =
      HtmlReport({.results = {load::Result(), load::Result()}, .comparison = Comparison()});
  ExpectWellFormed(empty_parts);
  EXPECT_THAT(empty_parts, Not(HasSubstr("<figure")));
}

TEST(HtmlReport, ShowsASeriesOfOnePoint) {
  load::Result result = SampleResult(3, 50, 1);
  result.intervals.resize(1);
  const std::string page = HtmlReport({.results = {result}});
  ExpectWellFormed(page);
  EXPECT_THAT(page, HasSubstr("r=\"4\""));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(HtmlReport, ShowsHugeAndTinyValues) {
  load::Result result = SampleResult();
  result.figures[0].value = 1e300;
  result.figures[1].value = 1e-300;
  result.latencies[0].histogram.Clear();
  result.latencies[0].histogram.Record(0);
  result.latencies[0].histogram.Record(INT64_MAX);
  result.intervals[0].messages = UINT64_MAX;
  result.intervals[1].seconds = 0;
  const std::string page = HtmlReport({.results = {result}});
  ExpectWellFormed(page);
  for (const char* const wrong : {"nan", "\"inf", "-inf"}) EXPECT_THAT(page, Not(HasSubstr(wrong)));
}

TEST(HtmlReport, ComparisonShowsVerdicts) {
  const std::string page = HtmlReport({.comparison = SampleComparison()});
  ExpectWellFormed(page);
  ExpectUniqueIds(page);
  EXPECT_THAT(page, HasSubstr("<td class=\"verdict better\">faster by 3.1x ("));
  EXPECT_THAT(page, HasSubstr("<td class=\"verdict same\">no difference seen ("));
  EXPECT_THAT(page, HasSubstr("<td class=\"verdict worse\">more by "));
  EXPECT_THAT(page, HasSubstr("Every round"));
}

TEST(RatioScale, ReachesAsFarAsItMust) {
  EXPECT_EQ(RatioScale(Comparison()).reach(), 1.25);
  EXPECT_EQ(RatioScale(SampleComparison()).reach(), 5);
  Comparison comparison{.servers = {{.label = "a"}, {.label = "b"}}, .scenarios = {{}}};
  comparison.scenarios[0].figures = {{.rounds = {{1}, {1e9}}}};
  FillFigures(comparison);
  const RatioScale scale(comparison);
  EXPECT_EQ(scale.reach(), 1000);
  EXPECT_THAT(scale.Svg(comparison.scenarios[0].figures[0], 1), Not(HasSubstr("nan")));
}

TEST(RatioScale, RightIsBetterWhicheverWayTheFigureCounts) {
  ComparedFigure more{.rounds = {{1, 1}, {2, 2}}};
  ComparedFigure less{.higher_is_better = false, .rounds = {{2, 2}, {1, 1}}};
  FillFigure(more);
  FillFigure(less);
  const RatioScale scale{Comparison()};
  const std::string right = "<circle class=\"dot better\" cx=\"91.00%\"";
  EXPECT_THAT(scale.Svg(more, 1), HasSubstr(right));
  EXPECT_THAT(scale.Svg(less, 1), HasSubstr(right));
}

TEST(LineChart, WithoutPointsIsLeftOut) {
  EXPECT_EQ(LineChartHtml({.id = "x", .series = {{.label = "none"}}}), "");
}

TEST(Table, EscapesItsCells) {
  Table table("a<b");
  table.Head({"x", "<y>"});
  table.Row({"&", "\""});
  EXPECT_THAT(table.Html(), HasSubstr("<th scope=\"row\">&amp;</th><td>&quot;</td>"));
  EXPECT_THAT(table.Html(), HasSubstr("<caption>a&lt;b</caption>"));
  EXPECT_THAT(table.Html(), HasSubstr("<th scope=\"col\">&lt;y&gt;</th>"));
}

}  // namespace
}  // namespace martlet::report
