#include "cli/bench_compare.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/bench_flags.h"
#include "cli/bench_output.h"
#include "cli/units.h"
#include "compare/compare.h"
#include "compare/placement.h"
#include "compare/suite.h"
#include "load/run.h"
#include "report/comparison.h"

namespace martlet::cli {
namespace {

/// Shows what a comparison is doing: one line that changes on a terminal, lines elsewhere.
class ProgressLine {
 public:
  ProgressLine(FILE* out, bool quiet)
      : out_(out), terminal_(isatty(fileno(out)) == 1), quiet_(quiet) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const compare::Progress& progress) {
    using Kind = compare::Progress::Kind;
    if (progress.kind == Kind::kScenarioFailed || progress.kind == Kind::kRunDisturbed) {
      Clear();
      std::fprintf(out_, "%s on %s: %s\n", Text(progress.scenario).c_str(),
                   Text(progress.server).c_str(), Text(progress.text).c_str());
      return;
    }
    if (quiet_) return;
    if (progress.kind == Kind::kRunBegins && terminal_) Begin(progress);
    if (progress.kind == Kind::kRunEnds && !terminal_) End(progress);
  }
  void Done() { Clear(); }

 private:
  static std::string Text(std::string_view text) { return std::string(text); }

  void Begin(const compare::Progress& progress) {
    Clear();
    std::fprintf(out_, "[%zu/%zu] round %zu: %s on %s", progress.run, progress.runs, progress.round,
                 Text(progress.scenario).c_str(), Text(progress.server).c_str());
    std::fflush(out_);
    shown_ = true;
  }
  void End(const compare::Progress& progress) {
    const bool measured = progress.result != nullptr && !progress.result->figures.empty();
    std::fprintf(out_, "[%zu/%zu] round %zu: %s on %s: ", progress.run, progress.runs,
                 progress.round, Text(progress.scenario).c_str(), Text(progress.server).c_str());
    if (measured) {
      const load::Figure& headline = progress.result->figures.front();
      std::fprintf(out_, "%.6g %s", headline.value, headline.unit.c_str());
    }
    std::fputc('\n', out_);
    std::fflush(out_);
  }
  void Clear() {
    if (shown_) std::fputs("\r\x1b[K", out_);
    shown_ = false;
  }

  FILE* out_;
  bool terminal_;
  bool quiet_;
  bool shown_ = false;
};

/// The flags of compare and suite, and the comparison.
class CompareCommand {
 public:
  enum class Kind : uint8_t { kCompare, kSuite };

  CompareCommand(Kind kind, const Program& program) : kind_(kind), program_(program) {}

  void AddFlagsTo(CLI::App& app);
  /// The exit status, compare::ExitStatus's.
  absl::StatusOr<int> Run();

 private:
  static constexpr size_t kServersMax = 4;

  absl::StatusOr<compare::Options> MakeOptions() const;
  absl::Status Place(compare::Options& options) const;
  absl::Status AddScenarios(compare::Options& options) const;
  void List(const std::vector<compare::SuiteEntry>& entries) const;

  Kind kind_;
  const Program& program_;
  std::array<std::string, kServersMax> servers_;
  std::array<std::string, kServersMax> labels_{"a", "b", "c", "d"};
  std::vector<std::string> patterns_;
  std::vector<std::string> runs_;
  std::string server_cpus_, load_cpus_, seed_;
  size_t rounds_ = 5;
  int tries_ = 4;
  bool quick_ = false;
  bool list_ = false;
  bool unpinned_ = false;
  compare::ExitRules exit_rules_;
  OutputFlags output_;
};

void CompareCommand::AddFlagsTo(CLI::App& app) {
  static constexpr std::array<const char*, kServersMax> kNames = {"-a", "-b", "-c", "-d"};
  if (kind_ == Kind::kSuite) servers_ = {"nats-server", "martlet-server", "", ""};
  CLI::Option_group& servers = *app.add_option_group("Servers");
  for (size_t i = 0; i < kServersMax; ++i) {
    auto* const option = servers.add_option(
        kNames[i], servers_[i],
        i == 0 ? "Command that starts a server, or the URL of one; others are compared with it"
               : "Another one");
    option->type_name("CMD|URL");
    if (i < 2 && kind_ == Kind::kCompare) option->required();
    if (i < 2 && kind_ == Kind::kSuite) option->capture_default_str();
    servers
        .add_option(std::string("--name-") + (kNames[i] + 1), labels_[i], "What reports call it")
        ->type_name("NAME");
  }
  CLI::Option_group& what = *app.add_option_group("Scenarios");
  what.add_option("--scenarios", patterns_,
                  "From the published set, by name: fanout-*,pub-16,!*-16")
      ->delimiter(',')
      ->type_name("GLOB,...");
  if (kind_ == Kind::kCompare) {
    what.add_option("--run", runs_, "One of your own: \"fanout --subs 100 --size 1KiB\"")
        ->type_name("TEXT");
  }
  what.add_flag("--quick", quick_, "Fewer and shorter ones");
  what.add_flag("--list", list_, "Say which there are, run nothing");
  CLI::Option_group& method = *app.add_option_group("Method");
  method.add_option("--rounds", rounds_, "Of each scenario on each server")
      ->capture_default_str()
      ->type_name("N");
  method.add_option("--tries", tries_, "Of a run that other load disturbs")
      ->capture_default_str()
      ->type_name("N");
  method.add_option("--seed", seed_, "Of the order of runs and of the contents")->type_name("N");
  method.add_flag("--unpinned", unpinned_, "Let servers and load run on any CPU");
  method.add_option("--server-cpus", server_cpus_, "Default: the last core")->type_name("LIST");
  method.add_option("--load-cpus", load_cpus_, "Default: the other cores")->type_name("LIST");
  method.add_flag("--fail-when-worse", exit_rules_.when_worse,
                  "Exit status 3 when a server is worse than the first");
  output_.AddTo(app);
  output_.AddMarkdownTo(app);
}

absl::Status CompareCommand::Place(compare::Options& options) const {
  std::vector<int> server_cpus;
  if (!unpinned_) {
    compare::Placement placement = compare::Place(compare::ReadCpus());
    server_cpus = std::move(placement.server_cpus);
    options.load_cpus = std::move(placement.load_cpus);
    options.warnings = std::move(placement.warnings);
  }
  const auto take = [](const std::string& text, std::vector<int>& cpus) {
    if (text.empty()) return absl::OkStatus();
    auto parsed = ParseCpuList(text);
    if (!parsed.ok()) return parsed.status();
    cpus = *std::move(parsed);
    return absl::OkStatus();
  };
  absl::Status status = take(server_cpus_, server_cpus);
  status.Update(take(load_cpus_, options.load_cpus));
  for (compare::Server& server : options.servers) server.cpus = server_cpus;
  return status;
}

absl::Status CompareCommand::AddScenarios(compare::Options& options) const {
  for (const std::string& run : runs_) {
    auto plan = ParseScenario(run);
    if (!plan.ok()) return plan.status();
    options.scenarios.push_back(
        {.id = load::DescribePlan(*plan), .question = run, .plan = *std::move(plan)});
  }
  if (!runs_.empty() && patterns_.empty()) return absl::OkStatus();
  const auto load_cpus = static_cast<unsigned>(
      options.load_cpus.empty() ? compare::ReadCpus().cpus.size() : options.load_cpus.size());
  const bool quick = quick_ || (kind_ == Kind::kCompare && patterns_.empty());
  auto chosen =
      compare::SelectEntries(compare::Suite(compare::ReadSuiteSize(load_cpus, quick)), patterns_);
  if (!chosen.ok()) return chosen.status();
  for (compare::SuiteEntry& entry : *chosen) options.scenarios.push_back(std::move(entry));
  return absl::OkStatus();
}

absl::StatusOr<compare::Options> CompareCommand::MakeOptions() const {
  compare::Options options;
  for (size_t i = 0; i < kServersMax; ++i) {
    if (servers_[i].empty()) continue;
    auto server = compare::ParseServer(labels_[i], servers_[i]);
    if (!server.ok()) return server.status();
    options.servers.push_back(*std::move(server));
  }
  absl::Status status = Place(options);
  status.Update(AddScenarios(options));
  if (!status.ok()) return status;
  for (compare::SuiteEntry& entry : options.scenarios) {
    entry.plan.backend = program_.connection.backend();
  }
  options.rounds = rounds_;
  options.tries_max = tries_;
  if (!seed_.empty()) {
    const auto seed = ParseCount(seed_);
    if (!seed.ok()) return seed.status();
    options.seed = static_cast<uint64_t>(*seed);
  }
  options.provenance = MakeProvenance(program_.arguments);
  return options;
}

void CompareCommand::List(const std::vector<compare::SuiteEntry>& entries) const {
  for (const compare::SuiteEntry& entry : entries) {
    std::printf("%-28s %s\n", entry.id.c_str(), entry.question.c_str());
  }
}

absl::StatusOr<int> CompareCommand::Run() {
  const auto options = MakeOptions();
  if (!options.ok()) return options.status();
  if (list_) {
    List(options->scenarios);
    return 0;
  }
  FILE* const people = output_.for_people() ? stdout : stderr;
  ProgressLine line(people, output_.quiet);
  const auto outcome = compare::RunComparison(
      *options, load::Run, [&](const compare::Progress& progress) { line.Show(progress); });
  line.Done();
  if (!outcome.ok()) return outcome.status();
  std::fputs(report::ComparisonText(outcome->comparison, WantsColour(fileno(people))).c_str(),
             people);
  absl::Status written = WriteOutputs(output_, *outcome);
  if (!written.ok()) return written;
  return compare::ExitStatus(*outcome, exit_rules_);
}

}  // namespace

void AddCompareCommands(CLI::App& bench, Program& program) {
  const auto add = [&](const char* name, const char* help, CompareCommand::Kind kind) {
    auto command = std::make_shared<CompareCommand>(kind, program);
    CLI::App& app = *bench.add_subcommand(name, help)->fallthrough();
    command->AddFlagsTo(app);
    app.callback([command, &program] { program.run = [command] { return command->Run(); }; });
  };
  add("compare", "Servers in turns: medians, ratios and a verdict for each scenario",
      CompareCommand::Kind::kCompare);
  add("suite", "The published set of scenarios, nats-server against martlet-server",
      CompareCommand::Kind::kSuite);
}

}  // namespace martlet::cli
