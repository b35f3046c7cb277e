// `martlet bench`: the load generator's command line.
#pragma once

#include "cli/cli11.h"
#include "cli/program.h"

namespace martlet::cli {

/// Adds `bench` to the app; `program` outlives the parsing.
void AddBenchCommands(CLI::App& app, Program& program);

}  // namespace martlet::cli
