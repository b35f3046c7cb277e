#include "compare/compare.h"

#include <algorithm>
#include <csignal>
#include <unistd.h>

#include <gtest/gtest.h>

#include "compare/placement.h"
#include "little_server.h"

namespace martlet::compare {
namespace {

constexpr uint16_t kPortA = 1;
constexpr uint16_t kPortB = 2;

/// Two servers that run already, two scenarios, three rounds; nothing waits.
Options TwoOfEach() {
  Options options;
  Server a{.label = "a", .command = {}, .target = {}, .cpus = {}};
  a.target.port = kPortA;
  Server b{.label = "b", .command = {}, .target = {}, .cpus = {}};
  b.target.port = kPortB;
  options.servers = {a, b};
  load::Plan publish;
  publish.scenario = load::Scenario::kPublish;
  options.scenarios = {{"pub-128", "", publish}, {"pubsub-1to1-128", "", load::Plan()}};
  options.rounds = 3;
  options.settle = std::chrono::milliseconds(0);
  options.measure_limit = false;
  options.disturbed_above_cores = 0.08;
  return options;
}

/// Stands in for load::Run: remembers the plans; b is twice as fast.
class FakeRun {
 public:
  absl::StatusOr<load::Result> operator()(const load::Plan& plan,
                                          const load::OnInterval& on_interval) {
    plans.push_back(plan);
    on_interval(load::Interval());
    load::Result result;
    result.plan = plan;
    result.server.version = "1." + std::to_string(plan.server.port);
    const double rate = plan.server.port == kPortB ? 2000 : 1000;
    result.figures.push_back({"messages_per_second", "messages", rate, "1/s", true, true});
    if (change) {
      const absl::Status status = change(plans.size(), result);
      if (!status.ok()) return status;
    }
    return result;
  }

  std::vector<load::Plan> plans;
  std::function<absl::Status(size_t number, load::Result&)> change;  // runs count from 1
};

absl::StatusOr<Outcome> RunWith(const Options& options, FakeRun& run,
                                const OnProgress& on_progress = nullptr) {
  return RunComparison(options, std::ref(run), on_progress);
}

bool AnyHas(const std::vector<std::string>& texts, std::string_view part) {
  return std::any_of(texts.begin(), texts.end(), [part](const std::string& text) {
    return text.find(part) != std::string::npos;
  });
}

TEST(RunComparison, RunsEverythingAndJudges) {
  FakeRun run;
  const absl::StatusOr<Outcome> outcome = RunWith(TwoOfEach(), run);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(run.plans.size(), 12u);
  const report::Comparison& comparison = outcome->comparison;
  ASSERT_EQ(comparison.servers.size(), 2u);
  EXPECT_EQ(comparison.servers[1].label, "b");
  EXPECT_EQ(comparison.servers[1].version, "1.2");
  EXPECT_EQ(comparison.servers[1].url, "nats://127.0.0.1:2");
  ASSERT_EQ(comparison.scenarios.size(), 2u);
  for (const report::ComparedScenario& scenario : comparison.scenarios) {
    EXPECT_EQ(scenario.rounds, 3u);
    ASSERT_EQ(scenario.figures.size(), 1u);
    EXPECT_EQ(scenario.figures[0].verdicts[1], measure::Verdict::kBBetter);
  }
  EXPECT_EQ(ExitStatus(*outcome, {}), kExitOk);
}

TEST(RunComparison, AsksEveryServerTheSame) {
  FakeRun run;
  ASSERT_TRUE(RunWith(TwoOfEach(), run).ok());
  for (size_t i = 0; i < run.plans.size(); i += 2) {
    EXPECT_EQ(run.plans[i].seed, run.plans[i + 1].seed);
    EXPECT_EQ(run.plans[i].scenario, run.plans[i + 1].scenario);
    EXPECT_NE(run.plans[i].server.port, run.plans[i + 1].server.port);
    EXPECT_EQ(run.plans[i].publish_server.port, run.plans[i].server.port);
  }
  EXPECT_NE(run.plans[0].seed, run.plans[2].seed);
}

TEST(RunComparison, FollowsFromItsSeed) {
  const auto order = [](uint64_t seed) {
    FakeRun run;
    Options options = TwoOfEach();
    options.seed = seed;
    EXPECT_TRUE(RunWith(options, run).ok());
    std::vector<uint64_t> out;
    for (const load::Plan& plan : run.plans) out.push_back(plan.seed + plan.server.port);
    return out;
  };
  EXPECT_EQ(order(3), order(3));
  EXPECT_NE(order(3), order(4));
}

TEST(RunComparison, RepeatsADisturbedRunAndKeepsTheQuietestTry) {
  FakeRun run;
  run.change = [](size_t number, load::Result& result) {
    if (number == 1) result.other_cpu_share = 1.0;
    if (number == 2) result.figures[0].value = 4242;
    return absl::OkStatus();
  };
  size_t disturbed = 0;
  const absl::StatusOr<Outcome> outcome = RunWith(TwoOfEach(), run, [&](const Progress& progress) {
    if (progress.kind == Progress::Kind::kRunDisturbed) ++disturbed;
  });
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(run.plans.size(), 13u);
  EXPECT_EQ(run.plans[0].seed, run.plans[1].seed);
  EXPECT_EQ(disturbed, 1u);
  EXPECT_EQ(outcome->runs_disturbed, 0u);
  size_t repeated = 0;
  bool kept = false;
  for (const report::ComparedScenario& scenario : outcome->comparison.scenarios) {
    repeated += scenario.repeated;
    for (const auto& values : scenario.figures[0].rounds) {
      kept = kept || std::find(values.begin(), values.end(), 4242) != values.end();
    }
  }
  EXPECT_EQ(repeated, 1u);
  EXPECT_TRUE(kept);
}

TEST(RunComparison, KeepsAndFlagsWhatIsAlwaysDisturbed) {
  FakeRun run;
  run.change = [](size_t, load::Result& result) {
    result.other_cpu_share = 0.5;
    return absl::OkStatus();
  };
  Options options = TwoOfEach();
  options.tries_max = 3;
  const absl::StatusOr<Outcome> outcome = RunWith(options, run);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(run.plans.size(), 12u + 2) << "only the first run tries again";
  EXPECT_EQ(outcome->runs_disturbed, 12u);
  EXPECT_TRUE(AnyHas(outcome->comparison.scenarios[0].warnings, "disturbed: others used"));
  EXPECT_EQ(ExitStatus(*outcome, {}), kExitOk);
  EXPECT_EQ(ExitStatus(*outcome, {.when_disturbed = true}), kExitDisturbed);
}

TEST(RunComparison, FaultsEndTheirScenarioAndFailTheComparison) {
  FakeRun run;
  run.change = [](size_t, load::Result& result) {
    if (result.plan.scenario == load::Scenario::kPubSub && result.plan.server.port == kPortB) {
      result.faults.lost = 1;
      result.faults.named = {"subscriber 0: publisher 0 message 7 lost"};
    }
    return absl::OkStatus();
  };
  size_t failed = 0;
  const absl::StatusOr<Outcome> outcome = RunWith(TwoOfEach(), run, [&](const Progress& progress) {
    if (progress.kind == Progress::Kind::kScenarioFailed) ++failed;
  });
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(failed, 1u);
  EXPECT_EQ(outcome->comparison.scenarios[0].rounds, 3u) << "the other scenario goes on";
  EXPECT_EQ(outcome->comparison.scenarios[1].faults,
            std::vector<std::string>{"b, round 1: messages: 1 lost: subscriber 0: publisher 0 "
                                     "message 7 lost"});
  EXPECT_EQ(ExitStatus(*outcome, {.when_worse = true}), kExitFaults);
}

TEST(RunComparison, AnErrorOfARunFailsItsScenario) {
  FakeRun run;
  run.change = [](size_t number, load::Result&) {
    return number == 1 ? absl::UnavailableError("connection refused") : absl::OkStatus();
  };
  const absl::StatusOr<Outcome> outcome = RunWith(TwoOfEach(), run);
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->comparison.any_fault());
  EXPECT_EQ(run.plans.size(), 1u + 6u);
}

TEST(RunComparison, MeasuresTheLimitOnce) {
  FakeRun run;
  Options options = TwoOfEach();
  options.measure_limit = true;
  run.change = [](size_t, load::Result& result) {
    if (result.plan.scenario == load::Scenario::kLimit) result.figures[0].value = 17.34e6;
    return absl::OkStatus();
  };
  const absl::StatusOr<Outcome> outcome = RunWith(options, run);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(run.plans.size(), 13u);
  EXPECT_EQ(run.plans[0].scenario, load::Scenario::kLimit);
  EXPECT_TRUE(outcome->limit.has_value());
  EXPECT_TRUE(AnyHas(outcome->comparison.notes, "17,340,000 /s"));
}

TEST(RunComparison, TellsOfEachStep) {
  FakeRun run;
  std::vector<Progress::Kind> kinds;
  size_t last = 0;
  const auto tell = [&](const Progress& progress) {
    kinds.push_back(progress.kind);
    EXPECT_EQ(progress.runs, 12u);
    EXPECT_GE(progress.run, last);
    last = progress.run;
    EXPECT_FALSE(progress.scenario.empty());
    EXPECT_FALSE(progress.server.empty());
    EXPECT_EQ(progress.interval != nullptr, progress.kind == Progress::Kind::kInterval);
  };
  ASSERT_TRUE(RunWith(TwoOfEach(), run, tell).ok());
  EXPECT_EQ(last, 12u);
  EXPECT_EQ(kinds.size(), 36u);
}

TEST(RunComparison, StartsAFreshServerForEveryRun) {
  FakeRun run;
  Options options = TwoOfEach();
  options.scenarios.resize(1);
  options.rounds = 2;
  options.load_cpus = {ReadCpus().cpus.front()};
  for (Server& server : options.servers) server.command = LittleServer();
  const absl::StatusOr<Outcome> outcome = RunWith(options, run);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  ASSERT_EQ(run.plans.size(), 4u);
  for (size_t i = 1; i < run.plans.size(); ++i) {
    EXPECT_GT(run.plans[i].server_pid, 0);
    EXPECT_NE(run.plans[i].server_pid, run.plans[i - 1].server_pid);
  }
  EXPECT_EQ(run.plans[0].cpus, options.load_cpus);
  EXPECT_EQ(outcome->comparison.servers[0].command, LittleServer());
}

TEST(RunComparison, NoticesAServerThatEndsOnItsOwn) {
  FakeRun run;
  run.change = [](size_t, load::Result& result) {
    ::kill(result.plan.server_pid, SIGKILL);
    ::usleep(100'000);
    return absl::OkStatus();
  };
  Options options = TwoOfEach();
  options.scenarios.resize(1);
  for (Server& server : options.servers) server.command = LittleServer();
  const absl::StatusOr<Outcome> outcome = RunWith(options, run);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE(AnyHas(outcome->comparison.scenarios[0].faults,
                     "the server ended during the run: signal 9 (Killed)"));
}

TEST(RunComparison, RefusesWhatCannotBe) {
  FakeRun run;
  Options options = TwoOfEach();
  options.servers[0].command = "/nonexistent/server";
  options.servers[1].command = "/nonexistent/server";
  EXPECT_TRUE(absl::IsNotFound(RunWith(options, run).status()));
  options.servers[0].command = "open 'quote";
  EXPECT_TRUE(absl::IsInvalidArgument(RunWith(options, run).status()));
  options = TwoOfEach();
  options.servers[1].label = "a";
  EXPECT_EQ(RunWith(options, run).status().message(), "two servers are called \"a\"");
  options = TwoOfEach();
  options.scenarios.clear();
  EXPECT_FALSE(RunWith(options, run).ok());
  EXPECT_TRUE(run.plans.empty());
}

TEST(ExitStatus, TellsOfWorseOnlyWhenAsked) {
  FakeRun run;
  Options options = TwoOfEach();
  std::swap(options.servers[0], options.servers[1]);
  const absl::StatusOr<Outcome> outcome = RunWith(options, run);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(ExitStatus(*outcome, {}), kExitOk);
  EXPECT_EQ(ExitStatus(*outcome, {.when_worse = true}), kExitWorse);
}

TEST(ParseServer, TellsUrlsFromCommands) {
  const absl::StatusOr<Server> url = ParseServer("a", "nats://example:4711");
  ASSERT_TRUE(url.ok());
  EXPECT_TRUE(url->command.empty());
  EXPECT_EQ(url->target.host, "example");
  EXPECT_EQ(url->target.port, 4711);
  const absl::StatusOr<Server> command = ParseServer("b", "server --upstream nats://x:1");
  ASSERT_TRUE(command.ok());
  EXPECT_EQ(command->command, "server --upstream nats://x:1");
  EXPECT_EQ(command->label, "b");
  EXPECT_FALSE(ParseServer("b", "server 'x").ok());
}

}  // namespace
}  // namespace martlet::compare
