#include "cli/bench_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <unistd.h>

#include "cli/bench_compare.h"
#include "cli/bench_flags.h"
#include "cli/bench_output.h"
#include "cli/units.h"
#include "load/run.h"
#include "load/schedule.h"
#include "report/text.h"

namespace martlet::cli {
namespace {

constexpr int kExitFaults = 1;
constexpr auto kLimitTime = std::chrono::milliseconds(250);

/// One scenario's subcommand: its flags, and the run. Owned by the callback that it adds to its
/// app, since the app's options write into it.
class ScenarioCommand {
 public:
  ScenarioCommand(const Preset& preset, const Program& program)
      : preset_(preset), program_(program) {}

  void AddFlagsTo(CLI::App& app);
  /// The exit status: 1 for faults in the messages.
  absl::StatusOr<int> Run();

 private:
  absl::StatusOr<load::Plan> MakePlan();
  void AddLimit(load::Result& result) const;

  const Preset& preset_;
  const Program& program_;
  PlanFlags flags_;
  OutputFlags output_;
  std::string publish_to_;
  std::string cpus_;
  int server_pid_ = 0;
  uint64_t print_schedule_ = 0;
  bool no_limit_ = false;
};

void ScenarioCommand::AddFlagsTo(CLI::App& app) {
  flags_.AddTo(app);
  CLI::Option_group& measure = *app.add_option_group("Measuring");
  measure.add_option("--publish-to", publish_to_, "Publishers connect here: a route is measured")
      ->type_name("URL");
  measure.add_option("--server-pid", server_pid_, "Watch this process (default: found by port)")
      ->type_name("PID");
  measure.add_option("--cpus", cpus_, "Pin this client's threads to these")->type_name("LIST");
  measure.add_flag("--no-limit", no_limit_, "Do not measure this client's own limit beside it");
  measure.add_option("--print-schedule", print_schedule_, "Print the first messages, send nothing")
      ->type_name("N");
  output_.AddTo(app);
}

absl::StatusOr<load::Plan> ScenarioCommand::MakePlan() {
  auto plan = flags_.Make(preset_);
  if (!plan.ok()) return plan;
  const auto targets = program_.connection.Targets();
  if (!targets.ok()) return targets.status();
  plan->server = plan->publish_server = targets->front();
  if (!publish_to_.empty()) {
    const auto publish_target = client::ParseTarget(publish_to_);
    if (!publish_target.ok()) return publish_target.status();
    plan->publish_server = *publish_target;
  }
  if (!cpus_.empty()) {
    const auto cpus = ParseCpuList(cpus_);
    if (!cpus.ok()) return cpus.status();
    plan->cpus = *cpus;
  }
  plan->backend = program_.connection.backend();
  plan->server_pid = server_pid_;
  return plan;
}

/// What this client could have done, beside what it did.
void ScenarioCommand::AddLimit(load::Result& result) const {
  const bool flows = result.plan.scenario == load::Scenario::kPublish ||
                     result.plan.scenario == load::Scenario::kPubSub;
  if (no_limit_ || !flows || result.plan.rate > 0) return;
  load::Plan plan = result.plan;
  plan.name.clear();
  plan.scenario = load::Scenario::kLimit;
  plan.warmup = kLimitTime / 2;
  plan.duration = kLimitTime;
  const auto limit = load::Run(plan, {});
  if (!limit.ok()) return;
  for (const char* id : {"limit_sent_per_second", "limit_received_per_second"}) {
    if (const load::Figure* figure = limit->Find(id)) {
      result.figures.push_back(*figure);
      result.figures.back().label = "limit of this client: " + figure->label;
      result.figures.back().compared = false;
    }
  }
}

absl::StatusOr<int> ScenarioCommand::Run() {
  const auto plan = MakePlan();
  if (!plan.ok()) return plan.status();
  if (print_schedule_ > 0) {
    std::fputs(load::DescribeSchedule(*plan, print_schedule_).c_str(), stdout);
    return 0;
  }
  FILE* const people = output_.for_people() ? stdout : stderr;
  const bool colour = WantsColour(fileno(people));
  std::fputs(report::PlanText(*plan, colour).c_str(), people);
  std::fflush(people);
  const auto on_interval = [&](const load::Interval& interval) {
    if (output_.quiet) return;
    std::fprintf(people, "%s\n", report::IntervalLine(interval).c_str());
    std::fflush(people);
  };
  auto result = load::Run(*plan, on_interval);
  if (!result.ok()) return result.status();
  AddLimit(*result);
  std::fputs(report::ResultText(*result, colour).c_str(), people);
  absl::Status written = WriteOutputs(output_, MakeProvenance(program_.arguments), {*result});
  if (!written.ok()) return written;
  return result->faults.any() ? kExitFaults : 0;
}

}  // namespace

void AddBenchCommands(CLI::App& app, Program& program) {
  CLI::App& bench = *app.add_subcommand("bench", "Measure a NATS server, or compare some");
  bench.require_subcommand(1);
  bench.footer(
      "  martlet bench fanout --subs 100 --size 1KiB --report fanout.html\n"
      "  martlet bench compare -a nats-server -b martlet-server");
  for (const Preset& preset : BenchPresets()) {
    auto command = std::make_shared<ScenarioCommand>(preset, program);
    CLI::App& scenario = *bench.add_subcommand(preset.name, preset.help)->fallthrough();
    command->AddFlagsTo(scenario);
    scenario.callback([command, &program] { program.run = [command] { return command->Run(); }; });
  }
  AddCompareCommands(bench, program);
}

}  // namespace martlet::cli
