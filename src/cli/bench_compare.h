// `martlet bench compare` and `martlet bench suite`.
#pragma once

#include "cli/cli11.h"
#include "cli/program.h"

namespace martlet::cli {

/// Adds both to `bench`; `program` outlives the parsing.
void AddCompareCommands(CLI::App& bench, Program& program);

}  // namespace martlet::cli
