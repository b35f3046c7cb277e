// The command line: arguments in, options or a reason to exit out.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <martlet/options.h>

namespace martlet::ops {

struct Parsed;

/// The process is to print this and end: help, version, or a mistake.
struct ExitNow {
  std::string out;  // for standard output
  std::string err;  // for standard error
  int code = 0;
};

/// What the arguments ask for. Flags beat the configuration file, also when it is read again, so
/// that they are kept as they were given.
class Invocation {
 public:
  std::string config_file;    // -c; empty: none
  bool check_config = false;  // -t
  std::string signal;         // -sl; empty: none
  std::string unsupported;    // the first flag that asks for what this release lacks, as typed

  /// `options` with the flags over them, as a server is to run: empty and zero mean the default.
  Options Over(Options options) const;
  /// Why the flags cannot stand over `options`; empty: they can.
  std::string Problem(const Options& options) const;
  /// The flags alone.
  Options options() const { return Over({}); }

 private:
  friend class FlagReader;
  struct Given {
    size_t flag;  // its place in the table
    std::string value;
  };
  Parsed SetOver(Options options) const;

  std::vector<Given> given_;
};

using CommandLine = std::variant<Invocation, ExitNow>;

/// Reads the arguments behind the program's name. Pure: prints nothing, ends nothing.
///
/// The rules are those of Go's flag package and of the reference's main (spec config-and-cli.md
/// section 1): -x and --x are one flag, `-flag value` or `-flag=value`, booleans take a value only
/// with '=', the last occurrence wins, and reading stops at "--" or the first other word, of which
/// only `help` and `version` mean something. A flag that nobody knows, or a bad value, is told on
/// standard error, with the usage on standard output, and the exit code is 0 there too.
CommandLine ParseCommandLine(std::span<const std::string_view> arguments);

/// A row of the table of flags, for the documents and completions made from it.
struct FlagInfo {
  std::vector<std::string_view> names;  // without dashes
  std::string_view group;               // as in the usage
  std::string_view help;
  bool takes_value = true;
  bool supported = true;  // by this release
};
std::vector<FlagInfo> AllFlags();

/// A text on standard error as the reference ends with: "nats-server: why", exit code 1.
ExitNow Refuse(const std::string& why);

/// What -help prints, -help_tls and -version.
std::string UsageText();
std::string TlsHelpText();
std::string VersionText();

}  // namespace martlet::ops
