// Sections of the page; html.cpp puts them together.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "load/result.h"
#include "report/charts.h"
#include "report/comparison.h"

namespace martlet::report {

/// The style sheet.
std::string_view StyleSheet();

/// What has to be seen first: a table with a line for each run.
std::string SummaryHtml(std::span<const load::Result> results);

/// All of one run under `heading`; `id` is unique on the page and starts the ids within.
std::string RunHtml(const load::Result& result, std::string_view heading, const std::string& id);

/// All of a comparison: servers, verdicts, every scenario's figures and rounds.
std::string ComparisonHtml(const Comparison& comparison);

/// The ladder of each latency, a column each under the text of `heads`; empty without latencies.
std::string LadderHtml(const std::vector<LatencyLine>& lines,
                       const std::vector<std::string>& heads);

/// Name, version and language of a server in one line; where it runs if it has no name.
std::string ServerName(const load::ServerFacts& server);

}  // namespace martlet::report
