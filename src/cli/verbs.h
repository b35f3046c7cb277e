// The everyday verbs: the same arguments and output as those of the `nats` command.
#pragma once

#include "cli/cli11.h"
#include "cli/program.h"

namespace martlet::cli {

/// Each adds one subcommand; `program` outlives the parsing.
void AddPubCommand(CLI::App& app, Program& program);
void AddSubCommand(CLI::App& app, Program& program);
void AddReqCommand(CLI::App& app, Program& program);
void AddReplyCommand(CLI::App& app, Program& program);
void AddRttCommand(CLI::App& app, Program& program);
void AddConfigCommand(CLI::App& app, Program& program);
void AddSimCommand(CLI::App& app, Program& program);

}  // namespace martlet::cli
