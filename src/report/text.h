// What a run prints on a terminal.
#pragma once

#include <string>

#include "load/plan.h"
#include "load/result.h"

namespace martlet::report {

/// The plan's name and its parameters, one a line; printed before the run.
std::string PlanText(const load::Plan& plan, bool colour);

/// One line of progress, without line feed: time, rate, payload, latencies, server CPU, as far as
/// there are any.
std::string IntervalLine(const load::Interval& interval);

/// What was measured: the server, figures, percentile ladder with one column for each latency, what
/// server and client used, warnings, and last the messages that did not arrive as sent. Does not
/// repeat the parameters. `colour`: with ANSI sequences.
std::string ResultText(const load::Result& result, bool colour);

}  // namespace martlet::report
