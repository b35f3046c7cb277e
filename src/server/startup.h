// From the command line and the configuration file to what a server is started with.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config/config.h"
#include "ops/command_line.h"

namespace martlet::server {

/// A server to start.
struct Start {
  ops::Invocation invocation;
  Options options;       // of the file, with the flags over them
  std::string digest;    // of the file; empty: there is none
  std::string warnings;  // of the file, for standard error
};

/// All that happens before a server is made: reads the arguments and the file, checks both, sends
/// the signal of -sl. Whatever ends the process is told in the reference's words.
/// Source: spec config-and-cli.md sections 1 and 5; reference ConfigureOptions and main.
std::variant<Start, ops::ExitNow> Prepare(std::span<const std::string_view> arguments,
                                          config::Environment& environment);

}  // namespace martlet::server
