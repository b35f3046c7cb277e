// peer-table: the same questions to NATS servers, Redis and Mosquitto, in turns; see README.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fnmatch.h>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/cpus.h"
#include "brokers.h"
#include "compare/command.h"
#include "compare/disturbance.h"
#include "compare/placement.h"
#include "compare/schedule.h"
#include "compare/server_process.h"
#include "load.h"
#include "measure/machine.h"
#include "table.h"

namespace martlet::peers {
namespace {

constexpr int kExitFailed = 1;
constexpr auto kSettle = std::chrono::milliseconds(200);

struct Options {
  Programs programs;
  std::vector<std::string> scenarios;  // globs; empty: all
  size_t rounds = 5;
  double seconds = 2;
  double warmup_seconds = 0.5;
  int tries = 3;
  uint64_t seed = 1;
  std::string write;  // a document with a place for the table
};

/// A folder that goes with this object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = std::filesystem::temp_directory_path() / "peer-table-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
    // A broker that gives up root's rights must still find its file.
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// All runs in their order; prints a line for each to standard error.
class Comparing {
 public:
  Comparing(const Options& options, std::vector<Broker> brokers, compare::Placement placement)
      : options_(options),
        placement_(std::move(placement)),
        above_cores_(
            compare::DisturbedAbove(static_cast<unsigned>(compare::ReadCpus().cpus.size()))),
        disturbance_(above_cores_, options.tries) {
    results_.brokers = std::move(brokers);
    const auto nanoseconds = [](double seconds) {
      return std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
    };
    timing_ = {.warmup = nanoseconds(options.warmup_seconds),
               .duration = nanoseconds(options.seconds)};
    for (Scenario& scenario : Scenarios()) {
      if (Wanted(scenario.id)) results_.scenarios.push_back(std::move(scenario));
    }
    results_.runs.assign(results_.scenarios.size(),
                         std::vector<std::vector<Measured>>(results_.brokers.size()));
  }

  void Run() {
    const compare::ScopedAffinity affinity(placement_.load_cpus);
    const auto slots = compare::Schedule(options_.rounds, results_.scenarios.size(),
                                         results_.brokers.size(), options_.seed);
    for (size_t i = 0; i < slots.size(); ++i) {
      std::fprintf(stderr, "[%zu/%zu] ", i + 1, slots.size());
      RunSlot(slots[i]);
    }
  }

  const Results& results() const { return results_; }
  Circumstances Describe() const {
    return {.date = {},
            .command = {},
            .machine = {},
            .server_cpus = placement_.server_cpus,
            .load_cpus = placement_.load_cpus,
            .rounds = options_.rounds,
            .timing = timing_,
            .disturbed = disturbed_,
            .missing = {}};
  }

 private:
  bool Wanted(const std::string& id) const {
    return options_.scenarios.empty() ||
           std::any_of(options_.scenarios.begin(), options_.scenarios.end(), [&](const auto& glob) {
             return ::fnmatch(glob.c_str(), id.c_str(), 0) == 0;
           });
  }

  /// A fresh broker for each run, as `martlet bench compare` has it.
  absl::StatusOr<Measured> RunOnce(const compare::Slot& slot) const {
    const Broker& broker = results_.brokers[slot.server];
    compare::StartOptions start;
    start.command = broker.command;
    start.append_port = false;
    start.expect_info = broker.protocol == Protocol::kNats;
    start.cpus = placement_.server_cpus;
    const auto process = compare::ServerProcess::Start(start);
    if (!process.ok()) return process.status();
    std::this_thread::sleep_for(kSettle);
    const auto wire = MakeWire(broker.protocol);
    auto measured =
        RunLoad(*wire, (*process)->port(), (*process)->pid(), results_.scenarios[slot.scenario],
                timing_, compare::RunSeed(options_.seed, slot.round, slot.scenario));
    if (measured.ok() || (*process)->Running()) return measured;
    return absl::AbortedError("it ended: " + (*process)->Ending() + "; " +
                              (*process)->OutputTail(3));
  }

  void RunSlot(const compare::Slot& slot) {
    const std::string where =
        results_.brokers[slot.server].name + ", " + results_.scenarios[slot.scenario].id;
    std::vector<Measured> tries;
    const auto quieter = [](const Measured& a, const Measured& b) {
      return a.other_cores < b.other_cores;
    };
    double least = 0;
    do {
      auto measured = RunOnce(slot);
      if (!measured.ok()) {
        results_.failures.push_back(where + ": " + std::string(measured.status().message()));
        std::fprintf(stderr, "%s\n", results_.failures.back().c_str());
        return;
      }
      tries.push_back(*std::move(measured));
      least = std::min_element(tries.begin(), tries.end(), quieter)->other_cores;
    } while (disturbance_.Repeat(slot.scenario, slot.server, static_cast<int>(tries.size()),
                                 tries.back().other_cores, least));
    const Measured& best = *std::min_element(tries.begin(), tries.end(), quieter);
    disturbed_ += least > above_cores_ ? 1 : 0;
    std::fprintf(stderr, "%s: %.6g/s, %.4g us, server %.2f load %.2f others %.2f cores\n",
                 where.c_str(), best.per_second, best.server_us_per_message, best.server_cores,
                 best.client_cores, best.other_cores);
    for (const std::string& fault : best.faults.named)
      std::fprintf(stderr, "  %s\n", fault.c_str());
    results_.runs[slot.scenario][slot.server].push_back(best);
  }

  const Options& options_;
  const compare::Placement placement_;
  const double above_cores_;
  compare::Disturbance disturbance_;
  Timing timing_;
  Results results_;
  size_t disturbed_ = 0;
};

/// What to type for the same again, without the folders of this machine.
std::string CommandOf(const Options& options) {
  char text[128];
  std::snprintf(text, sizeof text, "peer-table --rounds %zu --seconds %g --warmup %g --seed %llu",
                options.rounds, options.seconds, options.warmup_seconds,
                static_cast<unsigned long long>(options.seed));
  std::string out = text;
  for (const std::string& glob : options.scenarios) {
    out += (&glob == &options.scenarios[0] ? " --scenarios " : ",") + glob;
  }
  return out;
}

/// Losing messages at QoS 0 is within what MQTT promises; anything else is a failure.
bool Failed(const Results& results) {
  if (!results.failures.empty()) return true;
  for (const auto& scenario : results.runs) {
    for (size_t i = 0; i < scenario.size(); ++i) {
      for (Measured run : scenario[i]) {
        if (results.brokers[i].protocol == Protocol::kMqtt) run.faults.lost = 0;
        if (run.faults.any()) return true;
      }
    }
  }
  return false;
}

std::string Today() {
  const time_t now = std::time(nullptr);
  tm utc{};
  gmtime_r(&now, &utc);
  char date[16];
  std::strftime(date, sizeof date, "%Y-%m-%d", &utc);
  return date;
}

absl::Status WriteInto(const std::string& path, const std::string& text) {
  std::ifstream in(path, std::ios::binary);
  const std::string document{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto replaced = Replaced(document, "peers", text);
  if (!replaced.ok())
    return absl::NotFoundError(path + ": " + std::string(replaced.status().message()));
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  if (!(out << *replaced << std::flush))
    return absl::UnavailableError(path + ": cannot be written");
  return absl::OkStatus();
}

int Compare(const Options& options) {
  base::RaiseFileLimit();
  const ScratchFolder folder;
  std::vector<std::string> missing;
  auto brokers = FindBrokers(options.programs, folder.path(), missing);
  for (const std::string& name : missing) std::fprintf(stderr, "not here: %s\n", name.c_str());
  compare::Placement placement = compare::Place(compare::ReadCpus());
  for (const std::string& warning : placement.warnings)
    std::fprintf(stderr, "%s\n", warning.c_str());
  if (placement.load_cpus.size() > 1) placement.load_cpus.resize(1);  // it has one thread
  Comparing comparing(options, std::move(brokers), std::move(placement));
  if (comparing.results().brokers.empty() || comparing.results().scenarios.empty()) {
    std::fprintf(stderr, "nothing to compare\n");
    return kExitFailed;
  }
  comparing.Run();
  Circumstances circumstances = comparing.Describe();
  circumstances.date = Today();
  circumstances.command = CommandOf(options);
  circumstances.machine = measure::ReadMachine().Rows();
  circumstances.missing = missing;
  const std::string text = TableText(comparing.results(), circumstances);
  std::fputs(text.c_str(), stdout);
  if (!options.write.empty()) {
    const absl::Status written = WriteInto(options.write, text);
    if (!written.ok()) {
      std::fprintf(stderr, "%s\n", std::string(written.message()).c_str());
      return kExitFailed;
    }
  }
  return Failed(comparing.results()) ? kExitFailed : 0;
}

int Run(int argc, char** argv) {
  Options options;
  CLI::App app("Asks NATS servers, Redis and Mosquitto the same, in turns, and prints a table");
  app.add_option("--nats", options.programs.nats, "nats-server; empty: leave it out")
      ->capture_default_str();
  app.add_option("--older-nats", options.programs.older_nats, "Another nats-server");
  app.add_option("--martlet", options.programs.martlet, "martlet-server")->capture_default_str();
  app.add_option("--redis", options.programs.redis, "redis-server")->capture_default_str();
  app.add_option("--mosquitto", options.programs.mosquitto, "mosquitto")->capture_default_str();
  app.add_option("--scenarios", options.scenarios, "Only these: pub-*,fanout-10-128")
      ->delimiter(',');
  app.add_option("--rounds", options.rounds, "Of each scenario on each broker")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Measured in each run")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--warmup", options.warmup_seconds, "Seconds before that")->capture_default_str();
  app.add_option("--tries", options.tries, "Of a run that other load disturbs")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of the order of runs and of contents")
      ->capture_default_str();
  app.add_option("--write", options.write, "Document whose table is to be replaced");
  CLI11_PARSE(app, argc, argv);
  return Compare(options);
}

}  // namespace
}  // namespace martlet::peers

int main(int argc, char** argv) {
  try {
    return martlet::peers::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peer-table: %s\n", error.what());
    return 1;
  }
}
