#include "compare/collect.h"

#include <gtest/gtest.h>

namespace martlet::compare {
namespace {

load::Result ResultOf(double rate, double cpu_us) {
  load::Result result;
  result.figures.push_back({"deliveries_per_second", "deliveries", rate, "1/s", true, true});
  result.figures.push_back({"server_cpu_per_delivery", "server CPU", cpu_us, "us", false, true});
  load::Latency& latency = result.latencies.emplace_back();
  latency.id = "intended";
  latency.histogram.Record(1000);
  result.server_known = true;
  result.server_cpu_share = 1.0;
  result.client_cpu_share = 0.5;
  return result;
}

Measured MeasuredOf(double rate, double cpu_us = 1) {
  Measured measured;
  measured.result = ResultOf(rate, cpu_us);
  return measured;
}

Collector TwoServers(size_t rounds) { return Collector("pub-16", {"a", "b"}, rounds); }

/// Ten times as fast, in rounds that differ by a percent.
Collector TenTimes(size_t rounds) {
  Collector collector = TwoServers(rounds);
  for (size_t round = 0; round < rounds; ++round) {
    const double drift = 1 + 0.01 * static_cast<double>(round);
    collector.Add(0, round, MeasuredOf(1e6 * drift, 2 * drift));
    collector.Add(1, round, MeasuredOf(1e7 * drift, 0.2 * drift));
  }
  return collector;
}

/// What RunComparison makes of a scenario.
report::ComparedScenario Judged(const Collector& collector) {
  report::Comparison comparison;
  comparison.scenarios.push_back(collector.Finish(load::Plan()));
  report::FillFigures(comparison);
  collector.MarkClientBound(comparison.scenarios[0]);
  return comparison.scenarios[0];
}

bool Has(const std::vector<std::string>& texts, std::string_view part) {
  for (const std::string& text : texts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

TEST(Collector, PutsFiguresSideBySide) {
  const report::ComparedScenario scenario = Judged(TenTimes(5));
  EXPECT_EQ(scenario.rounds, 5u);
  ASSERT_EQ(scenario.figures.size(), 2u);
  const report::ComparedFigure& rate = scenario.figures[0];
  EXPECT_EQ(rate.id, "deliveries_per_second");
  ASSERT_EQ(rate.rounds.size(), 2u);
  EXPECT_EQ(rate.rounds[0].size(), 5u);
  ASSERT_EQ(rate.verdicts.size(), 2u);
  EXPECT_EQ(rate.verdicts[1], measure::Verdict::kBBetter);
  EXPECT_NEAR(rate.ratios[1].estimate, 10, 0.01);
  EXPECT_NEAR(rate.spreads[0].median, 1.02e6, 1);
  EXPECT_EQ(scenario.figures[1].verdicts[1], measure::Verdict::kBBetter);
  EXPECT_FALSE(scenario.figures[1].higher_is_better);
}

TEST(Collector, ParametersAreThoseThatAllRunsShare) {
  const report::ComparedScenario scenario = TenTimes(1).Finish(load::Plan());
  ASSERT_FALSE(scenario.parameters.empty());
  EXPECT_EQ(scenario.parameters[0], std::make_pair(std::string("id"), std::string("pub-16")));
  for (const auto& [name, value] : scenario.parameters) {
    EXPECT_NE(name, "server");
    EXPECT_NE(name, "seed");
  }
}

TEST(Collector, MergesLatencies) {
  const report::ComparedScenario scenario = TenTimes(4).Finish(load::Plan());
  ASSERT_EQ(scenario.latencies.size(), 2u);
  ASSERT_EQ(scenario.latencies[1].size(), 1u);
  EXPECT_EQ(scenario.latencies[1][0].id, "intended");
  EXPECT_EQ(scenario.latencies[1][0].histogram.count(), 4u);
}

TEST(Collector, CountsOnlyRoundsThatAllServersCompleted) {
  Collector collector = TwoServers(3);
  collector.Add(0, 0, MeasuredOf(1));
  collector.Add(1, 0, MeasuredOf(1));
  collector.Add(0, 1, MeasuredOf(1));
  EXPECT_FALSE(collector.failed());
  collector.Fail(1, 1, "messages: 2 lost");
  EXPECT_TRUE(collector.failed());
  const report::ComparedScenario scenario = collector.Finish(load::Plan());
  EXPECT_EQ(scenario.rounds, 1u);
  EXPECT_EQ(scenario.faults, std::vector<std::string>{"b, round 2: messages: 2 lost"});
}

TEST(Collector, WithoutAnyCompleteRoundThereAreNoFigures) {
  Collector collector = TwoServers(3);
  collector.Add(0, 0, MeasuredOf(1));
  collector.Fail(1, 0, "refused");
  const report::ComparedScenario scenario = collector.Finish(load::Plan());
  EXPECT_TRUE(scenario.figures.empty());
  EXPECT_EQ(scenario.faults.size(), 1u);
}

TEST(Collector, LeavesOutWhatSomeRunLacks) {
  Collector collector = TwoServers(1);
  collector.Add(0, 0, MeasuredOf(1));
  Measured remote = MeasuredOf(2);
  remote.result.figures.pop_back();
  collector.Add(1, 0, remote);
  const report::ComparedScenario scenario = collector.Finish(load::Plan());
  EXPECT_EQ(scenario.figures.size(), 1u);
  EXPECT_TRUE(Has(scenario.warnings, "server CPU: not measured in every run"));
}

TEST(Collector, NamesEachWarningOnceWithItsRounds) {
  Collector collector = TwoServers(3);
  for (size_t round = 0; round < 3; ++round) {
    Measured warned = MeasuredOf(1);
    warned.result.warnings.push_back("clock stepped by " + std::to_string(round) + " us");
    warned.tries = 2;
    collector.Add(0, round, warned);
    Measured disturbed = MeasuredOf(1);
    disturbed.disturbed = round == 1;
    disturbed.other_cores = 0.25;
    disturbed.tries = 4;
    collector.Add(1, round, disturbed);
  }
  const report::ComparedScenario scenario = collector.Finish(load::Plan());
  EXPECT_EQ(scenario.repeated, 12u);
  EXPECT_EQ(
      scenario.warnings,
      (std::vector<std::string>{"a, 3 rounds: clock stepped by 0 us",
                                "b, round 2: disturbed: others used 0.25 cores, after 4 tries"}));
}

TEST(Collector, MarksThroughputWhereTheClientWasTheLimit) {
  Collector collector = TwoServers(1);
  collector.Add(0, 0, MeasuredOf(1));
  Measured bound = MeasuredOf(2);
  bound.client_bound = true;
  collector.Add(1, 0, bound);
  const report::ComparedScenario scenario = Judged(collector);
  ASSERT_EQ(scenario.figures.size(), 2u);
  EXPECT_NE(scenario.figures[0].verdict_texts[1].find("client-bound: compare CPU per message"),
            std::string::npos);
  EXPECT_EQ(scenario.figures[1].verdict_texts[1].find("client-bound"), std::string::npos);
  EXPECT_TRUE(Has(scenario.warnings, "b, round 1: client-bound"));
}

TEST(ClientBound, NeedsABusyClientAndAnIdleServer) {
  load::Result result = ResultOf(1, 1);
  result.client_cpu_share = 0.95;
  result.server_cpu_share = 0.60;
  EXPECT_TRUE(ClientBound(result, 1));
  EXPECT_TRUE(ClientBound(result, 0));
  result.server_cpu_share = 0.95;
  EXPECT_FALSE(ClientBound(result, 1));
  EXPECT_TRUE(ClientBound(result, 2)) << "half of its two CPUs were left";
  result.server_cpu_share = 0.60;
  result.client_cpu_share = 0.85;
  EXPECT_FALSE(ClientBound(result, 1));
}

TEST(ClientBound, IsNoQuestionAtAGivenRateOrWithoutTheServersUse) {
  load::Result result = ResultOf(1, 1);
  result.client_cpu_share = 1;
  result.server_cpu_share = 0.1;
  result.plan.rate = 1000;
  EXPECT_FALSE(ClientBound(result, 1));
  result.plan.rate = 0;
  result.server_known = false;
  EXPECT_FALSE(ClientBound(result, 1));
}

TEST(FaultText, CountsAndNames) {
  EXPECT_EQ(FaultText({}), "");
  EXPECT_EQ(FaultText({.lost = 2, .corrupted = 1, .named = {"x lost", "y lost"}}),
            "messages: 2 lost, 1 corrupted: x lost; y lost");
}

}  // namespace
}  // namespace martlet::compare
