// martlet: the companion of martlet-server for the command line.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <martlet/version.h>

#include "cli/bench_command.h"
#include "cli/interrupt.h"
#include "cli/log.h"
#include "cli/program.h"
#include "cli/verbs.h"

namespace martlet::cli {
namespace {

int Complain(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "martlet: error: %s\n", what.c_str());
  return 1;
}

void AddVerbs(CLI::App& app, Program& program) {
  AddPubCommand(app, program);
  AddSubCommand(app, program);
  AddReqCommand(app, program);
  AddReplyCommand(app, program);
  AddRttCommand(app, program);
  AddBenchCommands(app, program);
  AddConfigCommand(app, program);
  AddSimCommand(app, program);
  // Global flags may stand behind the verb, as with `nats`.
  for (CLI::App* verb : app.get_subcommands({})) verb->fallthrough();
  app.require_subcommand(1);
}

int Run(Program& program) {
  if (!program.refusal.empty()) return Complain(program.refusal);
  const absl::StatusOr<int> status = program.run();
  const bool written = std::fflush(stdout) == 0;
  if (!status.ok()) return Complain(std::string(status.status().message()));
  return written ? *status : 1;
}

int Main(int argc, char** argv) {
  Program program;
  program.arguments.assign(argv, argv + argc);
  CLI::App app("Talks to NATS servers: publishes, subscribes, requests, replies, measures.",
               "martlet");
  app.set_version_flag("--version", std::string("martlet ") + kVersion);
  app.footer("  martlet sub -s nats://localhost:4222 '>'\n  martlet VERB --help");
  AddConnectionFlags(app, program.connection);
  AddVerbs(app, program);
  if (argc == 1) {
    Print(app.help());
    return 0;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // help or version
    return app.exit(asked);
  } catch (const CLI::RequiredError& error) {
    const bool no_verb = app.get_subcommands().empty();
    return Complain((no_verb ? "a verb is missing or unknown" : std::string(error.what())) +
                    "; see martlet --help");
  } catch (const CLI::ParseError& error) {
    return Complain(std::string(error.what()) + "; see martlet --help");
  }
  CatchInterrupts();
  return Run(program);
}

}  // namespace
}  // namespace martlet::cli

int main(int argc, char** argv) {
  // A reader of our output that has had enough ends us quietly; a socket tells by its error.
  std::signal(SIGPIPE, SIG_DFL);
  try {
    return martlet::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "martlet: error: %s\n", error.what());
    return 1;
  }
}
