// What every report says about how its figures came to be. Plain data.
#pragma once

#include <string>
#include <vector>

#include "load/result.h"
#include "measure/machine.h"

namespace martlet::report {

/// Where, when and by which command figures were measured. Texts may come from outside: whoever
/// writes them escapes them.
struct Provenance {
  std::string command_line;  // as it was typed, quoted for a shell
  std::string version;       // of this tool: "martlet 0.1.0"
  std::string date;          // RFC 3339, "2026-01-31T12:00:00Z"
  measure::Machine machine;
};

}  // namespace martlet::report
