// Results as one JSON document.
#pragma once

#include <span>
#include <string>

#include "load/result.h"
#include "report/input.h"

namespace martlet::report {

/// One document, schema "martlet-bench/1", without blanks, ending in a line feed.
///
/// Times of latencies are nanoseconds, all else is in the unit beside it or in its name. A latency
/// has percentiles and all its buckets as [highest value, count], rising, so that a histogram can
/// be made of it again. Members are only ever added under the same schema.
std::string ResultsJson(const Provenance& provenance, std::span<const load::Result> results);

}  // namespace martlet::report
