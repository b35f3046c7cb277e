// What a run has measured. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "load/plan.h"
#include "measure/histogram.h"
#include "measure/process.h"

namespace martlet::load {

/// One number with its name. `id` is stable ("deliveries_per_second"): what JSON, CSV and
/// comparisons go by.
struct Figure {
  std::string id;
  std::string label;  // "server CPU per delivery"
  double value = 0;
  std::string unit;  // "1/s", "us", "B", "%", ""
  bool higher_is_better = true;
  bool compared = true;  // a comparison gives a verdict on it
};

struct Latency {
  std::string id;                // "intended", "actual", "round_trip", "connect"
  std::string label;             // "latency from the intended send time"
  measure::Histogram histogram;  // nanoseconds
};

/// One stretch of a run.
struct Interval {
  double begin_seconds = 0;  // since the end of the warm-up
  double seconds = 0;
  uint64_t messages = 0;          // delivered; sent where nothing is delivered; requests; connects
  uint64_t bytes = 0;             // of their payload
  double server_cpu_seconds = 0;  // 0 where not known
  int64_t p50_ns = 0;             // of the first latency, 0 where there is none
  int64_t p99_ns = 0;
  int64_t max_ns = 0;
};

/// Messages that did not arrive as sent. Any of them fails the run.
struct Faults {
  uint64_t lost = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t corrupted = 0;
  std::vector<std::string> named;  // the first few: "subscriber 2: publisher 0 message 4711 lost"
  bool any() const { return lost + duplicated + reordered + corrupted > 0; }
};

struct ServerFacts {
  std::string name;
  std::string version;
  std::string language;  // "go1.24.3", "c++20"
  std::string url;
  int pid = 0;  // 0: not on this machine, or not seen
};

struct Result {
  Plan plan;
  ServerFacts server;
  std::string backend;  // of the client: "io_uring (...)"
  double seconds = 0;   // measured
  uint64_t sent = 0;    // within that time
  uint64_t delivered = 0;

  std::vector<Figure> figures;  // the first is the headline
  std::vector<Latency> latencies;
  std::vector<Interval> intervals;
  Faults faults;

  bool server_known = false;          // the server's process could be watched
  measure::ProcessUse server_use;     // differences over `seconds`; resident bytes at the end
  double client_cpu_share = 0;        // of the busiest worker thread, 0 to 1
  double server_cpu_share = 0;        // CPU seconds a second
  double other_cpu_share = 0;         // of the machine's CPUs, by neither client nor server
  std::vector<std::string> warnings;  // "the client is the bottleneck: ..."

  const Figure* Find(std::string_view id) const {
    for (const Figure& figure : figures) {
      if (figure.id == id) return &figure;
    }
    return nullptr;
  }
};

}  // namespace martlet::load
