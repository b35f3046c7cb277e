// Many seeds of the simulated cluster, without the companion command.
//
//   simulation_run [--seed N | --seeds A..B] [--servers K] [--mutant WORD] [--trace]
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sim/options.h"
#include "sim/seeds.h"

int main(int argc, char** argv) {
  using namespace martlet::sim;
  const auto print = [](const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
  };
  Options options;
  SeedRange seeds;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--trace") {
      options.trace = [](const std::string& line) { std::puts(line.c_str()); };
      continue;
    }
    const char* value = i + 1 < argc ? argv[++i] : "";
    bool understood = false;
    if (word == "--seed" || word == "--seeds") understood = ParseSeeds(value, seeds);
    if (word == "--mutant") understood = ParseMutant(value, options.mutant);
    if (word == "--servers") understood = (options.servers = std::atoi(value)) >= 2;
    if (understood) continue;
    std::fprintf(stderr, "simulation_run: not understood: %s %s\n", argv[i - 1], value);
    return 2;
  }
  return RunSeeds(seeds, options, print) == 0 ? 0 : 1;
}
