// `martlet sim`: clusters in a box.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/str_format.h>

#include "cli/log.h"
#include "cli/verbs.h"
#include "sim/join.h"
#include "sim/seeds.h"

namespace martlet::cli {
namespace {

struct SimFlags {
  std::string seeds = "1..1000";
  int servers = 0;
  std::string mutant = "none";
  bool trace = false;
  std::vector<int> join;
  int subjects = 100;
};

absl::StatusOr<int> ShowJoins(const SimFlags& flags) {
  Print(
      "servers  whole after  a newcomer after  connections  dials  messages  gossip  kB  "
      "interest\n");
  for (const int servers : flags.join) {
    const sim::JoinCost cost = sim::MeasureJoin(servers, flags.subjects);
    if (!cost.failure.empty()) return absl::InternalError(cost.failure);
    Print(absl::StrFormat("%7d %9d ms %14d ms %12d %6d %9d %7d %3d %9d\n", cost.servers,
                          cost.start_ms, cost.join_ms, cost.connections, cost.dials, cost.messages,
                          cost.gossip, cost.bytes / 1000, cost.interest));
  }
  return 0;
}

absl::StatusOr<int> Simulate(const SimFlags& flags) {
  const auto print = [](const std::string& line) { Print(line + "\n"); };
  sim::SeedRange seeds;
  if (!sim::ParseSeeds(flags.seeds, seeds)) {
    return absl::InvalidArgumentError("seeds are a number or a range, 1..1000: " + flags.seeds);
  }
  sim::Options options{.servers = flags.servers, .trace = {}};
  if (!sim::ParseMutant(flags.mutant, options.mutant)) {
    return absl::InvalidArgumentError("mutants are " + std::string(sim::MutantWords()) + ": " +
                                      flags.mutant);
  }
  if (flags.trace) options.trace = print;
  return sim::RunSeeds(seeds, options, print) == 0 ? 0 : 1;
}

}  // namespace

void AddSimCommand(CLI::App& app, Program& program) {
  auto flags = std::make_shared<SimFlags>();
  CLI::App* verb = app.add_subcommand(
      "sim", "Simulate clusters in which things go wrong: do they become whole again?");
  verb->add_option("--seed,--seeds", flags->seeds, "A seed, or a range of seeds (1..1000)")
      ->type_name("N|A..B");
  verb->add_option("--servers", flags->servers, "Servers in each cluster (as the seed says)")
      ->check(CLI::Range(2, 50));
  verb->add_option("--mutant", flags->mutant, "An error to make, to see that it is found")
      ->type_name("WORD");
  verb->add_option("--join", flags->join,
                   "Count what one more server costs a cluster of so many, without faults")
      ->delimiter(',')
      ->check(CLI::Range(1, 250))
      ->type_name("N,...");
  verb->add_option("--subjects", flags->subjects, "With --join: subjects wanted on each server")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  verb->add_flag("--trace", flags->trace, "Print all that happens");
  verb->footer("Mutants: " + std::string(sim::MutantWords()) +
               ".\n  martlet sim --seeds 1..100000\n  martlet sim --seed 42 --trace");
  verb->callback([&program, flags] {
    program.run = [flags] { return flags->join.empty() ? Simulate(*flags) : ShowJoins(*flags); };
  });
}

}  // namespace martlet::cli
