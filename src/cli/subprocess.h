// Running a command that a verb was given.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::cli {

struct CommandResult {
  std::string output;  // both of its outputs together
  std::string error;   // empty: it ran and exited with 0; else Go's words
};

/// Runs `words` (not empty) with `input` on its standard input, our environment and `environment`
/// on top. Waits for its end and calls `meanwhile` some hundred times a second until then.
CommandResult RunCommand(const std::vector<std::string>& words, std::string_view input,
                         const std::vector<std::pair<std::string, std::string>>& environment,
                         const std::function<void()>& meanwhile);

}  // namespace martlet::cli
