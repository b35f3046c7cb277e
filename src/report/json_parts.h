// Pieces that the JSON of runs and that of comparisons share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "json/writer.h"
#include "load/result.h"
#include "report/input.h"

namespace martlet::report {

/// The members "version", "date", "command_line" and "machine" of the object that is open.
void WriteProvenance(const Provenance& provenance, json::Writer& json);
/// An object of names and texts.
void WriteRows(const std::vector<std::pair<std::string, std::string>>& rows, json::Writer& json);
void WriteTexts(const std::vector<std::string>& texts, json::Writer& json);
void WriteLatencies(const std::vector<load::Latency>& latencies, json::Writer& json);

}  // namespace martlet::report
