#include "compare/compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>
#include <unistd.h>
#include <utility>

#include "base/clock.h"
#include "compare/collect.h"
#include "compare/disturbance.h"
#include "compare/placement.h"
#include "compare/schedule.h"
#include "compare/server_process.h"
#include "measure/process.h"
#include "report/number.h"

namespace martlet::compare {
namespace {

unsigned OnlineCpus() {
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  return cpus > 0 ? static_cast<unsigned>(cpus) : 1;
}

double SecondsSince(uint64_t begin_ns) {
  return static_cast<double>(base::MonotonicNanoseconds() - begin_ns) / 1e9;
}

absl::Status Check(const Options& options) {
  if (options.servers.empty()) return absl::InvalidArgumentError("no server to measure");
  if (options.scenarios.empty()) return absl::InvalidArgumentError("no scenario to run");
  if (options.rounds == 0) return absl::InvalidArgumentError("at least one round is needed");
  for (size_t i = 0; i < options.servers.size(); ++i) {
    const Server& server = options.servers[i];
    if (!server.command.empty()) {
      const absl::StatusOr<Command> command = ParseCommand(server.command);
      if (!command.ok()) return command.status();
    }
    for (size_t j = 0; j < i; ++j) {
      if (options.servers[j].label != server.label) continue;
      return absl::InvalidArgumentError("two servers are called \"" + server.label + "\"");
    }
  }
  return absl::OkStatus();
}

bool Overlap(const std::vector<int>& some, const std::vector<int>& others) {
  return std::any_of(some.begin(), some.end(), [&others](int cpu) {
    return std::find(others.begin(), others.end(), cpu) != others.end();
  });
}

/// One comparison under way.
class Comparing {
 public:
  Comparing(const Options& options, const Runner& runner, const OnProgress& on_progress);

  absl::StatusOr<Outcome> Run();

 private:
  /// A server for one run: the process where it is ours, and where the load connects.
  struct Reached {
    std::unique_ptr<ServerProcess> process;  // none where it ran already
    client::Target target;
    int pid = 0;  // 0: the runner looks for it
  };

  void MeasureLimit();
  absl::Status RunSlot(const Slot& slot);
  absl::StatusOr<Measured> QuietestOf(const Slot& slot, Progress progress);
  absl::StatusOr<Measured> RunOnce(const Slot& slot, const Progress& progress);
  absl::StatusOr<Reached> Reach(size_t server);
  load::Plan PlanFor(const Slot& slot, const Reached& reached) const;
  void Keep(const Slot& slot, Measured measured);
  void Describe(size_t server, const load::Result& result);
  void Tell(Progress progress, Progress::Kind kind, const load::Result* result,
            std::string_view text) const;

  const Options& options_;
  const Runner& runner_;
  const OnProgress& on_progress_;
  const unsigned cpus_ = OnlineCpus();
  const std::vector<int> own_cpus_ = ReadCpus().cpus;  // before the load was pinned
  Disturbance disturbance_;
  std::vector<Collector> collectors_;  // by scenario
  std::vector<bool> started_;          // by server: it could be started once
  Outcome outcome_;
  size_t run_ = 0;
  size_t runs_ = 0;
};

Comparing::Comparing(const Options& options, const Runner& runner, const OnProgress& on_progress)
    : options_(options),
      runner_(runner),
      on_progress_(on_progress),
      disturbance_(
          options.disturbed_above_cores > 0 ? options.disturbed_above_cores : DisturbedAbove(cpus_),
          std::max(1, options.tries_max)),
      started_(options.servers.size(), false) {
  report::Comparison& comparison = outcome_.comparison;
  comparison.provenance = options.provenance;
  comparison.seed = options.seed;
  comparison.warnings = options.warnings;
  std::vector<std::string> labels;
  for (const Server& server : options.servers) {
    labels.push_back(server.label);
    report::ComparedServer& compared = comparison.servers.emplace_back();
    compared.label = server.label;
    compared.command = server.command;
    if (server.command.empty()) compared.url = server.target.url();
    if (Overlap(server.cpus, options.load_cpus)) {
      comparison.warnings.push_back(server.label + " and the load share a CPU");
    }
  }
  for (const SuiteEntry& scenario : options.scenarios) {
    collectors_.emplace_back(scenario.id, labels, options.rounds);
  }
}

absl::StatusOr<Outcome> Comparing::Run() {
  const uint64_t begin_ns = base::MonotonicNanoseconds();
  // Before the pinning: its other side needs a CPU, too.
  if (options_.measure_limit) MeasureLimit();
  const ScopedAffinity affinity(options_.load_cpus);
  const std::vector<Slot> slots =
      Schedule(options_.rounds, options_.scenarios.size(), options_.servers.size(), options_.seed);
  runs_ = slots.size();
  for (const Slot& slot : slots) {
    ++run_;
    if (collectors_[slot.scenario].failed()) continue;
    const absl::Status status = RunSlot(slot);
    if (!status.ok()) return status;
  }
  for (size_t i = 0; i < collectors_.size(); ++i) {
    load::Plan plan = options_.scenarios[i].plan;
    plan.cpus = options_.load_cpus;
    outcome_.comparison.scenarios.push_back(collectors_[i].Finish(plan));
  }
  report::FillFigures(outcome_.comparison);
  for (size_t i = 0; i < collectors_.size(); ++i) {
    collectors_[i].MarkClientBound(outcome_.comparison.scenarios[i]);
  }
  outcome_.comparison.seconds = SecondsSince(begin_ns);
  return std::move(outcome_);
}

void Comparing::MeasureLimit() {
  load::Plan plan;
  plan.scenario = load::Scenario::kLimit;
  plan.size_bytes = 16;
  plan.warmup = std::chrono::milliseconds(100);
  plan.duration = std::chrono::milliseconds(500);
  plan.cpus = options_.load_cpus;
  plan.seed = options_.seed;
  absl::StatusOr<load::Result> result = runner_(plan, [](const load::Interval&) {});
  std::vector<std::string>& warnings = outcome_.comparison.warnings;
  if (!result.ok()) {
    warnings.push_back("the client's own limit could not be measured: " +
                       std::string(result.status().message()));
    return;
  }
  if (!result->figures.empty()) {
    const load::Figure& figure = result->figures.front();
    outcome_.comparison.notes.push_back("the client's own limit, one thread and no server: " +
                                        report::FigureText(figure.value, figure.unit) + " (" +
                                        figure.label + ", 16 B)");
  }
  outcome_.limit = *std::move(result);
  Tell(Progress(), Progress::Kind::kLimit, &*outcome_.limit, {});
}

absl::Status Comparing::RunSlot(const Slot& slot) {
  Progress progress;
  progress.run = run_;
  progress.runs = runs_;
  progress.round = slot.round + 1;
  progress.scenario = options_.scenarios[slot.scenario].id;
  progress.server = options_.servers[slot.server].label;
  absl::StatusOr<Measured> measured = QuietestOf(slot, progress);
  if (!measured.ok()) {
    const std::string text(measured.status().message());
    // A command that never worked is a mistake in the command; one that did has a story to tell.
    if (!started_[slot.server]) return measured.status();
    collectors_[slot.scenario].Fail(slot.server, slot.round, text);
    Tell(progress, Progress::Kind::kScenarioFailed, nullptr, text);
    return absl::OkStatus();
  }
  progress.tries = measured->tries;
  Tell(progress, Progress::Kind::kRunEnds, &measured->result, {});
  Keep(slot, *std::move(measured));
  return absl::OkStatus();
}

absl::StatusOr<Measured> Comparing::QuietestOf(const Slot& slot, Progress progress) {
  std::optional<Measured> best;
  for (int tries = 1;; ++tries) {
    progress.tries = tries;
    Tell(progress, Progress::Kind::kRunBegins, nullptr, {});
    absl::StatusOr<Measured> measured = RunOnce(slot, progress);
    if (!measured.ok()) return measured;
    const double others = measured->other_cores;
    if (!best || others < best->other_cores) best = *measured;
    best->tries = tries;
    if (!disturbance_.Repeat(slot.scenario, slot.server, tries, others, best->other_cores)) break;
    char text[64];
    std::snprintf(text, sizeof text, "others used %.2f cores", others);
    Tell(progress, Progress::Kind::kRunDisturbed, &measured->result, text);
  }
  best->disturbed = disturbance_.Disturbed(best->other_cores);
  return *std::move(best);
}

absl::StatusOr<Measured> Comparing::RunOnce(const Slot& slot, const Progress& progress) {
  absl::StatusOr<Reached> reached = Reach(slot.server);
  if (!reached.ok()) return reached.status();
  started_[slot.server] = true;
  std::this_thread::sleep_for(options_.settle);
  const auto on_interval = [&](const load::Interval& interval) {
    Progress now = progress;
    now.interval = &interval;
    Tell(now, Progress::Kind::kInterval, nullptr, {});
  };
  absl::StatusOr<load::Result> result = runner_(PlanFor(slot, *reached), on_interval);
  if (reached->process != nullptr && !reached->process->Running()) {
    return absl::AbortedError("the server ended during the run: " + reached->process->Ending() +
                              "; the end of its output:\n" + reached->process->OutputTail());
  }
  if (!result.ok()) return result.status();
  if (result->faults.any()) return absl::DataLossError(FaultText(result->faults));
  Measured measured;
  measured.other_cores = result->other_cpu_share * static_cast<double>(cpus_);
  measured.client_bound = ClientBound(*result, options_.servers[slot.server].cpus.size());
  measured.result = *std::move(result);
  return measured;
}

absl::StatusOr<Comparing::Reached> Comparing::Reach(size_t server) {
  const Server& wanted = options_.servers[server];
  Reached reached;
  reached.target = wanted.target;
  if (wanted.command.empty()) {
    started_[server] = true;
    return reached;
  }
  StartOptions start;
  start.command = wanted.command;
  start.append_port = wanted.append_port;
  start.expect_info = !wanted.target.tls.handshake_first;
  start.cpus = wanted.cpus;
  // It would inherit the load's CPUs otherwise.
  if (start.cpus.empty() && !options_.load_cpus.empty()) start.cpus = own_cpus_;
  absl::StatusOr<std::unique_ptr<ServerProcess>> process = ServerProcess::Start(start);
  if (!process.ok()) return process.status();
  reached.target.host = "127.0.0.1";
  reached.target.port = (*process)->port();
  // The listener, where the command was a wrapper that started it.
  reached.pid = measure::FindListener(reached.target.port).value_or((*process)->pid());
  reached.process = *std::move(process);
  return reached;
}

load::Plan Comparing::PlanFor(const Slot& slot, const Reached& reached) const {
  load::Plan plan = options_.scenarios[slot.scenario].plan;
  plan.server = reached.target;
  plan.publish_server = reached.target;
  plan.server_pid = reached.pid;
  plan.cpus = options_.load_cpus;
  plan.seed = RunSeed(options_.seed, slot.round, slot.scenario);
  return plan;
}

void Comparing::Keep(const Slot& slot, Measured measured) {
  Describe(slot.server, measured.result);
  outcome_.runs_disturbed += measured.disturbed ? 1 : 0;
  collectors_[slot.scenario].Add(slot.server, slot.round, std::move(measured));
}

void Comparing::Describe(size_t server, const load::Result& result) {
  report::ComparedServer& compared = outcome_.comparison.servers[server];
  if (!compared.version.empty()) return;
  compared.name = result.server.name;
  compared.version = result.server.version;
  compared.language = result.server.language;
}

void Comparing::Tell(Progress progress, Progress::Kind kind, const load::Result* result,
                     std::string_view text) const {
  if (!on_progress_) return;
  progress.kind = kind;
  progress.result = result;
  progress.text = text;
  on_progress_(progress);
}

bool AnyWorse(const report::Comparison& comparison) {
  for (const report::ComparedScenario& scenario : comparison.scenarios) {
    for (const report::ComparedFigure& figure : scenario.figures) {
      if (!figure.judged) continue;
      if (std::find(figure.verdicts.begin(), figure.verdicts.end(), measure::Verdict::kBWorse) !=
          figure.verdicts.end()) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<Server> ParseServer(std::string_view label, std::string_view command_or_url) {
  Server server;
  server.label = label;
  const bool one_word = command_or_url.find_first_of(" \t\n'\"") == std::string_view::npos;
  if (one_word && command_or_url.find("://") != std::string_view::npos) {
    absl::StatusOr<client::Target> target = client::ParseTarget(command_or_url);
    if (!target.ok()) return target.status();
    server.target = *std::move(target);
    return server;
  }
  const absl::StatusOr<Command> command = ParseCommand(command_or_url);
  if (!command.ok()) return command.status();
  server.command = command_or_url;
  return server;
}

absl::StatusOr<Outcome> RunComparison(const Options& options, const Runner& runner,
                                      const OnProgress& on_progress) {
  const absl::Status status = Check(options);
  if (!status.ok()) return status;
  return Comparing(options, runner, on_progress).Run();
}

int ExitStatus(const Outcome& outcome, const ExitRules& rules) {
  if (outcome.comparison.any_fault()) return kExitFaults;
  if (rules.when_worse && AnyWorse(outcome.comparison)) return kExitWorse;
  if (rules.when_disturbed && outcome.runs_disturbed > 0) return kExitDisturbed;
  return kExitOk;
}

}  // namespace martlet::compare
