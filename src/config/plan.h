// What a new configuration would change in a running server.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <martlet/options.h>

#include "config/config.h"
#include "config/reading.h"

namespace martlet::config {

/// One setting that differs.
struct Change {
  std::string_view key;     // of the file
  std::string_view option;  // the reference's name of it: "MaxPayload"
  Reload reload;
  std::string before;
  std::string after;
  std::string line;  // what the log says once it is done; empty for those that need a restart
};

/// All changes, in the order in which they are done and logged.
struct Plan {
  std::vector<Change> changes;

  /// The reference's refusal of the first change that needs a restart; empty: all can be done now.
  std::string Refusal() const;
};

/// Compares settings as a server runs with them, defaults filled in. Pure.
/// Source: spec config-and-cli.md section 6; reference diffOptions.
Plan Compare(const Options& running, const Options& wanted);

/// Compares two files: their settings, and of blocks (cluster, tls...) whether anything in them
/// differs.
Plan CompareFiles(const ReadResult& running, const ReadResult& wanted);

/// Settings by their keys, as text.
using Described = std::map<std::string, std::string, std::less<>>;
Described Describe(const Options& options);
/// Dito, where of the running server only that is known. Keys that are missing there count as the
/// same.
Plan Compare(const Described& running, const Options& wanted);

}  // namespace martlet::config
