// A latency in HdrHistogram's text form.
#pragma once

#include <string>

#include "load/result.h"

namespace martlet::report {

/// The .hgrm text of `latency`, in microseconds, five lines per halving, as HdrHistogram's plotters
/// read it: nothing stands before its header, names go into the file's name.
std::string HdrText(const load::Latency& latency);

/// "FILE-intended.hgrm" of "FILE.hgrm" or "FILE": where a run has several latencies. What is not a
/// letter, digit, '-' or '_' in the id becomes '_'.
std::string HdrFileName(const std::string& file, const load::Latency& latency);

}  // namespace martlet::report
