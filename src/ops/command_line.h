// The command line: arguments in, options or a reason to exit out.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <martlet/options.h>

namespace martlet::ops {

/// The process is to print this and end: help, version, or a mistake.
struct ExitNow {
  std::string out;  // for standard output
  std::string err;  // for standard error
  int code = 0;
};

using CommandLine = std::variant<Options, ExitNow>;

/// Reads the arguments behind the program's name. Pure: prints nothing, ends nothing.
///
/// The rules are those of Go's flag package and of the reference's main (spec config-and-cli.md
/// section 1): -x and --x are one flag, `-flag value` or `-flag=value`, booleans take a value only
/// with '=', the last occurrence wins, and reading stops at "--" or the first other word, of which
/// only `help` and `version` mean something. A flag that nobody knows, or a bad value, is told on
/// standard error, with the usage on standard output, and the exit code is 0 there too. A flag
/// that the reference has and this release lacks ends the process with code 1.
CommandLine ParseCommandLine(std::span<const std::string_view> arguments);

/// What -help prints, and -version.
std::string UsageText();
std::string VersionText();

}  // namespace martlet::ops
