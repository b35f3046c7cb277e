// Where a bench run's results go: terminal and files.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>

#include "cli/cli11.h"
#include "compare/compare.h"
#include "load/result.h"
#include "report/input.h"

namespace martlet::cli {

/// The flags that name outputs. "-" as a file is standard output, which then has nothing else.
struct OutputFlags {
  std::string json, csv, hdr, html, markdown;
  bool quiet = false;  // no interval lines

  void AddTo(CLI::App& app);
  /// For comparisons only.
  void AddMarkdownTo(CLI::App& app);
  /// People read standard output; else one of the files is it.
  bool for_people() const { return json != "-" && csv != "-" && markdown != "-"; }
};

/// Colours are wanted: a terminal, and no NO_COLOR.
bool WantsColour(int fd);

/// Command line, version, date and machine.
report::Provenance MakeProvenance(const std::vector<std::string>& arguments);

/// Writes every file that `flags` names. Errors name the file.
absl::Status WriteOutputs(const OutputFlags& flags, const report::Provenance& provenance,
                          const std::vector<load::Result>& results);
absl::Status WriteOutputs(const OutputFlags& flags, const compare::Outcome& outcome);

}  // namespace martlet::cli
