// The report as one page.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load/result.h"
#include "report/comparison.h"
#include "report/input.h"

namespace martlet::report {

struct ReportInput {
  std::string title;  // "martlet bench: fan-out 1:100"; made from what there is when empty
  Provenance provenance;
  std::vector<load::Result> results;     // each with a section of its own; may be empty
  std::optional<Comparison> comparison;  // stands before them
};

/// One self-contained HTML page: styles and drawings inline, no script, nothing from the network.
/// Follows the reader's light or dark theme, fits narrow windows and paper. Pure: the same input
/// gives the same bytes. Every text of the input is escaped.
std::string HtmlReport(const ReportInput& input);

}  // namespace martlet::report
