// From what was counted and timed to the figures of a result.
#pragma once

#include <cstdint>
#include <vector>

#include "load/recorder.h"
#include "load/result.h"

namespace martlet::load {

inline constexpr uint64_t kSecondNs = 1'000'000'000;

/// Merges the workers' histograms into the latencies and intervals of `result`.
void AddLatencies(const std::vector<const Recorder*>& recorders, Result& result);

/// Rate, server CPU per message and, where there are latencies, their percentiles.
void AddMessageFigures(Result& result);

/// How evenly a queue group's members were served: chi-squared over its degrees of freedom; around
/// 1 is what chance gives, below is more even.
void AddQueueFigure(const std::vector<uint64_t>& delivered_each, Result& result);

void AddChurnFigure(uint64_t pairs, Result& result);
void AddFloodFigure(uint64_t messages, Result& result);

/// Says when the client, not the server, was the limit, and when others disturbed the run.
void AddWarnings(Result& result);

}  // namespace martlet::load
