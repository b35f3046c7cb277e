// Results as comma-separated values.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "load/result.h"

namespace martlet::report {

/// One row per number, long form, under the header "result,name,kind,id,value,unit": files of many
/// runs can be put one after the other, and no column moves when a figure is added.
///
/// `result` counts from 1, `name` is the plan's. Kinds:
///   parameter  id and value as echoed
///   figure     id of the figure, its value and unit
///   latency    id "intended.p99", in ns; besides the ladder .min, .mean, .count
///   fault      lost, duplicated, reordered, corrupted: always there, 0 in a good run
///   warning    value is the text
std::string ResultsCsv(std::span<const load::Result> results);

/// Appends `field`, quoted (RFC 4180) where it has to be. Text that a spreadsheet would take for a
/// formula gets an apostrophe before it.
void AppendCsvText(std::string_view field, std::string& out);
/// The number as JSON would have it; empty for what is none.
void AppendCsvNumber(double number, std::string& out);

}  // namespace martlet::report
