// What the parsing of the command line ends in.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "cli/cli11.h"
#include "cli/connection_flags.h"

namespace martlet::cli {

/// Filled while the command line is parsed, run afterwards.
///
/// A verb adds its subcommand to the app and, in that one's callback, sets `run`, which owns what
/// it needs. It returns the exit status; an error is printed and gives 1.
struct Program {
  std::vector<std::string> arguments;  // the whole command line, the program's name first
  ConnectionFlags connection;
  std::function<absl::StatusOr<int>()> run;
  std::string refusal;  // a flag of the `nats` command that this one does not have: why
};

/// Hides `names` ("-J,--jetstream") from the help and refuses it in one clear line: `why`.
void RefuseFlag(CLI::App& verb, Program& program, const std::string& names, const std::string& why);
/// The same for one that takes a value.
void RefuseOption(CLI::App& verb, Program& program, const std::string& names,
                  const std::string& why);

inline constexpr char kNeedsJetStream[] = "needs JetStream, which martlet does not speak";

}  // namespace martlet::cli
